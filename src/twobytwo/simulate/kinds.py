"""Three kinds of users whose minutes look like real ones, under effects whose truth is a plain difference."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from twobytwo.errors import DesignError
from twobytwo.progress import watch
from twobytwo.simulate.arguments import is_finite, is_probability, options_or_default, whole
from twobytwo.simulate.published import labels

__all__ = [
    "EFFECTS",
    "KindsOfUsers",
    "Minutes",
    "Population",
    "TreatmentEffect",
    "kinds_of_users",
    "kinds_population",
]

type _Floats = npt.NDArray[np.float64]
type _Bools = npt.NDArray[np.bool_]


class _Kind(NamedTuple):
    """A bivariate normal on the logs of the minutes, (before, after)."""

    share: float
    log_mean: tuple[float, float]
    log_sd: tuple[float, float]
    correlation: float


# The control group of the real data set (CASES.md A, "kinds of users").
_KINDS = (
    _Kind(share=0.37, log_mean=(3.0, 2.8), log_sd=(1.36, 1.48), correlation=0.38),
    _Kind(share=0.46, log_mean=(4.3, 4.15), log_sd=(1.11, 1.19), correlation=0.75),
    _Kind(share=0.17, log_mean=(7.0, 6.85), log_sd=(1.35, 1.36), correlation=0.82),
)
# By fifths of the minutes before, lightest first: those who leave hardly had minutes.
_ABSENT_AFTER = (0.21, 0.055, 0.021, 0.012, 0.004)
_ONLY_AFTER = 0.003
_FIFTHS = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentEffect:
    """What the treatment does to a user's minutes after, given the user's place before.

    Parameters
    ----------
    name
        What pictures and tables call it.
    factors
        `(lower, upper, factor)`: users whose rank among the minutes before, from 0 to 1, lies in
        `lower <= rank < upper` have their minutes after multiplied.
    nothing_before
        Factor for users with no minutes before.
    added
        Minutes added to every user seen after, as a share of the mean after without treatment.
    lost
        Share of users, drawn at random, who are not seen after.

    Examples
    --------
    >>> TreatmentEffect(name="half of the heavy", factors=((0.9, 1, 0.5),)).lost
    0.0
    >>> TreatmentEffect(name="too many", lost=2)
    Traceback (most recent call last):
    ...
    twobytwo.errors.DesignError: lost must be a probability, got 2.
    """

    name: str
    factors: tuple[tuple[float, float, float], ...] = ()
    nothing_before: float = 1.0
    added: float = 0.0
    lost: float = 0.0

    def __post_init__(self) -> None:
        if not is_probability(self.lost):
            raise DesignError(f"lost must be a probability, got {self.lost!r}.")
        for name in ("nothing_before", "added"):
            value = getattr(self, name)
            if not is_finite(value) or value < 0:
                raise DesignError(f"{name} must be a number of at least 0, got {value!r}.")
        for piece in self.factors:
            if len(piece) != 3 or not all(map(is_finite, piece)) or piece[0] >= piece[1] or piece[2] < 0:
                raise DesignError(
                    f"factors must be (lower, upper, factor) with lower < upper, got {piece!r}."
                )

    def apply(self, *, before: _Floats, rank: _Floats, after: _Floats, chance: _Floats) -> _Floats:
        """Treat users: whole minutes, at least 1 where the user is seen; zero where not."""
        factor = np.where(before == 0, self.nothing_before, 1.0)
        for lower, upper, by in self.factors:
            factor = np.where((rank >= lower) & (rank < upper), factor * by, factor)
        treated = np.maximum(1.0, np.rint(after * factor + self.added * after.mean()))
        return np.where((after == 0) | (chance < self.lost), 0.0, treated)


EFFECTS: Mapping[str, TreatmentEffect] = MappingProxyType(
    {
        effect.name: effect
        for effect in (
            TreatmentEffect(name="none"),
            TreatmentEffect(name="all x1.1", factors=((0, 1, 1.1),)),
            TreatmentEffect(name="top tenth x1.2", factors=((0.9, 1, 1.2),)),
            TreatmentEffect(name="plus 5 % of the mean", added=0.05),
            TreatmentEffect(name="5 % of users to zero", lost=0.05),
            TreatmentEffect(name="top 1 % x.5", factors=((0.99, 1, 0.5),)),
            TreatmentEffect(name="top 1 % x.8", factors=((0.99, 1, 0.8),)),
            TreatmentEffect(name="light x1.2, top tenth x.9", factors=((0, 0.5, 1.2), (0.9, 1, 0.9))),
            TreatmentEffect(name="nothing before x2", nothing_before=2.0),
            TreatmentEffect(name="middle x1.3", factors=((0.25, 0.75, 1.3),)),
        )
    }
)
"""Ten effects: five plain ones, and five in which smoothness over users could hide a harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindsOfUsers:
    """What `kinds_of_users` draws; checked at birth, `DesignError` names what is wrong.

    Parameters
    ----------
    n
        Users of the experiment, at least 2.
    treated_share
        Share of them that is treated, strictly between 0 and 1; each group has at least one user.
    effect
        What the treatment does: one of `EFFECTS` or your own. By default 4 % more for everybody.
    seed
        Seed of the generator, at least 0.

    Examples
    --------
    >>> KindsOfUsers(n=500, effect=EFFECTS["top 1 % x.5"]).effect.factors
    ((0.99, 1, 0.5),)
    >>> KindsOfUsers(treated_share=20)
    Traceback (most recent call last):
    ...
    twobytwo.errors.DesignError: treated_share must lie strictly between 0 and 1, got 20.
    """

    n: int = 20_000
    treated_share: float = 0.5
    effect: TreatmentEffect = TreatmentEffect(name="all x1.04", factors=((0, 1, 1.04),))
    seed: int = 4

    def __post_init__(self) -> None:
        n = whole("n", self.n, at_least=2)
        whole("seed", self.seed, at_least=0)
        if not is_probability(self.treated_share) or self.treated_share in (0, 1):
            raise DesignError(f"treated_share must lie strictly between 0 and 1, got {self.treated_share!r}.")
        if not 0 < round(n * self.treated_share) < n:
            raise DesignError(f"treated_share {self.treated_share!r} of {n} users leaves a group empty.")
        if not isinstance(self.effect, TreatmentEffect):
            known = ", ".join(repr(name) for name in EFFECTS)
            raise DesignError(
                f"effect must be a TreatmentEffect, got {self.effect!r}; EFFECTS has some by name: {known}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes:
    """One experiment, one value per user and period: whole minutes (0 where absent), and the group.

    Parameters
    ----------
    before, after
        Minutes per user.
    treated
        Whether the user is treated.
    """

    before: _Floats
    after: _Floats
    treated: _Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Every user's minutes: before, after without the treatment, and after with it.

    Parameters
    ----------
    before, without, treated
        Minutes per user; 0 where the user is absent.

    Examples
    --------
    >>> users = kinds_population(EFFECTS["5 % of users to zero"])
    >>> print(f"{users.mean:.0f} minutes, effect {users.truth:.1f} ({users.truth / users.mean:+.1%})")
    477 minutes, effect -23.9 (-5.0%)
    """

    before: _Floats
    without: _Floats
    treated: _Floats

    @property
    def mean(self) -> float:
        """Mean minutes after without the treatment, absent users as zero."""
        return float(self.without.mean())

    @property
    def truth(self) -> float:
        """The effect on the mean, in minutes per user; absent users as zero."""
        return float(self.treated.mean() - self.without.mean())

    def draw(self, *, n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Draw users with replacement: their places in the population."""
        return rng.integers(self.before.size, size=n)

    def experiment(self, users: npt.NDArray[np.int64], treated: _Bools) -> Minutes:
        """Give what an experiment on these users shows."""
        after = np.where(treated, self.treated[users], self.without[users])
        return Minutes(before=self.before[users], after=after, treated=treated)


@lru_cache(maxsize=2)
def _users(size: int, seed: int) -> tuple[_Floats, _Floats, _Floats, _Floats]:
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(_KINDS), size=size, p=[kind.share for kind in _KINDS])
    mean = np.array([k.log_mean for k in _KINDS])[kind]
    sd = np.array([k.log_sd for k in _KINDS])[kind]
    rho = np.array([k.correlation for k in _KINDS])[kind]
    z = rng.standard_normal((size, 2))
    z[:, 1] = rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1]
    before, after = np.maximum(1.0, np.rint(np.exp(mean + sd * z))).T
    fifth = np.searchsorted(np.quantile(before, _FIFTHS), before, side="right")
    after = np.where(rng.random(size) < np.array(_ABSENT_AFTER)[fifth], 0.0, after)
    before = np.where((rng.random(size) < _ONLY_AFTER) & (after > 0), 0.0, before)
    # Ties are broken at random, so that "the top 1 %" holds exactly 1 % of the users.
    rank = np.empty(size)
    rank[np.lexsort((rng.random(size), before))] = (np.arange(size) + 0.5) / size
    found = before, after, rank, rng.random(size)
    for column in found:
        column.setflags(write=False)
    return found


