"""Relative effects over strata of the value before: edges, sums, and a fast posterior.

This stands in for the package's own posterior (the family `stratified` of `twobytwo.infer.families`) where
thousands of experiments are answered: a mixture of normals over a grid of the walk's step instead of a
sampler. It differs from it in how it treats the spread inside a stratum: its posterior is taken without what
the relative effects say about it, and its uncertainty only widens the error.

The model. Strata s of the value before hold a share pi_s of the users. Their mean after is m_s, and the
relative effect there r_s: a random walk over the strata with steps N(0, tau^2 + (own b^own_power)^2), tau ~
HalfNormal(step_scale), b the share of the total that lies below the step: heavy users may differ from light
ones, the more so the smaller their part of the total. The overall relative effect is N(0, overall_scale^2).
Coefficients of variation c_s are common to the arms; log c_s is a random walk, and an estimate of c_s counts
only a share of its users, as outcomes of skewed metrics have a kurtosis far above a normal's. The effect is
sum pi_s m_s r_s, of the population: pi and m are estimates too.

Everything is computed from six sums per stratum and group (n, Σx, Σy, Σx², Σxy, Σy² with x the value before
and y the value after). Arrays carry a leading axis of experiments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

__all__ = ["Answer", "Specification", "Summary", "answer", "edges", "summarise", "sums"]

type _Floats = npt.NDArray[np.float64]
type _Bools = npt.NDArray[np.bool_]

TAUS = np.geomspace(0.01, 3.0, 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """How strata are cut and how their relative effects hang together.

    Parameters
    ----------
    strata
        Strata asked for among positive values before; merging leaves fewer.
    min_users
        Users that each group must have in a stratum.
    step_scale
        Scale of the half-normal prior of the walk's step tau.
    overall_scale
        Prior sd of the overall relative effect.
    own, own_power
        A step has beside tau the prior sd ``own * b**own_power``, b the share of the total below it.
    cv_step
        Prior sd of the steps of log c.
    cv_first_step
        That of the lowest step: users with next to nothing before vary in their own way.
    counted
        Share of the users that the estimate of c_s counts.
    drawn
        Counted users by which a group's own variance is drawn to the common one.
    """

    strata: int = 8
    min_users: int = 12
    step_scale: float = 0.25
    overall_scale: float = 1.0
    own: float = 0.8
    own_power: float = 1.5
    cv_step: float = 0.25
    cv_first_step: float = 0.5
    counted: float = 0.2
    drawn: float = 4.0


FINAL = Specification()


def edges(before: _Floats, treated: _Bools, spec: Specification = FINAL) -> _Floats:
    """Lower edges of the strata (first one -inf), the same for both groups.

    Edges cut the users, sorted by the value before, at equal shares of the sum of its square root. From the
    top down, a stratum is closed as soon as both groups have `min_users` in it; what is left at the bottom
    joins the lowest closed stratum. Zero is a stratum of its own where it has enough.
    """
    order = np.sort(before)
    share = np.cumsum(np.sqrt(order))
    place = np.searchsorted(share, share[-1] * np.arange(1, spec.strata) / spec.strata)
    cuts = np.unique(np.concatenate([[-np.inf], order[place], [np.nextafter(0, 1)]]))
    stratum = np.searchsorted(cuts, before, side="right") - 1
    users = np.stack([np.bincount(stratum[treated == g], minlength=cuts.size) for g in (False, True)])
    kept: list[float] = []
    inside = np.zeros(2, dtype=np.int64)
    for s in range(cuts.size - 1, -1, -1):
        inside = inside + users[:, s]
        if inside.min() >= spec.min_users:
            kept.append(float(cuts[s]))
            inside = np.zeros(2, dtype=np.int64)
    kept = kept or [-np.inf]
    kept[-1] = -np.inf
    return np.array(kept[::-1])


def sums(before: _Floats, after: _Floats, treated: _Bools, cuts: _Floats) -> _Floats:
    """Six sums per stratum and group; shape (stratum, group, 6)."""
    stratum = np.searchsorted(cuts, before, side="right") - 1
    cell = 2 * stratum + treated
    size = 2 * cuts.size
    terms = (None, before, after, before**2, before * after, after**2)
    stack = [np.bincount(cell, weights=term, minlength=size) for term in terms]
    return np.stack(stack, axis=-1).reshape(cuts.size, 2, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Per experiment and stratum, padded with strata that hold nobody; shape (experiment, stratum).

    Parameters
    ----------
    real
        Whether the stratum holds anybody.
    n, mean
        Users, and their mean after under the shares of the groups.
    relative, hat
        Estimated relative effect, and its variance in squared coefficients of variation.
    cv, df
        Estimated coefficient of variation, common to the arms, and its degrees of freedom.
    spread
        Variance of the value after, within groups.
    """

    real: _Bools
    n: _Floats
    mean: _Floats
    relative: _Floats
    hat: _Floats
    cv: _Floats
    df: _Floats
    spread: _Floats

    @property
    def share(self) -> _Floats:
        """Share of the users."""
        return self.n / self.n.sum(axis=-1, keepdims=True)


