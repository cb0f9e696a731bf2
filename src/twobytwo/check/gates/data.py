"""Whether the data can answer: who is in which cell, who is absent, whose values count most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from twobytwo.ask.contrast import Contrast
from twobytwo.ask.units import counted
from twobytwo.check.arrays import attendance, weights_of
from twobytwo.check.assignment import assigned_together
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.gate import THRESHOLDS, Gate, judge
from twobytwo.check.gates.groups import balance, baseline_gap, sample_ratio
from twobytwo.check.readings import Absences, absences
from twobytwo.data.cells import Cells
from twobytwo.infer.decisions import format_value

__all__ = ["data_gates"]

# From this many values on, a thousandth of them are enough to be looked at.
_MANY = 10_000


def data_gates(
    cells: Cells, contrast: Contrast | None = None, *, max_probability: float = 0.05, blind: bool = False
) -> list[Gate]:
    """Check who is in which cell.

    Parameters
    ----------
    cells
        The data.
    contrast
        Of the cells; None takes the headline's.
    max_probability
        Of the verdict; see `twobytwo.infer.decisions.verdict`.
    blind
        Whether the messages must not tell how large the effect is.

    Returns
    -------
    list of Gate
        The share of the largest value in a cell's total. Where shares were expected, whether the groups
        found have them; for experiments that run together, whether they were assigned independently; for
        the same users twice, whether absence depends on the group; where the groups were drawn at random,
        whether they were alike before: p-values of tests of what should be true. For a
        difference-in-differences, how far apart the groups were before.
    """
    gates = [*_largest_share(cells, contrast), *sample_ratio(cells)]
    gates += assigned_together(cells.design, cells.moments()["n"].to_numpy().astype(float))
    counts = attendance(cells)
    if counts is not None and cells.design.missing != "zero":
        gates.append(_attrition(cells, counts, contrast, max_probability, blind=blind))
    if cells.design.randomised and cells.design.period is not None:
        gates.append(balance(cells))
    return [*gates, *baseline_gap(cells, contrast)]


def _largest_share(cells: Cells, contrast: Contrast | None) -> list[Gate]:
    counts = weights_of(cells, contrast).ravel() != 0
    known = cells.bins.by_cell.frame[counts]
    # Values of a ratio vary about it, and add up to nothing; no one in a share weighs more than another.
    if known["low"].min() < 0 or cells.design.metric.kind in ("ratio", "share"):
        return []
    shares = (known["high"] / (known["n"] * known["mean"])).to_numpy()
    share, worst = float(shares.max()), int(np.argmax(shares))
    place = np.unravel_index(int(known.index[worst]), cells.bins.shape)
    pairs = zip(cells.design.factors, place, strict=True)
    where = ", ".join(f"{factor.column} {factor.labels[k]}" for factor, k in pairs)
    high = float(known["high"].iloc[worst])
    # Only a warning needs the bins.
    passes = THRESHOLDS["largest_share"].status(share) == "pass"
    proposal = "" if passes else _large_values(cells)
    messages = {
        "pass": f"No value is more than {share:.1%} of its cell's total.",
        "fail": (
            f"One value, about {format_value(high)} ({where}), is {share:.0%} of its cell's total. {proposal}"
        ),
    }
    return [judge("largest_share", "data", share, messages)]


def _large_values(cells: Cells) -> str:
    """Count the largest values of all cells together, and propose a cap that leaves the others alone."""
    frame = cells.bins.frame
    value, n = (frame["reference"] + frame["s1"] / frame["n"]).to_numpy(float), frame["n"].to_numpy(float)
    order = np.argsort(value)
    kept = 0.999 if n.sum() >= _MANY else 0.99
    limit = float(value[order][np.searchsorted(np.cumsum(n[order]), kept * n.sum())])
    above = n[value > limit].sum()
    if not above:
        return "See whose it is with largest_users() or `twobytwo check`; if that is no person, remove it."
    return (
        f"{above:,.0f} of {n.sum():,.0f} values are above {format_value(limit)}. See whose they are with "
        "largest_users() or `twobytwo check`; if they are no people, remove them, or say "
        f'cap="{100 * kept:g}%".'
    )


def _attrition(
    cells: Cells,
    counts: npt.NDArray[np.int64],
    contrast: Contrast | None,
    max_probability: float,
    *,
    blind: bool,
) -> Gate:
    """Test whether absence depends on the group; if so, ask whether that could change the verdict."""
    present = counts[:, counts.sum(axis=0) > 0]
    p = float(stats.chi2_contingency(present, correction=False).pvalue) if present.shape[1] > 1 else 1.0
    once = 1 - counts[:, 0] / counts.sum(axis=1)
    labels = cells.design.factors[0].labels
    shares = " and ".join(f"{share:.1%} in {label!r}" for share, label in zip(once, labels, strict=True))
    depends = f"Absence depends on the group ({shares} seen once; p = {p:.2g})"
    messages = {
        "pass": f"Absence does not depend on the group ({shares} seen once; p = {p:.2g}).",
        "fail": f"{depends}.",
    }
    gate = judge("attrition", "data", p, messages)
    if gate.status == "pass":
        return gate
    found = absences(cells, robust_check(cells, contrast=contrast), contrast, max_probability=max_probability)
    if found is None:
        return gate
    bounded = _changes_the_decision(found) if blind else _bounded(cells, found)
    return replace(gate, status="refuse" if found.flips else "warn", message=f"{depends}{bounded}")


def _changes_the_decision(found: Absences) -> str:
    """Say only whether it matters what absent users did, for readers who must not know the effect yet."""
    if not found.flips:
        return ", but no plausible value of those who are absent changes the decision."
    return f", and the decision depends on what absent users did. {_WHO_LEFT}"


_WHO_LEFT = 'Find out who left; if absent means zero, say missing="zero".'
_DECISIONS = {"harm": "harm", "no harm": "no harm beyond the margin", "open": "open"}


def _bounded(cells: Cells, found: Absences) -> str:
    """Say how far the effect moves with what absent users did, and when the decision changes."""
    measure = cells.design.metric.measure
    readings = ", ".join(
        f"{reading.name} {format_value(reading.estimate, sign=True)}" for reading in found.readings
    )
    low, high = (format_value(end, sign=True) for end in (found.low, found.high))
    across = (
        f"Depending on what absent users did, the effect is between {low} and {counted(high, measure)} "
        f"(by reading: {readings})"
    )
    if not found.tipping_points:
        return f". {across}."
    point = found.tipping_points[0]
    tips = (
        f"the {point.absent:,} absent users of {point.group!r} in {point.period!r} would have to average "
        f"{counted(format_value(point.average), measure)} for the decision to change "
        f"(plausible: {format_value(point.low)} to {format_value(point.high)})"
    )
    if found.flips:
        return (
            f", and the decision ({_DECISIONS[found.verdict]}) depends on what absent users did. {across}; "
            f"{tips}. {_WHO_LEFT}"
        )
    return (
        f", but no plausible value of those who are absent changes the decision "
        f"({_DECISIONS[found.verdict]}). {across}; {tips}."
    )