def kinds_population(effect: TreatmentEffect, *, size: int = 1_000_000, seed: int = 2026) -> Population:
    """Draw a population of users with both outcomes, so that the truth is a plain difference.

    Three bivariate lognormals, rounded to whole minutes of at least 1; absences fall on light users;
    a few users are seen only after. These are facts of a real control group, not its rows.

    Parameters
    ----------
    effect
        What the treatment would do to each of them.
    size
        Users, at least 1.
    seed
        Seed of the generator, at least 0. The users do not depend on the effect.

    Returns
    -------
    Population
        All users, before, and after in both worlds.

    Examples
    --------
    >>> users = kinds_population(EFFECTS["top 1 % x.5"], size=100_000)
    >>> print(f"{users.truth / users.mean:.0%}")
    -14%
    """
    size, seed = whole("size", size, at_least=1), whole("seed", seed, at_least=0)
    if not isinstance(effect, TreatmentEffect):
        raise DesignError(f"effect must be a TreatmentEffect, such as EFFECTS['none'], got {effect!r}.")
    before, after, rank, chance = _users(size, seed)
    treated = effect.apply(before=before, rank=rank, after=after, chance=chance)
    return Population(before=before, without=after, treated=treated)


def kinds_of_users(options: KindsOfUsers | None = None) -> pd.DataFrame:
    """Draw a randomised experiment on three kinds of users, in rows as a log would have them.

    Users come from `kinds_population` with replacement, and a random choice of them is treated. A
    user who is absent in a period has no row there. The truth is about the mean per user with
    absent users as zero minutes, `kinds_population(options.effect).truth`.

    Parameters
    ----------
    options
        What to draw; by default 20,000 users, half of them treated, and a true effect of +4 %.

    Returns
    -------
    pandas.DataFrame
        One row per user and period seen, all "pre" rows first; `user_id` (int), `variant`
        (0 control, 1 treatment; a byte each), `period` ("pre", "post"), `minutes` (int).

    See Also
    --------
    kinds_population : All users, and the truth.

    Examples
    --------
    >>> rows = kinds_of_users(KindsOfUsers(n=5_000, seed=1))
    >>> rows.columns.to_list(), int(rows["minutes"].min())
    (['user_id', 'variant', 'period', 'minutes'], 1)
    >>> users = kinds_population(KindsOfUsers().effect)
    >>> print(f"{users.truth:.1f} minutes, {users.truth / users.mean:+.1%}")
    19.1 minutes, +4.0%
    """
    options = options_or_default(options, KindsOfUsers)
    with watch("simulating users"):
        users = kinds_population(options.effect)
        rng = np.random.default_rng(options.seed)
        n = operator.index(options.n)
        drawn = users.draw(n=n, rng=rng)
        treated = rng.permutation(n) < round(n * options.treated_share)
        return _rows(users.experiment(drawn, treated))


def _rows(minutes: Minutes) -> pd.DataFrame:
    periods = (minutes.before, minutes.after)
    seen = [np.flatnonzero(period) for period in periods]
    return pd.DataFrame(
        {
            "user_id": np.concatenate(seen),
            "variant": np.concatenate([minutes.treated[users] for users in seen]).astype(np.int8),
            "period": labels(("pre", "post"), [users.size for users in seen]),
            "minutes": np.concatenate([p[u] for p, u in zip(periods, seen, strict=True)]).astype(np.int64),
        }
    )
