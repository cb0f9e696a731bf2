"""What the package's checks let through, in the fast form: families that claim the mean, and `auto`.

For every experiment the answer of a family, whether its checks withhold it, and whether one warns. Checks
have the package's formulas and thresholds (docs/methods.md, section 5); those of the sampler, of what an
answer owes to its prior (range, power-scaling) and of the largest value, which warns of nearly all of these
experiments, are left out. The families: the normal of groups drawn at
random (analysis of covariance, with the package's prior of the effect), the normal of users' changes, the
hurdle lognormal of users' changes (maximum likelihood), the strata, and `auto` of groups drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from scipy.stats import chi2
from strata_fast import FINAL, Answer, own_error

from twobytwo.check.gate import THRESHOLDS
from twobytwo.simulate import Minutes

__all__ = [
    "AUTO",
    "HURDLE",
    "NORMAL",
    "Facts",
    "Judged",
    "counted_values",
    "facts",
    "judged",
    "log_skewness",
    "skewness_of",
]

type _Floats = npt.NDArray[np.float64]
type _Bools = npt.NDArray[np.bool_]

NORMAL, HURDLE, AUTO = "normal, randomised", "hurdle lognormal", "auto (fast form)"
# As `twobytwo.data.slopes`: so much smaller than the other a group has no slope of its own.
_SMALL = 0.25
_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the checks and the closed forms need of one experiment."""

    covariance: tuple[float, float]
    hurdle: tuple[float, float]
    hurdle_refused: bool
    hurdle_warned: bool
    skewness: float
    given_before: float
    spread_before: float
    balance: float
    scale: float
    fewest: int
    spread: float
    earns: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Answers (experiment, 4): effect, lower, upper, P(harm); whether withheld, whether warned of."""

    answers: _Floats
    withheld: _Bools
    warned: _Bools


def facts(e: Minutes, table: _Floats) -> Facts:
    """Take from one experiment what is needed; `table` has the six sums by stratum and group."""
    groups = [(e.before[e.treated == g], e.after[e.treated == g]) for g in (False, True)]
    spread, earns = _strata(table)
    hurdle, refused, warned = _hurdle(groups)
    gap = groups[1][0].mean() - groups[0][0].mean()
    variance = sum(x.var(ddof=1) / x.size for x, _ in groups)
    return Facts(
        covariance=_covariance(groups),
        hurdle=hurdle,
        hurdle_refused=refused,
        hurdle_warned=warned,
        skewness=skewness_of([y - x for x, y in groups]),
        given_before=_given_before(groups),
        spread_before=_spread_before([x for x, _ in groups]),
        balance=float(chi2.sf(gap**2 / variance, 1)),
        scale=float(e.before.mean() + e.after.mean()) / 2,
        fewest=min(x.size for x, _ in groups),
        spread=spread,
        earns=earns,
    )


def _strata(table: _Floats) -> tuple[float, bool]:
    """By how much the groups' spreads differ at the least, and whether strata make the error smaller.

    As `twobytwo.infer.by_stratum.spread_of_groups` and `error_beside_covariance`.
    """
    n, x, y, xx, xy, yy = np.moveaxis(table, -1, 0)
    x, y = x / n, y / n
    xx, xy, yy = xx - n * x**2, xy - n * x * y, yy - n * y**2
    sxx, total = xx.sum(axis=1), n.sum(axis=1)
    flat = sxx <= 1e-9 * (n * x**2).sum(axis=1)
    safe = np.where(flat, 1.0, sxx)
    slope = np.where(flat, 0.0, xy.sum(axis=1) / safe)[:, None]
    residual = yy - 2 * slope * xy + slope**2 * xx
    variance = residual.sum(axis=1) / (total - np.where(flat, 2, 3))
    hat = (1 / n).sum(axis=1) + np.where(flat, 0.0, (x[:, 1] - x[:, 0]) ** 2 / safe)
    own = own_error(n, residual, variance[:, None]).sum(axis=1)
    error = total**2 * variance * hat
    error = error * max(1.0, (total**2 * own).sum() / error.sum())
    group = n.sum(axis=0)
    dx, dy = x - (n * x).sum(axis=0) / group, y - (n * y).sum(axis=0) / group
    gxx, gxy, gyy = ((a + n * b).sum(axis=0) for a, b in ((xx, dx**2), (xy, dx * dy), (yy, dy**2)))
    one = gxy.sum() / gxx.sum()
    simple = ((gyy - 2 * one * gxy + one**2 * gxx) / (group - 1) / group).sum()
    seen = (y > 0).all(axis=1) & (residual > 1e-9 * n * y**2).all(axis=1)
    log_cv = np.log(residual[seen] / (n - 1)[seen]) / 2 - np.log(y[seen])
    weight = error[seen] / error[seen].sum()
    own = (1 / (2 * FINAL.counted * (n - 1)[seen])).sum(axis=1)
    apart = abs(weight @ (log_cv[:, 1] - log_cv[:, 0])) - _95 * np.sqrt(weight**2 @ own)
    return float(np.exp(max(0.0, apart))), bool(error.sum() / total.sum() ** 2 < simple)


def _covariance(groups: Sequence[tuple[_Floats, _Floats]]) -> tuple[float, float]:
    """Estimate and standard error, as `twobytwo.check.by_user.ancova`."""
    n = np.array([x.size for x, _ in groups])
    mean = np.array([[v.mean() for v in pair] for pair in groups])
    xx, xy, yy = np.array(
        [
            (dx @ dx, dx @ dy, dy @ dy)
            for dx, dy in ((x - a, y - b) for (x, y), (a, b) in zip(groups, mean, strict=True))
        ]
    ).T
    if n.min() < _SMALL * n.max():
        slope = xy.sum() / xx.sum()
        variance = ((yy - 2 * slope * xy + slope**2 * xx) / (n - 1) / n).sum()
        after = mean[:, 1] - slope * mean[:, 0]
    else:
        slope, precision = xy / xx, n * (n - 1) / xx
        before = precision @ mean[:, 0] / precision.sum()
        after = mean[:, 1] + slope * (before - mean[:, 0])
        variance = ((yy - xy * slope) / (n - 2) / n).sum() + (slope[1] - slope[0]) ** 2 / precision.sum()
    return float(after[1] - after[0]), float(np.sqrt(variance))


def _given_before(groups: Sequence[tuple[_Floats, _Floats]]) -> float:
    """The skewness of the estimate itself, as the second look of the check; NaN where it takes none."""
    n = np.array([x.size for x, _ in groups], dtype=float)
    if n.min() < _SMALL * n.max():
        return float("nan")
    return skewness_of(counted_values(groups))


def counted_values(groups: Sequence[tuple[_Floats, _Floats]]) -> list[_Floats]:
    """What every user counts in a comparison of groups, each with its own slope on the value before.

    With the group's sign: `skewness_of` gives the first group a minus.
    """
    n = np.array([x.size for x, _ in groups], dtype=float)
    centred = [(x - x.mean(), y - y.mean()) for x, y in groups]
    sxx = np.array([x @ x for x, _ in centred])
    slope = np.array([x @ y for x, y in centred]) / sxx
    part = n**2 / sxx * (slope[1] - slope[0]) / (n**2 / sxx).sum()
    return [
        (y - b * x) + sign * w * x for sign, (x, y), b, w in zip((-1, 1), centred, slope, part, strict=True)
    ]


def skewness_of(values: Sequence[_Floats]) -> float:
    """Give the skewness of a difference of two means, the first group's taken away."""
    third = variance = 0.0
    for sign, value in zip((-1, 1), values, strict=True):
        d = value - value.mean()
        third += sign * (d**3).sum() / d.size**3
        variance += (d**2).sum() / d.size**2
    return abs(third) / variance**1.5


