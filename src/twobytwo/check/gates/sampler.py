"""Whether the draws are those of the posterior."""

from __future__ import annotations

import numpy as np
import xarray as xr

from twobytwo.ask.contrast import Contrast
from twobytwo.check.gate import Gate, judge
from twobytwo.infer.convergence import bfmi, convergence, mcse
from twobytwo.infer.effects import Effects

__all__ = ["sampler_gates"]


def sampler_gates(tree: xr.DataTree, effects: Effects, contrast: Contrast | None = None) -> list[Gate]:
    """Check convergence of the parameters and of the contrasts themselves.

    Parameters
    ----------
    tree
        Groups ``posterior`` and ``sample_stats``.
    effects
        Labelled draws.
    contrast
        Whose Monte-Carlo error is checked; None takes the headline's.

    Returns
    -------
    list of Gate
        R̂, ESS of bulk and tail, divergences, E-BFMI, and the Monte-Carlo error of the effect.
    """
    # All at once; a list, because an effect may be called as a factor is.
    drawn = [*tree["posterior"].to_dataset().values(), *effects.draws.values()]
    arrays = [variable.transpose("chain", "draw", ...).to_numpy() for variable in drawn]
    columns = [array.reshape(*array.shape[:2], -1) for array in arrays]
    found = convergence(np.concatenate(columns, axis=-1))
    ends = np.cumsum([column.shape[-1] for column in columns])[:-1]
    # A level that is known never moves and has no R̂; a variable without any is a failure.
    worst = [np.fmax.reduce(own) for own in np.split(found.rhat, ends)]
    divergent = float(tree["sample_stats"]["diverging"].mean())
    asked = effects[contrast.name if contrast else effects.headline].transpose("chain", "draw").to_numpy()
    energy = tree["sample_stats"]["energy"].transpose("chain", "draw").to_numpy()
    values = {
        "rhat": float(np.max(worst)),
        "ess_bulk": float(found.bulk.min()),
        "ess_tail": float(found.tail.min()),
        "divergences": divergent,
        "e_bfmi": float(bfmi(energy).min()),
        "mcse": mcse(asked) / float(asked.std()),
    }
    more = "More draws or tuning steps may help (draws=, tune=)."
    corner = "The posterior has a corner that the sampler cannot enter; try another family or priors."
    messages = {
        "rhat": _said("The chains agree", "The chains disagree", more),
        "ess_bulk": _said("Enough effective draws", "Too few effective draws", more),
        "ess_tail": _said("Enough effective draws in the tails", "Too few in the tails", more),
        "divergences": _said("No transition diverged", f"{divergent:.2%} of transitions diverged", corner),
        "e_bfmi": _said("The sampler moves freely", "The sampler moves too slowly", corner),
        "mcse": _said("Monte-Carlo error is small", "Monte-Carlo error is large", more),
    }
    return [judge(name, "sampler", value, messages[name]) for name, value in values.items()]


def _said(good: str, bad: str, fix: str) -> dict[str, str]:
    return {"pass": f"{good}.", "fail": f"{bad}. {fix}"}
