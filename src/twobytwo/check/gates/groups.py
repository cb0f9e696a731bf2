"""Whether the groups are what they were meant to be: how large they are, and where they stood before."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc

from twobytwo.ask.contrast import Contrast
from twobytwo.check.arrays import changes_weights, sizes, weigh
from twobytwo.check.assignment import expected_sizes
from twobytwo.check.gate import Gate, judge
from twobytwo.data.cells import Cells
from twobytwo.infer.decisions import format_value

__all__ = ["balance", "baseline_gap", "sample_ratio"]

# Below this many standard errors a gap may be chance, and says nothing of trends.
_BEYOND_CHANCE = 2.0


def sample_ratio(cells: Cells) -> list[Gate]:
    """Test whether the groups have the shares that were expected (chi-squared); none if nobody said."""
    counted = {factor: sizes(cells, factor) for factor in cells.design.factors if factor.expected_share}
    return expected_sizes(counted, "users" if cells.units is not None else "rows")


def baseline_gap(cells: Cells, contrast: Contrast | None = None) -> list[Gate]:
    """Measure how far apart the groups of a difference-in-differences were before, and what that means.

    Parameters
    ----------
    cells
        The data.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    list of Gate
        The gap before as a share of the control group's mean; of the yardstick where that may be zero. None
        for contrasts that are not of two groups' changes.
    """
    if cells.design.period is None:
        return []
    seen = weigh(cells, contrast)
    if changes_weights(seen.weights) is None or seen.weights.shape != (2, 2):
        return []
    (control, control_after), (treated, _) = seen.mean
    gap = float(treated - control)
    variances = (seen.ss / (seen.n - 1) / seen.n)[:, 0]
    error = float(np.sqrt(variances.sum()))
    # A mean that may be zero is no size to compare with.
    known = control > _BEYOND_CHANCE * np.sqrt(variances[0])
    size = control if known else cells.yardstick
    labels = cells.design.factors[0].labels
    share = abs(gap) / float(size)
    was = [format_value(float(mean)) for mean in (treated, control)]
    told = (
        f"Before, the mean of {labels[1]!r} was {was[0]} and that of {labels[0]!r} {was[1]}: a gap of "
        f"{format_value(gap, sign=True)} ({100 * gap / size:+.3g} % of {'it' if known else 'what is usual'})"
    )
    apart = "trends that add and trends that multiply can give different effects"
    if known and treated > 0 and control_after > 0:
        adding, multiplying = control_after - control + treated, treated * control_after / control
        if_added, if_multiplied = format_value(adding), format_value(multiplying)
        apart += (
            f": without treatment {labels[1]!r} would be at {if_added} after if trends add, and at "
            f"{if_multiplied} if they multiply"
        )
    messages = {
        "pass": f"{told}.",
        "fail": (
            f"{told}. Over such a gap {apart}. Say which you believe, or compare groups that were drawn at "
            "random."
        ),
    }
    gate = judge("baseline_gap", "data", share, messages)
    if gate.status != "pass" and abs(gap) <= _BEYOND_CHANCE * error:
        message = f"{told}, no more than {_BEYOND_CHANCE:g} standard errors ({format_value(error)})."
        gate = gate.at_most("pass", message)
    return [gate]


def balance(cells: Cells) -> Gate:
    """Test that groups drawn at random have one mean before (chi-squared, by the groups' own spreads)."""
    moments = cells.moments().isel({cells.design.period: 0})
    mean = moments["mean"].to_numpy()
    variance = (moments["ss"] / (moments["n"] - 1) / moments["n"]).to_numpy()
    pooled = (mean / variance).sum() / (1 / variance).sum()
    distance = float(((mean - pooled) ** 2 / variance).sum())
    p = float(chdtrc(len(mean) - 1, distance))
    gap = float(mean[1] - mean[0]) if len(mean) == 2 else float(np.ptp(mean))
    largest = "" if len(mean) == 2 else "largest "
    told = f"{largest}gap {format_value(gap)}, p = {p:.2g}"
    # A comparison takes its groups for random ones in any case.
    or_not = "" if cells.design.at_one_time else ", or leave out `randomised`"
    messages = {
        "pass": f"The groups were alike before ({told}).",
        "fail": (
            f"The groups were not alike before ({told}), which random assignment would make them: find out "
            f"how users were assigned{or_not}."
        ),
    }
    return judge("balance", "data", p, messages)