def _spread_before(before: Sequence[_Floats]) -> float:
    n = np.array([x.size for x in before])
    squares = np.array([((x - x.mean()) ** 2).sum() for x in before])
    return float(np.sqrt(squares.sum() / n.sum() * (1 / n).sum() / (squares / n**2).sum()))


def _hurdle(groups: Sequence[tuple[_Floats, _Floats]]) -> tuple[tuple[float, float], bool, bool]:
    """The change of the means of a hurdle lognormal, its error, and what mean fidelity and positives say."""
    value, variance = [], []
    off, errors, positives = [], [], []
    for pair in groups:
        means, influence = [], []
        for v in pair:
            active = v > 0
            share, z = active.mean(), np.log(np.where(active, v, 1.0))
            mu, var = z[active].mean(), z[active].var()
            mean = share * np.exp(mu + var / 2)
            own = np.where(active, (z - mu + ((z - mu) ** 2 - var) / 2) / share, 0.0)
            influence.append(mean * (own + active / share - 1))
            means.append(mean)
            off.append(abs(mean / v.mean() - 1))
            errors.append(abs(mean - v.mean()) / (v.std(ddof=1) / np.sqrt(v.size)))
            positives.append(active.sum())
        value.append(means[1] - means[0])
        change = influence[1] - influence[0]
        variance.append((change**2).mean() / change.size)
    limits, fewest = THRESHOLDS["mean_fidelity"], THRESHOLDS["positives"]
    far, beyond, few = np.array(off), np.array(errors), min(positives)
    shift, errors_of_shift = log_skewness(groups)
    skewed = THRESHOLDS["log_skewness"].status(shift)
    refused = (
        bool(((far > limits.refuse) & (beyond > 3)).any())
        or fewest.status(few) == "refuse"
        or (skewed == "refuse" and errors_of_shift > 3)
    )
    warned = (
        bool((((far > limits.warn) & (beyond > 0.5)) | (beyond > 2)).any())
        or fewest.status(few) != "pass"
        or (skewed != "pass" and errors_of_shift > 2)
    )
    return (float(value[1] - value[0]), float(np.sqrt(sum(variance)))), refused, warned


