"""Whether the groups are what they were meant to be: how large they are, and where they stood before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from twobytwo.ask.contrast import Contrast
from twobytwo.check.arrays import changes_weights, sizes, weigh
from twobytwo.check.gate import Gate, judge
from twobytwo.data.cells import Cells

__all__ = ["assignment", "balance", "baseline_gap", "sample_ratio"]

# A deviation of a share below this part of it changes no effect that anybody could notice.
_MATTERS = 0.005
# Below this many standard errors a gap may be chance, and says nothing of trends.
_BEYOND_CHANCE = 2.0


def sample_ratio(cells: Cells) -> list[Gate]:
    """Test whether the groups have the shares that were expected (chi-squared); none if nobody said."""
    counted = {
        (factor.column, where): (counts, dict(factor.expected_share))
        for factor in cells.design.factors
        if isinstance(factor.expected_share, tuple)
        for where, counts in sizes(cells, factor).items()
    }
    if not counted:
        return []
    p_values = {
        key: float(stats.chisquare(counts, counts.sum() * np.array([*shares.values()])).pvalue)
        for key, (counts, shares) in counted.items()
    }
    worst = min(p_values, key=p_values.__getitem__)
    # Several tests of what should be true: the worst of them is judged by its chance among them all.
    p = min(1.0, len(p_values) * p_values[worst])
    counts, shares = counted[worst]
    off = max(abs(n / counts.sum() / share - 1) for n, share in zip(counts, shares.values(), strict=True))
    found = _found(*worst, counts, shares, "users" if cells.units is not None else "rows")
    messages = {
        "pass": f"The groups are as large as expected: {found} (p = {p:.2g}).",
        "fail": (
            f"The groups are not as large as expected: {found} (p = {p:.2g}). Users were lost, filtered or "
            "counted twice on one side, and an effect may be nothing else; find out why first."
        ),
    }
    gate = judge("sample_ratio", "data", p, messages)
    if gate.status == "refuse" and off <= _MATTERS:
        near = f" No share is off by more than {off:.2%} of itself, which changes no effect noticeably."
        gate = replace(gate, status="warn", message=f"{gate.message}{near}")
    return [gate]


def assignment(cells: Cells) -> Gate:
    """Test that experiments are independent (chi-squared), and look at whether the deviation matters."""
    tested = stats.chi2_contingency(cells.moments()["n"].to_numpy(), correction=False)
    p = float(tested.pvalue)
    off = float(np.abs(cells.moments()["n"].to_numpy() / tested.expected_freq - 1).max())
    *first, last = (repr(factor.column) for factor in cells.design.factors)
    names = f"{', '.join(first)} and {last}"
    messages = {
        "pass": f"{names} were assigned independently (p = {p:.2g}).",
        "fail": (
            f"{names} were not assigned independently (p = {p:.2g}; a cell's share is off by {off:.1%} of "
            "itself); find out why before reading any effect."
        ),
    }
    gate = judge("assignment", "data", p, messages)
    if gate.status != "pass" and off <= _MATTERS:
        message = f"{names} were assigned nearly independently: no cell's share is off by more than {off:.2%}"
        gate = replace(gate, status="pass", message=f"{message} of itself (p = {p:.2g}).")
    return gate


def _found(
    column: str, where: str, counts: npt.NDArray[np.float64], shares: Mapping[object, float], who: str
) -> str:
    """Say what was counted and what was expected, such as "variant 1 has 80 of 100 users (80 %; ...)"."""
    total = counts.sum()
    listed = [
        f"{level!r} has {n:,.0f} of {total:,.0f} {who} ({100 * n / total:.4g} %; "
        f"{100 * share:.4g} % expected)"
        for (level, share), n in zip(shares.items(), counts, strict=True)
    ]
    period = f" in {where!r}" if where else ""
    return f"of {column!r}{period}, {', '.join(listed[1:] if len(listed) == 2 else listed)}"


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
    told = (
        f"Before, the mean of {labels[1]!r} was {treated:.4g} and that of {labels[0]!r} {control:.4g}: a gap "
        f"of {gap:+.4g} ({100 * gap / size:+.3g} % of {'it' if known else 'what is usual'})"
    )
    apart = "trends that add and trends that multiply part ways"
    if known and treated > 0 and control_after > 0:
        adding, multiplying = control_after - control + treated, treated * control_after / control
        apart += (
            f": without treatment {labels[1]!r} would be at {adding:.4g} after if trends add, and at "
            f"{multiplying:.4g} if they multiply"
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
        message = f"{told}, no more than {_BEYOND_CHANCE:g} standard errors ({error:.3g})."
        gate = replace(gate, status="pass", message=message)
    return [gate]


def balance(cells: Cells) -> Gate:
    """Test that groups drawn at random have one mean before (chi-squared, by the groups' own spreads)."""
    moments = cells.moments().isel({cells.design.period: 0})
    mean = moments["mean"].to_numpy()
    variance = (moments["ss"] / (moments["n"] - 1) / moments["n"]).to_numpy()
    pooled = (mean / variance).sum() / (1 / variance).sum()
    distance = float(((mean - pooled) ** 2 / variance).sum())
    p = float(stats.chi2.sf(distance, len(mean) - 1))
    gap = float(mean[1] - mean[0]) if len(mean) == 2 else float(np.ptp(mean))
    largest = "" if len(mean) == 2 else "largest "
    messages = {
        "pass": f"The groups were alike before ({largest}gap {gap:.4g}, p = {p:.2g}).",
        "fail": (
            f"The groups were not alike before ({largest}gap {gap:.4g}, p = {p:.2g}), which random "
            "assignment would make so; leave out randomised=True or find out what went wrong."
        ),
    }
    return judge("balance", "data", p, messages)
