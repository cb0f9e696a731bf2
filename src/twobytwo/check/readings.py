"""What absent users might have done: the effect under each reading, and how far it can move.

Nobody knows the values of users who were not seen. What can be known is how much the answer depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from twobytwo.ask.contrast import Contrast
from twobytwo.check.absences import completed_means
from twobytwo.check.arrays import Joint, attendance, incomplete, joint, value_quantile, weights_of
from twobytwo.check.by_user import adjusted, contrast_of_means
from twobytwo.check.record import Check
from twobytwo.data.cells import Cells
from twobytwo.infer.decisions import verdict

__all__ = ["Absences", "Reading", "TippingPoint", "absences"]

Floats = npt.NDArray[np.float64]

# An average of absent users beyond this quantile of the users seen (and below zero) is not plausible.
PLAUSIBLE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The effect if absences mean one thing.

    Parameters
    ----------
    name
        As ``missing=`` calls it: ``"zero"``, ``"drop"``, ``"available"``.
    estimate, se
        Of the effect, in units of the outcome.
    verdict
        See `twobytwo.infer.decisions.verdict`.
    """

    name: str
    estimate: float
    se: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TippingPoint:
    """What the absent users of one cell would have to average for the verdict to change.

    Parameters
    ----------
    group, period
        Labels of the cell.
    absent
        How many users are not seen there.
    average
        Of their values, that changes the verdict: the most plausible of the two sides.
    assumed
        Their average by the policy.
    low, high
        What is plausible: zero (the 10 % quantile where that is negative) and the 90 % quantile of the
        cell's values.
    """

    group: str
    period: str
    absent: int
    average: float
    assumed: float
    low: float
    high: float

    @property
    def plausible(self) -> bool:
        """Whether the verdict changes inside the plausible range."""
        return self.low <= self.average <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Absences:
    """How much an answer depends on users who were not seen.

    Parameters
    ----------
    verdict
        By the policy of the design.
    readings
        The effect under each reading that the data allow to compute.
    low, high
        Smallest and largest effect over the readings, and where the absent users of any one cell average
        what is plausible.
    tipping_points
        One for every cell with absent users, the most plausible first.
    flips
        Whether another reading, or a plausible average, changes the verdict.
    """

    verdict: str
    readings: tuple[Reading, ...]
    low: float
    high: float
    tipping_points: tuple[TippingPoint, ...]
    flips: bool


def absences(
    cells: Cells, robust: Check, contrast: Contrast | None = None, *, max_probability: float = 0.05
) -> Absences | None:
    """Bound the effect by what absent users could have done.

    Parameters
    ----------
    cells
        The data.
    robust
        The effect by the policy of the design; see `twobytwo.check.crosscheck.robust_check`.
    contrast
        Of the cells; None takes the headline's.
    max_probability
        Of the verdict; see `twobytwo.infer.decisions.verdict`.

    Returns
    -------
    Absences or None
        None where every user is seen twice, or users are not seen twice at all.

    Notes
    -----
    The effect moves linearly in what absent users average: with shares a of a group's users absent from a
    cell of weight w, by ``w a (x − x₀)``, where x₀ is what the policy assumes of them: the average of those
    seen (``"drop"``), or that and what their other value predicts (``"available"``). One cell's absent users
    are moved at a time. The posterior is taken as normal around the effect with the companion's standard
    error. With ``missing="drop"`` the values of users seen once are not kept: their one value counts as
    that of the others, and the other two readings cannot be computed.
    """
    moments, counts = joint(cells), attendance(cells)
    if moments is None or counts is None or not counts[:, 1:].any() or cells.design.missing == "zero":
        return None
    decided = _verdict(cells, robust.estimate, robust.se, max_probability)
    readings = tuple(
        Reading(name=name, estimate=estimate, se=se, verdict=_verdict(cells, estimate, se, max_probability))
        for name, estimate, se in _readings(cells, moments, counts, contrast)
    )
    sure = -float(ndtri(max_probability)) * robust.se
    metric = cells.design.metric
    edges = [metric.harm_sign * ((metric.margin or 0.0) + side * sure) for side in (-1, 1)]
    limits = [edge - robust.estimate for edge in edges]
    effects = [robust.estimate, *(reading.estimate for reading in readings)]
    tipping = []
    for place, weight, absent, share, assumed in _blocks(cells, moments, counts, contrast):
        low, high = (value_quantile(cells, place, q) for q in (1 - PLAUSIBLE, PLAUSIBLE))
        low = min(low, 0.0)
        slope = weight * share
        effects += [robust.estimate + slope * (x - assumed) for x in (low, high)]
        labels = [names[k] for names, k in zip(cells.coords.values(), place, strict=True)]
        tipping.append(
            TippingPoint(
                group=labels[0],
                period=labels[1],
                absent=absent,
                average=_tipping(limits, slope, assumed, low, high),
                assumed=assumed,
                low=low,
                high=high,
            )
        )
    tipping.sort(key=_remoteness)
    flips = any(point.plausible for point in tipping) or any(r.verdict != decided for r in readings)
    return Absences(
        verdict=decided,
        readings=readings,
        low=min(effects),
        high=max(effects),
        tipping_points=tuple(tipping),
        flips=flips,
    )