def log_skewness(groups: Sequence[tuple[_Floats, _Floats]]) -> tuple[float, float]:
    """A sixth of the third cumulant of the logarithms, and that in standard errors.

    As `twobytwo.check.gates.logs`.
    """
    n = second = third = 0.0
    of_pairs = np.zeros((2, 2))
    for pair in groups:
        both = (pair[0] > 0) & (pair[1] > 0)
        of_pairs += np.cov(np.log(np.stack([v[both] for v in pair])), bias=True) * both.sum()
        for v in pair:
            active = v > 0
            logs = np.log(v[active])
            second += logs.var() * logs.size
            n += logs.size
            for users in (active & both, active & ~both):
                own = np.log(v[users])
                third += ((own - own.mean()) ** 3).sum() if own.size else 0.0
    correlation = max(0.0, of_pairs[0, 1] / np.sqrt(of_pairs[0, 0] * of_pairs[1, 1]))
    error = np.sqrt(6 * (1 + correlation**3) / n) * (second / n) ** 1.5 / 6
    return float(abs(third) / n / 6), float(abs(third) / n / 6 / error)


def judged(known: Sequence[Facts], answer: Answer, welch: _Floats, strata: str) -> dict[str, Judged]:
    """Answers and checks of every family that claims the mean.

    Parameters
    ----------
    known
        Of every experiment.
    answer
        Of the strata.
    welch
        Answers of Welch on changes, which the normal of users' changes gives.
    strata
        What the strata are called.
    """

    def column(name: str) -> npt.NDArray[np.float64]:
        return np.array([getattr(one, name) for one in known])

    def status(name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int_]:
        limit = THRESHOLDS[name]
        return np.array([("pass", "warn", "refuse").index(limit.status(float(v))) for v in values])

    estimate, se = column("covariance").T
    kappa = se**2 / (se**2 + column("scale") ** 2)
    shared = np.stack([status("balance", column("balance")), status("prior_weight", kappa)])
    spread_before = status("spread_before", column("spread_before"))
    of_changes = np.maximum(status("skewness", column("skewness")), spread_before)
    looks = np.fmin(column("skewness"), column("given_before"))
    skewed = np.maximum(status("skewness", looks), spread_before)
    # Hausman, as `twobytwo.check.gates.family`.
    low, high = np.minimum(estimate, (1 - kappa) * estimate), np.maximum(estimate, (1 - kappa) * estimate)
    off = np.maximum(np.maximum(low - answer.effect, answer.effect - high), 0)
    gain = np.maximum(se**2 - answer.sd**2 / (1 - kappa), (se / 3) ** 2)
    other = np.where(answer.effect > 0, answer.p_heaviest_harmed, 1 - answer.p_heaviest_harmed)
    of_strata = np.stack(
        [
            status("contrast_fidelity", off / np.sqrt(gain)),
            status("stratum_users", column("fewest")),
            status("stratum_spread", column("spread")),
            status("stratum_signs", other),
        ]
    )
    strata_answers = np.stack([answer.effect, answer.lower, answer.upper, answer.p_harm], axis=1)
    normal = _normal((1 - kappa) * estimate, np.sqrt(1 - kappa) * se)
    hurdle = _normal(*column("hurdle").T)
    changes_se = (welch[:, 2] - welch[:, 1]) / 2 / _95
    gain = np.maximum(changes_se**2 - column("hurdle")[:, 1] ** 2, (changes_se / 3) ** 2)
    apart = status("contrast_fidelity", np.abs(hurdle[:, 0] - welch[:, 0]) / np.sqrt(gain))
    described = 2 * (column("hurdle_refused") > 0) + (column("hurdle_warned") > 0)
    found = {
        strata: _judged(strata_answers, np.concatenate([shared, of_strata])),
        NORMAL: _judged(normal, np.concatenate([shared, skewed[None]])),
        "Welch on changes": _judged(welch, of_changes[None]),
        HURDLE: _judged(hurdle, np.stack([apart, np.minimum(described, 2)])),
    }
    # The order of `twobytwo.infer.automatic`.
    first = (skewed == 0) & (column("earns") == 0)
    taken = ~first & (of_strata.max(axis=0) < 2)
    chosen = np.where(taken[:, None], strata_answers, normal)
    by = {
        name: np.where(taken, *(getattr(found[f], name) for f in (strata, NORMAL)))
        for name in ("withheld", "warned")
    }
    return found | {AUTO: Judged(answers=chosen, **by)}


def _normal(effect: _Floats, se: _Floats) -> _Floats:
    return np.stack([effect, effect - _95 * se, effect + _95 * se, ndtr(-effect / se)], axis=1)


def _judged(answers: _Floats, status: npt.NDArray[np.int_]) -> Judged:
    worst = status.max(axis=0)
    return Judged(answers=answers, withheld=worst == 2, warned=worst == 1)
