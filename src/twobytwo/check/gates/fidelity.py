"""Whether a family's means and effect are the data's, and whether its precision is."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import xarray as xr

from twobytwo.ask.contrast import Contrast
from twobytwo.check.absences import completed_means
from twobytwo.check.arrays import changes, joint
from twobytwo.check.gate import THRESHOLDS, Gate, Status, Threshold, judge
from twobytwo.check.record import Check
from twobytwo.data.bins import Bins
from twobytwo.infer.decisions import format_number
from twobytwo.infer.fit import Fit
from twobytwo.infer.predictors import coding

__all__ = ["contrast_fidelity", "gain", "mean_fidelity"]

Floats = npt.NDArray[np.float64]

# The same for a cell mean in standard errors: whatever the per cents, and where these are many.
_IN_ERRORS = (Threshold(warn=2.0, refuse=None), Threshold(warn=0.5, refuse=3.0))
# A family that is no more precise than its companion should give the companion's effect; it is refused where
# it is more than one robust standard error off, which is three of these.
_LEAST_GAIN = 1 / 3
# Numbers are written to a twentieth of their standard error, as effects are.
_DIGITS = 1 / 20


def mean_fidelity(chosen: Fit, means: xr.DataArray) -> Gate:
    """Compare the means of the cells with the raw ones, by per cents and by standard errors.

    Parameters
    ----------
    chosen
        The fit of the family.
    means
        Draws of the cells' means.

    Returns
    -------
    Gate
        Of the worst cell: its per cents, or where these do not decide its standard errors.
    """
    bins, raw, se = _asked_means(chosen)
    # The median: the mean of exp(μ + σ²/2) need not exist.
    model = means.median(("chain", "draw")).to_numpy()
    with np.errstate(divide="ignore"):
        relative = np.abs(model - raw) / np.abs(raw)
    errors = np.abs(model - raw) / se
    limits = THRESHOLDS["mean_fidelity"]
    # Per cents of a mean near zero mean nothing; below half a standard error nothing is wrong.
    warn = ((relative > (limits.warn or 0)) & (errors > 0.5)) | (errors > 2)
    refuse = (relative > (limits.refuse or 0)) & (errors > 3)
    grade = warn.astype(int) + refuse.astype(int)
    worst = np.unravel_index(np.lexsort((errors.ravel(), grade.ravel()))[-1], grade.shape)
    status: Status = ("pass", "warn", "refuse")[int(grade[worst])]
    labels = ", ".join(names[i] for names, i in zip(bins.coords.values(), worst, strict=True))
    message = "The model's means are the raw means."
    if status != "pass":
        fitted, seen = (format_number(float(one[worst]), _DIGITS * float(se[worst])) for one in (model, raw))
        away = float(model[worst] - raw[worst])
        pull = _pull(chosen, raw, se)
        why = (
            "the prior pulls it there, and another prior (priors=) would put it elsewhere"
            if pull is not None and abs(away - pull[worst]) < abs(away) / 2
            else "the outcome is not distributed as this family assumes"
        )
        message = (
            f"The model's mean in the cell ({labels}) is {fitted}, the raw mean {seen} "
            f"({model[worst] / raw[worst] - 1:+.0%}, {errors[worst]:.1f} standard errors): {why}."
        )
    # Shown is what decided: per cents, or else standard errors with their own limits.
    shares = [(float(relative[worst]), limits)] if np.isfinite(relative[worst]) else []
    value, by = next(
        (value, by)
        for value, by in [*shares, *((float(errors[worst]), by) for by in _IN_ERRORS)]
        if by.status(value) == status
    )
    return Gate(
        name="mean_fidelity",
        subject="family",
        status=status,
        value=value,
        warn=by.warn,
        refuse=by.refuse,
        message=message,
    )


def gain(chosen: Fit, robust: Check, contrast: Contrast | None = None) -> Gate:
    """Judge how much of a family's precision is its assumption and not the data's.

    A family that extrapolates a tail, or takes logarithms for normal that have heavier tails, is the more
    precise the more it is wrong about the largest values, which no check of its means can see there.

    Parameters
    ----------
    chosen
        The fit of the family.
    robust
        The companion that asks the same question without a model.
    contrast
        Of the cells; None takes the headline's.
    """
    _, _, variance = _effect(chosen, robust, contrast)
    ratio = math.sqrt(variance) / robust.se
    told = f"The interval is {ratio:.2f} times as wide as least squares'"
    messages = {
        "pass": f"{told}.",
        "fail": (
            f"{told}: so much precision comes from what the family assumes of the largest values, not from "
            "these data. Set a cap (cap=), or collect more data."
        ),
    }
    return judge("gain", "family", ratio, messages)


def contrast_fidelity(chosen: Fit, robust: Check, contrast: Contrast | None = None) -> Gate:
    """Compare the effect with the companion's, by how much a more precise family may differ (Hausman 1978).

    An efficient estimate and a robust one of the same effect differ with variance ``se_R² − se_F²``. What
    the prior's share κ of the posterior explains is set aside: it pulls the effect towards zero and narrows
    its posterior by a factor ``√(1 − κ)``.

    Parameters
    ----------
    chosen
        The fit of the family.
    robust
        The companion that asks the same question without a model.
    contrast
        Of the cells; None takes the headline's.
    """
    posterior, kappa, variance = _effect(chosen, robust, contrast)
    low, high = sorted((robust.estimate, (1 - kappa) * robust.estimate))
    off = max(low - posterior, posterior - high, 0.0)
    distance = off / math.sqrt(max(robust.se**2 - variance, (_LEAST_GAIN * robust.se) ** 2))
    found = "in the means completed for absences" if robust.method == "fiml" else "in the raw means"
    fitted, seen = (format_number(one, _DIGITS * robust.se) for one in (posterior, robust.estimate))
    messages = {
        "pass": f"The posterior effect is the effect {found}.",
        "fail": (
            f"The posterior effect ({fitted}) and the effect {found} ({seen}) differ by {distance:.3g} "
            "standard errors of their difference, not counting what the prior explains: the family's means "
            "are not the data's."
        ),
    }
    return judge("contrast_fidelity", "family", distance, messages)


def _effect(chosen: Fit, robust: Check, contrast: Contrast | None) -> tuple[float, float, float]:
    """Give the effect's median, the prior's share κ of its posterior, and its variance without the prior."""
    draws = chosen.effects[contrast.name if contrast else chosen.effects.headline]
    kappa = chosen.prior_weight(robust.se, contrast)
    return float(draws.median()), kappa, float(draws.var(ddof=1)) / max(1 - kappa, 1e-12)


def _asked_means(chosen: Fit) -> tuple[Bins, Floats, Floats]:
    """Give the means that a family should have, and their standard errors, without a model of outcomes."""
    cells, design = chosen.cells, chosen.cells.design
    bins = (changes(cells) if chosen.of_changes else None) or cells.bins
    moments = bins.moments()
    n, raw = moments["n"].to_numpy(), moments["mean"].to_numpy().copy()
    variance = (moments["ss"] / (moments["n"] - 1) / moments["n"]).to_numpy().copy()
    if design.missing == "available" and joint(cells) is not None and not chosen.of_changes:
        raw, covariance = completed_means(cells)
        variance = np.diagonal(covariance, axis1=1, axis2=2)
    elif design.randomised and design.period in bins.dims:
        # Groups drawn at random have one mean before.
        weight = n[:, 0] / n[:, 0].sum()
        raw[:, 0], variance[:, 0] = weight @ raw[:, 0], weight**2 @ variance[:, 0]
    return bins, raw, np.sqrt(variance)


def _pull(chosen: Fit, raw: Floats, se: Floats) -> Floats | None:
    """Say how far the prior moves the means of a family whose parameters they are; None for others.

    With raw means ``m ~ N(μ, S)`` and the effects' prior ``μ ~ N(p, K)`` the posterior mean is
    ``m + S (S + K)⁻¹ (p − m)``. S is taken as diagonal, though a user's two values correlate: it is near
    enough to tell whose doing a shift is.
    """
    if not chosen.family.additive:
        return None
    known, location = chosen.tree["constant_data"], chosen.tree["posterior"].to_dataset()["location"]
    dims = tuple(map(str, location.dims[2:]))
    matrix = coding(chosen.cells.design, dims).to_numpy().reshape(raw.size, -1)
    by_effect = float(known["scale"]) * matrix
    prior = by_effect @ known["effects_prior_mean"].to_numpy()
    width = (by_effect * known["effects_prior_sd"].to_numpy() ** 2) @ by_effect.T
    noise = np.diag(se.ravel() ** 2)
    pulled: Floats = noise @ np.linalg.solve(noise + width, prior - raw.ravel())
    return pulled.reshape(raw.shape)
