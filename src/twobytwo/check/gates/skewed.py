"""Whether few large values carry a difference of means, so that its interval is not what it says."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import kolmogorov

from twobytwo.ask.contrast import Contrast
from twobytwo.check.arrays import changes, changes_weights, weights_of
from twobytwo.check.by_user import adjusted
from twobytwo.check.gate import Gate, judge
from twobytwo.data.cells import Cells
from twobytwo.data.slopes import common_slope
from twobytwo.infer.spreads import alike_over_own

__all__ = ["skewness", "spread", "spread_alike", "spread_before"]

Floats = npt.NDArray[np.float64]

# Kinds of metrics whose values have sizes, which can be large.
_SIZED = ("amount", "count")
# Groups that nobody drew at random may be light by nature; below this p-value their values before say so.
_OF_ANOTHER_KIND = 0.001


def skewness(cells: Cells, contrast: Contrast | None = None) -> Gate:
    """Judge the skewness of the contrast of means, γ = Σ w³ m₃/n² / V^1.5 (docs/methods.md, section 5).

    Of users seen twice these are the means of their changes. Where those are skewed and groups drawn at
    random are compared, it may be what the value before leaves that decides; see `_given_before`.

    Parameters
    ----------
    cells
        The data.
    contrast
        Of the cells; None takes the headline's.
    """
    weights, of_changes = weights_of(cells, contrast), changes(cells)
    by_user = changes_weights(weights)
    what = "means"
    if of_changes is not None and by_user is not None:
        bins, weights, what = of_changes, by_user, "the users' mean changes"
    else:
        bins = cells.bins
        if cells.design.randomised and cells.design.period is not None:
            # Groups alike before are compared after only.
            weights = weights.copy()
            weights[..., 0] = 0.0
    moments = bins.moments()
    n, ss, sc = (moments[name].to_numpy() for name in ("n", "ss", "sc"))
    third, variance = float((weights**3 * sc / n**3).sum()), float((weights**2 * ss / n**2).sum())
    gate = _skewed(cells, abs(third) / variance**1.5, what)
    # It costs a query, and what is even needs no excuse.
    left = _given_before(cells, contrast) if gate.status != "pass" else None
    if left is None:
        return gate
    given = _skewed(cells, left, "means given the value before")
    return min(given, gate, key=lambda one: ("pass", "warn", "refuse").index(one.status))


def _skewed(cells: Cells, gamma: float, what: str) -> Gate:
    fix = "Collect more data, or even out the groups"
    if cells.design.metric.kind in _SIZED:
        fix = "Collect more data, even out the groups, or cap the outcome (cap=)"
    messages = {
        "pass": f"The difference of {what} is close to normal (skewness {gamma:.2g}).",
        "fail": (
            f"The difference of {what} is itself skewed (skewness {gamma:.2g}): a few large values in small "
            f"cells carry it, and an interval that takes it as normal is wrong on one side. {fix}."
        ),
    }
    return judge("skewness", "family", gamma, messages)


def _given_before(cells: Cells, contrast: Contrast | None) -> float | None:
    """Give the skewness of the comparison after, given the value before, of groups drawn at random.

    It is that of the estimate itself: with a slope b of each group's own (`by_user.ancova`) a user counts
    with ``a (y − b x) + B w x``, where a is the group's weight, B the contrast of the slopes and w the
    group's part in the mean before. None where there is no value before, or it is another quantity; and where
    a group is small: there what the value before leaves is even by chance (docs/methods.md).
    """
    after = adjusted(cells, contrast)
    if after is None or cells.by_before is None or common_slope(cells):
        return None
    table = cells.by_before.frame
    group, n, xx = (table[name].to_numpy() for name in ("group", "n", "xx"))

    def total(values: Floats) -> Floats:
        return np.bincount(group, values, len(after))

    def centred(values: Floats) -> Floats:
        return values - (total(n * values) / total(n))[group]

    # The value before and the change, whose third moment is known: by narrow bins of the first.
    x, change = centred(table["x"].to_numpy()), centred((table["y"] - table["x"]).to_numpy())
    xc, cc = table["xy"].to_numpy() - xx, (table["yy"] - 2 * table["xy"] + table["xx"]).to_numpy()
    sxx = total(n * x**2 + xx)
    if not (sxx > 0).all():
        return None
    # y − b x is the change less (b − 1) x.
    slope, part = total(n * x * change + xc) / sxx, np.where(after == 0, 0.0, total(n) ** 2 / sxx)
    of_x = (after @ slope) * part / part.sum() - after * slope
    a, q = after[group], of_x[group]
    at, within = a * change + q * x, a**2 * cc + 2 * a * q * xc + q**2 * xx
    # Inside a bin only the change is skewed.
    inside = cells.changes.moments()["sc"].to_numpy() - total(n * change**3 + 3 * change * cc)
    third = total(n * at**3 + 3 * at * within) + after**3 * inside
    variance = total(n * at**2 + within) / total(n) ** 2
    return abs(float((third / total(n) ** 3).sum())) / float(variance.sum()) ** 1.5


def spread(cells: Cells, contrast: Contrast | None = None) -> list[Gate]:
    """Judge whether a small group lacks large values: by those before of the same users, or by the outcomes.

    Parameters
    ----------
    cells
        The data.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    list of Gate
        That of `spread_before` or of `spread_alike`.
    """
    return [*spread_before(cells, contrast), *spread_alike(cells, contrast)]


def spread_before(cells: Cells, contrast: Contrast | None = None) -> list[Gate]:
    """Judge whether a small group happens to lack the large values that its experiment has.

    Where few large values carry both the mean and the spread of a group, a small one without them has a
    small standard error just when its mean is far off. Values before tell whether they are there, whatever
    the treatment does: their spread is the same in groups that are alike (a recognisable subset, Buehler
    1959).

    Parameters
    ----------
    cells
        The data.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    list of Gate
        The standard error that the contrast of the values before has if all groups spread alike, over that
        by each group's own spread; it is 1 for groups of one size. None for shares and ratios, and where
        users have no value before or that is another quantity.
    """
    design = cells.design
    if cells.joint.size == 1 or design.covariate or design.metric.kind not in _SIZED:
        return []
    weights = np.abs(weights_of(cells, contrast)).max(axis=-1)
    used = weights > 0
    before = cells.moments().isel({design.period: 0})
    n, ss = (before[name].to_numpy()[used] for name in ("n", "ss"))
    squared = weights[used] ** 2
    ratio = alike_over_own(n[:, None], ss[:, None], squared[:, None])
    told = (
        f"By the spread of all users before, the standard error is {ratio:.2f} times what it is by the "
        "groups' own"
    )
    why = (
        "a small group happens to have few of the largest values, and its interval is too narrow. Collect "
        "more data, even out the groups, or cap the outcome (cap=)."
    )
    return _lacking("spread_before", cells, ratio, (told, why), used)


def spread_alike(cells: Cells, contrast: Contrast | None = None) -> list[Gate]:
    """Judge the same as `spread_before` where no user has a value before, by the outcomes themselves.

    What the treatment does to the spread counts too, so that it may withhold an answer that is right.

    Parameters
    ----------
    cells
        The data, of independent rows.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    list of Gate
        The standard error of the contrast if the groups of a period spread alike, over that by each group's
        own spread. None for shares and ratios, and for users seen twice.
    """
    design = cells.design
    if cells.joint.size != 1 or design.metric.kind not in _SIZED:
        return []
    periods = cells.bins.shape[-1] if design.period is not None else 1
    weights = weights_of(cells, contrast).reshape(-1, periods).copy()
    if design.randomised and design.period is not None:
        # Groups alike before are compared after only.
        weights[:, 0] = 0.0
    moments = cells.moments()
    n, ss = (moments[name].to_numpy().reshape(-1, periods) for name in ("n", "ss"))
    ratio = alike_over_own(n, ss, weights**2)
    told = f"By the spread of all rows, the standard error is {ratio:.2f} times what it is by the groups' own"
    why = (
        "a small group happens to have few of the largest values, or the treatment takes them away, and "
        "its interval may be too narrow. Collect more data, even out the groups, cap the outcome (cap=), or "
        "bring a value from before (before_column=)."
    )
    return _lacking("spread_alike", cells, ratio, (told, why), (weights != 0).any(axis=1))


def _lacking(
    name: str, cells: Cells, ratio: float, words: tuple[str, str], used: npt.NDArray[np.bool_]
) -> list[Gate]:
    """Judge a ratio of standard errors; groups that are others by nature may spread as they do."""
    if math.isnan(ratio):
        return []
    told, why = words
    gate = judge(name, "family", ratio, {"pass": f"{told}.", "fail": f"{told}: {why}"})
    if gate.status != "pass" and cells.design.period is not None and not cells.design.randomised:
        p = _same_values(cells, used)
        if p < _OF_ANOTHER_KIND:
            message = f"{told}, but the smallest group's values before are others altogether (p = {p:.1g})."
            gate = gate.at_most("pass", message)
    return [gate]


def _same_values(cells: Cells, used: npt.NDArray[np.bool_]) -> float:
    """Test that the smallest group's values before are distributed as the others' (Kolmogorov-Smirnov)."""
    frame, periods = cells.bins.frame, cells.bins.shape[-1]
    group, period = np.divmod(frame["cell"].to_numpy(), periods)
    groups = np.flatnonzero(used.ravel())
    size = cells.moments()["n"].to_numpy().reshape(-1, periods)[groups, 0]
    kept = (period == 0) & np.isin(group, groups)
    bins = frame[kept].assign(smallest=group[kept] == groups[size.argmin()])
    bins["value"] = bins["reference"] + bins["s1"] / bins["n"]
    below = bins.pivot_table(index="value", columns="smallest", values="n", aggfunc="sum", fill_value=0)
    reached = below.cumsum().to_numpy(dtype=float)
    total = reached[-1]
    distance = float(np.abs(np.diff(reached / total)).max())
    return float(kolmogorov(distance * math.sqrt(total.prod() / total.sum())))
