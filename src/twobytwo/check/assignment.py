"""Whether users were assigned as they were meant to be, from counts and gaps before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from twobytwo.ask.design import Design
from twobytwo.ask.factor import Factor
from twobytwo.ask.listed import listed
from twobytwo.check.gate import Gate, judge
from twobytwo.infer.decisions import format_value

__all__ = [
    "alike_before",
    "assigned_together",
    "counted_by_factor",
    "expected_sizes",
]

Floats = npt.NDArray[np.float64]

# A deviation of a share below this part of it changes no effect that anybody could notice.
_MATTERS = 0.005


def counted_by_factor(design: Design, n: Floats) -> dict[Factor, dict[str, Floats]]:
    """Count who has each level of every factor that is no period.

    Parameters
    ----------
    design
        The question, resolved.
    n
        Users once each, without the period's dimension, or rows with it where the same users are not known.

    Returns
    -------
    dict
        By factor, counts by level: under "", or by period where `n` has periods, because a user may be in
        each of them.

    Examples
    --------
    >>> design = Design.compare(outcome="y", group="arm", control=0, treatment=1)
    >>> [*counted_by_factor(design, np.array([80.0, 120.0])).values()][0][""].tolist()
    [80.0, 120.0]
    """
    factors = [factor for factor in design.factors if factor.role != "period"]
    by_period = {"": n}
    if n.ndim > len(factors):
        by_period = {label: n[..., k] for k, label in enumerate(design.factors[-1].labels)}
    return {
        factor: {
            where: np.asarray(counts.sum(axis=tuple(axis for axis in range(counts.ndim) if axis != k)))
            for where, counts in by_period.items()
        }
        for k, factor in enumerate(factors)
    }


def expected_sizes(counted: Mapping[Factor, Mapping[str, Floats]], who: str) -> list[Gate]:
    """Test whether groups have the shares that were expected (sample ratio, chi-squared).

    Parameters
    ----------
    counted
        By factor and period, how many have each level.
    who
        Are counted: ``"users"`` or ``"rows"``.

    Returns
    -------
    list of Gate
        One; none if nobody said what was expected.
    """
    tested = {
        (factor.column, where): (counts, dict(factor.expected_share))
        for factor, by_period in counted.items()
        if isinstance(factor.expected_share, tuple)
        for where, counts in by_period.items()
    }
    if not tested:
        return []
    p_values = {
        key: float(stats.chisquare(counts, counts.sum() * np.array([*shares.values()])).pvalue)
        for key, (counts, shares) in tested.items()
    }
    worst = min(p_values, key=p_values.__getitem__)
    # Several tests of what should be true: the worst of them is judged by its chance among them all.
    p = min(1.0, len(p_values) * p_values[worst])
    counts, shares = tested[worst]
    off = max(abs(n / counts.sum() / share - 1) for n, share in zip(counts, shares.values(), strict=True))
    found = _found(*worst, counts, shares, who)
    messages = {
        "pass": f"The groups are as large as expected: {found} (p = {p:.2g}).",
        "fail": (
            f"The groups are not as large as expected: {found} (p = {p:.2g}). Users were lost, filtered or "
            "counted twice on one side, and an effect may be nothing else; find out why first."
        ),
    }
    near = (
        f"{messages['fail']} No share is off by more than {off:.2%} of itself, which changes no effect "
        "noticeably."
    )
    gate = judge("sample_ratio", "data", p, messages)
    return [gate.at_most("warn", near) if off <= _MATTERS else gate]


def _found(column: str, where: str, counts: Floats, shares: Mapping[object, float], who: str) -> str:
    """Say what was counted and what was expected, such as "variant 1 has 80 of 100 users (80 %; ...)"."""
    total = counts.sum()
    listed = [
        f"{level!r} has {n:,.0f} of {total:,.0f} {who} ({100 * n / total:.4g} %; "
        f"{100 * share:.4g} % expected)"
        for (level, share), n in zip(shares.items(), counts, strict=True)
    ]
    period = f" in {where!r}" if where else ""
    return f"of {column!r}{period}, {', '.join(listed[1:] if len(listed) == 2 else listed)}"


def assigned_together(design: Design, n: Floats) -> list[Gate]:
    """Test that experiments are independent, and look at whether the deviation matters.

    Parameters
    ----------
    design
        The question, resolved.
    n
        Counts by cell; shape as the design's.

    Returns
    -------
    list of Gate
        One; none if there are not several experiments.
    """
    if sum(factor.role == "factor" for factor in design.factors) < 2:
        return []
    tested = stats.chi2_contingency(n, correction=False)
    p = float(tested.pvalue)
    off = float(np.abs(n / tested.expected_freq - 1).max())
    names = listed(repr(factor.column) for factor in design.factors)
    messages = {
        "pass": f"{names} were assigned independently (p = {p:.2g}).",
        "fail": (
            f"{names} were not assigned independently (p = {p:.2g}; a cell's share is off by {off:.1%} of "
            "itself); find out why before reading any effect."
        ),
    }
    near = (
        f"{names} were assigned nearly independently: no cell's share is off by more than {off:.2%} of "
        f"itself (p = {p:.2g})."
    )
    gate = judge("assignment", "data", p, messages)
    return [gate.at_most("pass", near) if off <= _MATTERS else gate]


def alike_before(names: Sequence[str], gap: Floats, se: Floats) -> list[Gate]:
    """Test that groups drawn at random were alike in every value before.

    Parameters
    ----------
    names
        Of the values before.
    gap, se
        Between the groups, and its standard error.

    Returns
    -------
    list of Gate
        One about the worst of them, judged by its chance among them all; none if there are no values.
    """
    if not len(names):
        return []
    worst = int(np.argmax(np.abs(gap / se)))
    p = min(1.0, len(names) * 2 * float(stats.norm.sf(abs(gap[worst] / se[worst]))))
    told = f"{names[worst]!r} (gap {format_value(gap[worst], sign=True)}, p = {p:.2g})"
    messages = {
        "pass": f"The groups were alike before; they differ most in {told}.",
        "fail": (
            f"The groups were not alike before in {told}, which random assignment would make so; find out "
            "what went wrong before reading any effect."
        ),
    }
    return [judge("balance", "data", p, messages)]