def own_error(n: _Floats, residual: _Floats, common: _Floats, spec: Specification = FINAL) -> _Floats:
    """Squared errors of groups' means by their own variances, drawn to the common one."""
    counted = spec.counted * np.maximum(n - 1, 1)
    return (spec.drawn * common + spec.counted * residual) / (spec.drawn + counted) / n


def summarise(tables: list[_Floats], spec: Specification = FINAL) -> Summary:
    """Adjust for the value before inside each stratum, and stack experiments."""
    t = np.zeros((len(tables), max(2, *map(len, tables)), 2, 6))
    for i, table in enumerate(tables):
        t[i, : len(table)] = table
    real = t[..., 0].sum(axis=-1) > 0
    count = np.where(real[..., None], t[..., 0], 1.0)
    x, y = t[..., 1] / count, t[..., 2] / count
    xx = t[..., 3] - count * x**2
    xy = t[..., 4] - count * x * y
    yy = t[..., 5] - count * y**2
    n = count.sum(axis=-1)
    p = count[..., 1] / n
    sxx, sxy = xx.sum(axis=-1), xy.sum(axis=-1)
    flat = sxx <= 1e-9 * np.maximum(t[..., 3].sum(axis=-1), 1e-300)
    slope = np.where(flat, 0.0, sxy / np.where(flat, 1.0, sxx))
    gap = x[..., 1] - x[..., 0]
    mean = (1 - p) * y[..., 0] + p * y[..., 1]
    difference = y[..., 1] - y[..., 0] - slope * gap
    df = np.where(real, n - 2 - ~flat, 1.0)
    residual = yy - 2 * slope[..., None] * xy + slope[..., None] ** 2 * xx
    variance = residual.sum(axis=-1) / df
    safe = np.where(mean > 0, mean, 1.0)
    hat = n / count.prod(axis=-1) + np.where(flat, 0.0, gap**2 / np.where(flat, 1.0, sxx))
    # All larger by one factor where the groups' own spreads, drawn to the common one, make the error larger.
    own = own_error(count, residual, variance[..., None], spec).sum(axis=-1)
    whole, common = ((np.where(real, n**2 * error, 0.0)).sum(axis=-1) for error in (own, variance * hat))
    hat = hat * np.maximum(1.0, whole / np.maximum(common, np.finfo(float).tiny))[:, None]
    return Summary(
        real=real,
        n=np.where(real, n, 0.0),
        mean=np.where(real, mean, 0.0),
        relative=np.where(real, difference / safe, 0.0),
        hat=np.where(real & (mean > 0), hat, np.inf),
        cv=np.where(real, np.sqrt(np.maximum(variance, 1e-12 * safe**2)) / safe, 1.0),
        df=df,
        spread=np.where(real, yy.sum(axis=-1) / np.where(real, n - 2, 1.0), 0.0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Per experiment: the effect, its 95 % interval, P(effect < 0) and sd; P(that of the heaviest < 0)."""

    effect: _Floats
    lower: _Floats
    upper: _Floats
    p_harm: _Floats
    sd: _Floats
    p_heaviest_harmed: _Floats


def answer(s: Summary, spec: Specification = FINAL) -> Answer:
    """Posterior of the effect: a mixture of normals over a grid of tau."""
    error = errors(s, spec)
    found = [_given(tau, s, error, spec) for tau in TAUS]
    log_evidence, centre, variance, heaviest = (np.stack(part) for part in zip(*found, strict=True))
    chance = np.exp(log_evidence - log_evidence.max(axis=0))
    chance /= chance.sum(axis=0)
    sd = np.sqrt(variance)
    effect = (chance * centre).sum(axis=0)
    return Answer(
        effect=effect,
        lower=_quantile(chance, centre, sd, 0.025),
        upper=_quantile(chance, centre, sd, 0.975),
        p_harm=(chance * ndtr(-centre / sd)).sum(axis=0),
        sd=np.sqrt((chance * (variance + (centre - effect) ** 2)).sum(axis=0)),
        p_heaviest_harmed=(chance * ndtr(-heaviest)).sum(axis=0),
    )


def errors(s: Summary, spec: Specification = FINAL) -> _Floats:
    """Variances of the estimated relative effects: log c is normal, a walk seen with errors."""
    known = np.isfinite(s.hat)
    width = s.real.shape[1]
    steps = np.full(width - 1, spec.cv_step**2)
    steps[0] = spec.cv_first_step**2
    between = np.diff(np.eye(width), axis=0)
    walk = np.einsum("es,sj,sk->ejk", (known[:, 1:] & known[:, :-1]) / steps, between, between)
    # Heavy users have coefficients of variation near 1.
    top = np.maximum(s.real.sum(axis=-1) - 1, 0)
    walk[np.arange(len(top)), top, top] += 1.0
    seen = np.where(known, 2 * spec.counted * s.df, 0.0)
    precision = walk + seen[:, :, None] * np.eye(width) + (~known)[:, :, None] * np.eye(width)
    covariance = np.linalg.inv(precision)
    log_cv = np.einsum("ejk,ek->ej", covariance, seen * np.log(s.cv))
    # The mean of c^2.
    squared = np.exp(2 * log_cv + 2 * np.einsum("ejj->ej", covariance))
    return np.where(known, squared * np.where(known, s.hat, 1.0), np.inf)


def _given(tau: float, s: Summary, error: _Floats, spec: Specification) -> tuple[_Floats, ...]:
    """Log evidence of tau (prior and grid's spacing included); given it mean and variance of the effect.

    And the relative effect of the heaviest stratum, in standard deviations.
    """
    weight, data = s.share * s.mean, 1 / error
    prior = _prior_precision(tau, s, spec)
    precision = prior + data[:, :, None] * np.eye(s.real.shape[1])
    covariance = np.linalg.inv(precision)
    r = np.einsum("ejk,ek->ej", covariance, data * s.relative)
    determinants = np.linalg.slogdet(prior)[1] - np.linalg.slogdet(precision)[1]
    fit = np.einsum("ej,ej->e", r, data * s.relative)
    log_evidence = 0.5 * (determinants + fit) - 0.5 * (tau / spec.step_scale) ** 2 + np.log(tau)
    square = r**2 + np.einsum("ejj->ej", covariance)
    effect = (weight * r).sum(axis=-1)
    variance = np.einsum("ej,ejk,ek->e", weight, covariance, weight)
    # Of the population: how many users a stratum holds, and their mean.
    variance = variance + ((weight * s.mean * square).sum(-1) - effect**2) / s.n.sum(-1)
    variance = variance + (s.share**2 * square * s.spread / np.maximum(s.n, 1)).sum(-1)
    rows, top = np.arange(len(r)), s.real.sum(axis=-1) - 1
    return log_evidence, effect, variance, r[rows, top] / np.sqrt(covariance[rows, top, top])


def _prior_precision(tau: float, s: Summary, spec: Specification) -> _Floats:
    width = s.real.shape[1]
    level = s.share * s.mean
    level = level / level.sum(axis=-1, keepdims=True)
    step = np.diff(np.eye(width), axis=0)
    below = level.cumsum(axis=-1)[:, :-1]
    variance = tau**2 + (spec.own * below**spec.own_power) ** 2
    scale = (s.real[:, 1:] & s.real[:, :-1]) / variance
    walk = np.einsum("es,sj,sk->ejk", scale, step, step)
    overall = level[:, :, None] * level[:, None, :] / spec.overall_scale**2
    # Padded strata need a proper prior of their own; it touches nothing.
    return walk + overall + (~s.real)[:, :, None] * np.eye(width)


def _quantile(chance: _Floats, centre: _Floats, sd: _Floats, q: float) -> _Floats:
    low, high = (centre - 8 * sd).min(axis=0), (centre + 8 * sd).max(axis=0)
    for _ in range(50):
        middle = (low + high) / 2
        below = (chance * ndtr((middle - centre) / sd)).sum(axis=0) < q
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
