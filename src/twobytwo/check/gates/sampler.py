"""Whether the draws are those of the posterior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import arviz_stats
import numpy as np
import xarray as xr

from twobytwo.ask.contrast import Contrast
from twobytwo.check.gate import Gate, judge
from twobytwo.infer.effects import Effects

__all__ = ["sampler_gates"]


def sampler_gates(tree: xr.DataTree, effects: Effects, contrasts: Sequence[Contrast] = ()) -> list[Gate]:
    """Check convergence of the parameters and of the contrasts themselves.

    Parameters
    ----------
    tree
        Groups ``posterior`` and ``sample_stats``.
    effects
        Labelled draws.
    contrasts
        What is stated, whose Monte-Carlo error is checked; none takes the headline's.

    Returns
    -------
    list of Gate
        R̂, ESS of bulk and tail, divergences, E-BFMI, and the largest Monte-Carlo error of an effect.
    """
    # Looked at apart: an effect may be called as a factor is.
    datasets = [tree["posterior"].to_dataset(), effects.draws]

    def extreme(diagnose: Callable[[xr.Dataset], xr.Dataset], pick: str) -> float:
        # What is the same in every draw has no R̂: 0 / 0, which is left out.
        with np.errstate(invalid="ignore"):
            found = [float(getattr(v, pick)()) for draws in datasets for v in diagnose(draws).values()]
        return float(getattr(np, f"nan{pick}")(found))

    divergent = float(tree["sample_stats"]["diverging"].mean())
    asked = [effects[contrast.name] for contrast in contrasts] or [effects[effects.headline]]
    values = {
        "rhat": extreme(arviz_stats.rhat, "max"),
        "ess_bulk": extreme(arviz_stats.ess, "min"),
        "ess_tail": extreme(partial(arviz_stats.ess, method="tail"), "min"),
        "divergences": divergent,
        "e_bfmi": float(arviz_stats.bfmi(tree)["energy"].min()),
        "mcse": max(float(arviz_stats.mcse(draws)) / float(draws.std()) for draws in asked),
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
