"""Whether a family's means are the data's, and its intervals as wide as they should be."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from twobytwo.ask.contrast import Contrast
from twobytwo.check.absences import completed_means
from twobytwo.check.arrays import changes, joint, least_events, least_positives
from twobytwo.check.gate import THRESHOLDS, Gate, Status, Threshold, judge, skipped
from twobytwo.check.gates.logs import log_skewness
from twobytwo.check.gates.skewed import skewness, spread
from twobytwo.check.gates.strata import strata_gates
from twobytwo.check.record import Check
from twobytwo.data.bins import Bins
from twobytwo.data.cells import Cells
from twobytwo.infer.families import Family
from twobytwo.infer.families.hurdle_lognormal import HurdleLogNormal
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.fit import Fit

__all__ = ["family_gates", "foreseen"]

Floats = npt.NDArray[np.float64]

# The same for a cell mean in standard errors: whatever the per cents, and where these are many.
_IN_ERRORS = (Threshold(warn=2.0, refuse=None), Threshold(warn=0.5, refuse=3.0))
# So many times beyond a refusal, the means by formula will not come back into it when fitted.
_HOPELESS = 2.0
# A family that is no more precise than its companion should give the companion's effect; it is refused where
# it is more than one robust standard error off, which is three of these.
_LEAST_GAIN = 1 / 3


def family_gates(chosen: Fit, robust: Check, contrast: Contrast | None = None) -> list[Gate]:
    """Check that the model's means are the data's means.

    Parameters
    ----------
    chosen
        The fit of the family.
    robust
        The companion that asks the same question without a model.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    list of Gate
        Mean fidelity of the worst cell and fidelity of the contrast; for families whose means are the raw
        ones the skewness of the contrast and how alike the groups spread before; where the family's spread
        or share of zeros can differ from the data's these, for families of positive outcomes their number.
    """
    means, family = chosen.means, chosen.family
    if means is None:
        message = "Not a mean: a location cannot be compared with the raw means."
        gates = [skipped(name, "family", message) for name in ("mean_fidelity", "contrast_fidelity")]
    else:
        gates = [_mean_fidelity(chosen, means), _contrast_fidelity(chosen, robust, contrast)]
        design = chosen.cells.design
        if family.adjusts and (design.randomised or design.missing == "available"):
            # Its means are the raw ones wherever these are what is asked for; here they are pooled before, or
            # completed for absences, after as well as before.
            message = "The raw means are not what is asked for here; the contrast is checked instead."
            gates[0] = replace(gates[0], status="skip", value=None, message=message)
        if not family.raw_means and chosen.cells.joint.size == 1:
            gates.append(_gain(chosen, robust, contrast))
    gates += _without_draws(family, chosen.cells, contrast)
    spread = family.spread_ratio(chosen.cells, chosen.tree["posterior"].to_dataset())
    if spread is not None:
        gates.append(_spread_fidelity(spread, of_counts=family.kinds == ("count",)))
    zeros = family.zero_shares(chosen.tree["posterior"].to_dataset())
    if zeros is not None:
        gates.append(_zero_fidelity(chosen.cells, zeros))
    if family.of_strata:
        gates += strata_gates(chosen)
    return [replace(gate, family=family.name) for gate in gates]


def foreseen(family: Family, cells: Cells, contrast: Contrast | None = None) -> list[Gate]:
    """Check what is known of a family before it is fitted.

    Parameters
    ----------
    family
        The family.
    cells
        The data.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    list of Gate
        Those of `family_gates` that need no draws; and fidelity of the means and of the shares of zeros where
        maximum likelihood gives them and they are far beyond what these checks let pass.
    """
    gates = _without_draws(family, cells, contrast)
    rough = family.rough_means(cells)
    if rough is not None:
        moments = (cells.changes if family.of_changes else cells.bins).moments()
        raw = moments["mean"].to_numpy()
        se = np.sqrt((moments["ss"] / (moments["n"] - 1) / moments["n"]).to_numpy())
        with np.errstate(divide="ignore", invalid="ignore"):
            off, errors = np.abs(rough / raw - 1), np.abs(rough - raw) / se
        hopeless = (off > _HOPELESS * (THRESHOLDS["mean_fidelity"].refuse or 0)) & (errors > _HOPELESS * 3)
        if hopeless.any():
            worst = float(off[hopeless].max())
            message = f"A cell mean of the family is {worst:.0%} from the raw mean, by their formulas."
            gates.append(judge("mean_fidelity", "family", worst, {"pass": message, "fail": message}))
    zeros = family.rough_zero_shares(cells)
    if zeros is not None:
        gate = _zero_fidelity(cells, zeros, errors=3 * _HOPELESS)
        if (gate.value or 0) > _HOPELESS * (THRESHOLDS["zero_fidelity"].refuse or 0):
            gates.append(gate)
    return [replace(gate, family=family.name) for gate in gates]


def _without_draws(family: Family, cells: Cells, contrast: Contrast | None) -> list[Gate]:
    gates: list[Gate] = []
    if family.raw_means:
        gates = [skewness(cells, contrast), *spread(cells, contrast)]
    unstable = family.instability(cells)
    if unstable is not None:
        gates.append(_tail_stability(unstable))
    if family.events:
        gates.append(_rare_events(cells))
    elif family.zeros or family.link == "log":
        gates.append(_positives(cells))
    if isinstance(family, LogNormal | HurdleLogNormal):
        gates.append(log_skewness(cells))
    return gates


def _tail_stability(value: float) -> Gate:
    messages = {
        "pass": "The tail has one shape, however far out it is looked at.",
        "fail": (
            f"The tail's shape changes by {value:.1f} standard errors with the threshold (beyond the 90, 95 "
            "and 99 % quantiles): the outcome has no Pareto tail, as minutes have none, and a mean that "
            "extrapolates one is not to be trusted."
        ),
    }
    return judge("tail_stability", "family", value, messages)


def _spread_fidelity(ratio: float, *, of_counts: bool) -> Gate:
    """Judge how much further than its family says the outcomes of a cell spread.

    A gamma's means are the sample means whatever the data are, and so are those of counts, so no other check
    of a family sees that its interval is too narrow.
    """
    what, why = ("Counts", " (overdispersion, as a few bots cause it)") if of_counts else ("Outcomes", "")
    messages = {
        "pass": f"{what} spread as the family says.",
        "fail": (
            f"{what} spread {ratio:.3g} times as far as the family says with their mean{why}: its interval "
            "is too narrow."
        ),
    }
    return judge("spread_fidelity", "family", ratio, messages)


def _zero_fidelity(cells: Cells, said: Floats, errors: float = 3.0) -> Gate:
    """Judge how far the shares of zeros are from a family's, where that is more than so many errors."""
    n = cells.moments()["n"].to_numpy()
    found = cells.count("zero").to_numpy() / n
    off = np.abs(found - said)
    off[off <= errors * np.sqrt(said * (1 - said) / n)] = 0.0
    worst = np.unravel_index(int(off.argmax()), off.shape)
    messages = {
        "pass": "There are as many zeros as the family says.",
        "fail": (
            f"In a cell {found[worst]:.1%} of the values are zeros and the family says {said[worst]:.1%}: "
            "its interval is not the data's. Zeros of their own have "
            'family="hurdle_negative_binomial".'
        ),
    }
    return judge("zero_fidelity", "family", float(off[worst]), messages)