def _verdict(cells: Cells, estimate: float, se: float, max_probability: float) -> str:
    metric = cells.design.metric
    p = float(ndtr((metric.harm_sign * estimate - (metric.margin or 0.0)) / se))
    return verdict(p, max_probability)


def _readings(
    cells: Cells, moments: Joint, counts: npt.NDArray[np.int64], contrast: Contrast | None
) -> Iterator[tuple[str, float, float]]:
    """Give name, effect and standard error under every reading whose values are known."""
    n, mean, ss, sp = moments
    found = {"drop": (mean[:, 0], _covariance(n[:, 0], n[:, 0] - 1, ss[:, 0], sp[:, 0]))}
    if incomplete(cells):
        found["zero"] = _with_zeros(moments, counts.sum(axis=1).astype(float))
        found["available"] = completed_means(cells)
    for name, given in found.items():
        estimate, se = contrast_of_means(cells, *given, contrast)
        yield name, estimate, se


def _covariance(n: Floats, free: Floats, squares: Floats, products: Floats) -> Floats:
    """Covariance of two means; shape (groups, 2, 2)."""
    first, second = squares.T
    sums = np.stack([np.stack([first, products], -1), np.stack([products, second], -1)], -2)
    return sums / (n * free)[:, None, None]


def _with_zeros(moments: Joint, users: Floats) -> tuple[Floats, Floats]:
    """Give means and their covariance with 0 for whoever was not seen."""
    n, mean, ss, sp = moments
    total = (n[..., None] * mean).sum(axis=1)
    centre = total / users[:, None]
    squares = (ss + n[..., None] * mean**2).sum(axis=1) - users[:, None] * centre**2
    products = sp[:, 0] + n[:, 0] * mean[:, 0].prod(axis=1) - users * centre.prod(axis=1)
    return centre, _covariance(users, users - 1, squares, products)


def _blocks(
    cells: Cells, moments: Joint, counts: npt.NDArray[np.int64], contrast: Contrast | None
) -> Iterator[tuple[tuple[int, int], float, int, float, float]]:
    """Every cell with absent users: place, weight, how many, their share, and what is assumed of them."""
    weights, alike = weights_of(cells, contrast), adjusted(cells, contrast)
    if alike is not None:
        # What users did before tells how they were, not what was done to them.
        weights = np.stack([np.zeros_like(alike), alike], axis=1)
    users = counts.sum(axis=1)
    seen_means = moments.mean[:, 0]
    completed = completed_means(cells)[0] if incomplete(cells) else None
    for group, period in zip(*np.nonzero(weights), strict=True):
        # Who is absent before was seen after only, and the other way round.
        absent = int(counts[group, 2 - period])
        if not absent:
            continue
        share, assumed = absent / users[group], float(seen_means[group, period])
        if completed is not None:
            n, mean = moments.n[group], moments.mean[group, :, period]
            assumed = (users[group] * completed[group, period] - _seen_total(n, mean, period)) / absent
        yield (int(group), int(period)), float(weights[group, period]), absent, share, float(assumed)


def _seen_total(n: Floats, mean: Floats, period: int) -> float:
    return float(n[0] * mean[0] + n[1 + period] * mean[1 + period])


def _tipping(limits: Sequence[float], slope: float, assumed: float, low: float, high: float) -> float:
    """Average at which the verdict changes: where the effect is on the limit of either certainty."""
    found = [assumed + limit / slope for limit in limits]
    return min(found, key=lambda average: (_outside(average, low, high), abs(average - assumed)))


def _outside(average: float, low: float, high: float) -> float:
    """How far an average is beyond the plausible range, in widths of that range."""
    return max(low - average, average - high, 0.0) / max(high - low, 1e-300)


def _remoteness(point: TippingPoint) -> tuple[float, float]:
    """How far an average is beyond what is plausible; within that, how far from what is assumed."""
    width = max(point.high - point.low, 1e-300)
    return _outside(point.average, point.low, point.high), abs(point.average - point.assumed) / width
