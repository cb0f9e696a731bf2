"""Whether a family's means are the data's, and its intervals as wide as they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from twobytwo.ask.contrast import Contrast
from twobytwo.check.arrays import least_events, least_positives
from twobytwo.check.gate import THRESHOLDS, Gate, judge, skipped
from twobytwo.check.gates.fidelity import contrast_fidelity, gain, mean_fidelity
from twobytwo.check.gates.logs import log_skewness
from twobytwo.check.gates.skewed import skewness, spread
from twobytwo.check.gates.strata import strata_gates
from twobytwo.check.record import Check
from twobytwo.data.cells import Cells
from twobytwo.infer.families import Family
from twobytwo.infer.fit import Fit

__all__ = ["family_gates", "foreseen"]

Floats = npt.NDArray[np.float64]

# So many times beyond a refusal, the means by formula will not come back into it when fitted.
_HOPELESS = 2.0


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
        gates = [mean_fidelity(chosen, means), contrast_fidelity(chosen, robust, contrast)]
        design = chosen.cells.design
        if family.adjusts and (design.randomised or design.missing == "available"):
            # Its means are the raw ones wherever these are what is asked for; here they are pooled before, or
            # completed for absences, after as well as before.
            message = "The raw means are not what is asked for here; the contrast is checked instead."
            gates[0] = replace(gates[0], status="skip", value=None, message=message)
        if not family.raw_means and chosen.cells.joint.size == 1:
            gates.append(gain(chosen, robust, contrast))
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
    if family.normal_logs:
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