def _rare_events(cells: Cells) -> Gate:
    """Judge the number of events in the cell with the fewest; of shares also of those without an event."""
    fewest = least_events(cells)
    messages = {
        "pass": f"Every cell has at least {fewest:,} events.",
        "fail": (
            f"A cell has only {fewest:,} events: the prior counts, the interval is skewed, and least squares "
            "and the bootstrap beside it are too narrow."
        ),
    }
    return judge("rare_events", "family", fewest, messages)


def _positives(cells: Cells) -> Gate:
    fewest = least_positives(cells)
    messages = {
        "pass": f"Every cell has at least {fewest:,} positive outcomes.",
        "fail": f"A cell has only {fewest:,} positive outcomes: too few to know how large they are.",
    }
    return judge("positives", "family", fewest, messages)


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


def _mean_fidelity(chosen: Fit, means: xr.DataArray) -> Gate:
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
        message = (
            f"The model's mean in the cell ({labels}) is {model[worst]:.4g}, the raw mean {raw[worst]:.4g} "
            f"({model[worst] / raw[worst] - 1:+.0%}, {errors[worst]:.1f} standard errors): the outcome is "
            "not distributed as this family assumes."
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


def _gain(chosen: Fit, robust: Check, contrast: Contrast | None) -> Gate:
    """Judge how much of a family's precision is its assumption and not the data's.

    A family that extrapolates a tail, or takes logarithms for normal that have heavier tails, is the more
    precise the more it is wrong about the largest values, which no check of its means can see there.
    """
    draws = chosen.effects[contrast.name if contrast else chosen.effects.headline]
    kappa = chosen.prior_weight(robust.se, contrast)
    ratio = math.sqrt(float(draws.var(ddof=1)) / max(1 - kappa, 1e-12)) / robust.se
    told = f"The interval is {ratio:.2f} times as wide as least squares'"
    messages = {
        "pass": f"{told}.",
        "fail": (
            f"{told}: so much precision comes from what the family assumes of the largest values, not from "
            "these data. Set a cap (cap=), or collect more data."
        ),
    }
    return judge("gain", "family", ratio, messages)


def _contrast_fidelity(chosen: Fit, robust: Check, contrast: Contrast | None) -> Gate:
    """Compare the effect with the companion's, by how much a more precise family may differ (Hausman 1978).

    An efficient estimate and a robust one of the same effect differ with variance ``se_R² − se_F²``. What
    the prior's share κ of the posterior explains is set aside: it pulls the effect towards zero and narrows
    its posterior by a factor ``√(1 − κ)``.
    """
    draws = chosen.effects[contrast.name if contrast else chosen.effects.headline]
    posterior, kappa = float(draws.median()), chosen.prior_weight(robust.se, contrast)
    low, high = sorted((robust.estimate, (1 - kappa) * robust.estimate))
    off = max(low - posterior, posterior - high, 0.0)
    own = float(draws.var(ddof=1)) / max(1 - kappa, 1e-12)
    gain = max(robust.se**2 - own, (_LEAST_GAIN * robust.se) ** 2)
    distance = off / math.sqrt(gain)
    found = "in the means completed for absences" if robust.method == "fiml" else "in the raw means"
    messages = {
        "pass": f"The posterior effect is the effect {found}.",
        "fail": (
            f"The posterior effect ({posterior:.4g}) is {off / robust.se:.1f} robust standard errors from "
            f"the effect {found} ({robust.estimate:.4g}): the family's means are not the data's."
        ),
    }
    return judge("contrast_fidelity", "family", distance, messages)
