"""Users whose minutes look like real ones while every population moment stays computable exactly."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from twobytwo.errors import DesignError
from twobytwo.progress import watch
from twobytwo.simulate.arguments import is_finite, is_probability, options_or_default, whole
from twobytwo.simulate.margin import Floats, Margin, after
from twobytwo.simulate.published import labels

__all__ = ["UserMinutes", "margins_of", "user_minutes"]

_PERIODS = ("pre", "post")
_MINUTES_A_DAY = 1_440

# [group][period]. Solved by least squares on the exact moments of the whole minutes for the
# median, log-sd, mean and sd of the real cells, with log-skewness in 0.2..0.4 and
# exp(μ + σ²/2) 13 to 21 % short of the mean; the half minute below the median is the rounding up.
# tests/test_simulate.py checks what they imply.
_MARGINS = (
    (
        Margin(median=54.5, scale=2.333, skew=0.283, tail=1.172),
        Margin(median=51.5, scale=2.677, skew=0.359, tail=1.296),
    ),
    (
        Margin(median=44.5, scale=2.079, skew=0.172, tail=1.115),
        Margin(median=70.5, scale=1.714, skew=0.059, tail=0.945),
    ),
)

# Of the survival Clayton copula per group. Root search on the correlation between the logs of the
# whole minutes, 0.81 and 0.75, by the trapezium rule over both normals behind `after`. The raw
# correlations, 0.94 and 0.90, were not fitted; they make the paired standard error of the
# difference-in-differences 1/2.3 of the unpaired one, as on the real rows (12 against 27). A normal
# copula with the same log-scale correlations has 0.60 and 0.49, and a factor of 1.4.
_THETA = (2.87, 2.33)

# Users per group, and how many of them were seen before only and after only. The cell sizes fix
# the sums over both groups (3,219 before only, 155 after only) and the differences within each;
# the published shares, 6.4 % and 7.9 %, leave a handful of users of play.
_USERS = (39_891, 9_961)
_BEFORE_ONLY = (2_466, 753)
_AFTER_ONLY = (115, 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMinutes:
    """What `user_minutes` draws; checked at birth, `DesignError` names what is wrong.

    Parameters
    ----------
    n
        Users, at least 1. Groups and absences are drawn user by user, as in a real experiment, so
        sizes vary with the seed and a tiny `n` may leave a cell empty.
    effect
        True difference-in-differences of the mean, in minutes per user; `0.0` is the null, `None`
        leaves the treated users as the real ones were (about +200 minutes).
    treated_share
        Probability of the treatment group, strictly between 0 and 1.
    before_only, after_only
        Probability of being seen in that period only, for control and treatment. Zeros give every
        user both rows; two pairs that sum to 1 give repeated cross-sections.
    days
        Days in each period, 1 to 366; no user exceeds 1,440 minutes per day.
    seed
        Seed of the generator, at least 0.
    user_ids
        Whether the rows carry `user_id`.

    Examples
    --------
    >>> UserMinutes(n=1_000, effect=0.0).days
    28
    >>> UserMinutes(treated_share=20)
    Traceback (most recent call last):
    ...
    twobytwo.errors.DesignError: treated_share must lie strictly between 0 and 1, got 20.
    """

    n: int = sum(_USERS)
    effect: float | None = None
    treated_share: float = _USERS[1] / sum(_USERS)
    before_only: tuple[float, float] = (_BEFORE_ONLY[0] / _USERS[0], _BEFORE_ONLY[1] / _USERS[1])
    after_only: tuple[float, float] = (_AFTER_ONLY[0] / _USERS[0], _AFTER_ONLY[1] / _USERS[1])
    days: int = 28
    seed: int = 14
    user_ids: bool = True

    def __post_init__(self) -> None:
        whole("n", self.n, at_least=1)
        whole("seed", self.seed, at_least=0)
        if whole("days", self.days, at_least=1) > 366:
            raise DesignError(f"days must be at most 366, got {self.days}.")
        if not is_probability(self.treated_share) or self.treated_share in (0, 1):
            raise DesignError(f"treated_share must lie strictly between 0 and 1, got {self.treated_share!r}.")
        if self.effect is not None and not is_finite(self.effect):
            raise DesignError(f"effect must be a finite number of minutes or None, got {self.effect!r}.")
        self._check_absences()

    def _check_absences(self) -> None:
        for name in ("before_only", "after_only"):
            shares = getattr(self, name)
            pair = isinstance(shares, tuple) and len(shares) == len(_MARGINS)
            if not pair or not all(map(is_probability, shares)):
                raise DesignError(
                    f"{name} must be a tuple of two probabilities, (control, treatment), got {shares!r}."
                )
        if any(sum(pair) > 1.0 for pair in zip(self.before_only, self.after_only, strict=True)):
            raise DesignError(
                "before_only + after_only must not exceed 1 in either group, got "
                f"{self.before_only!r} and {self.after_only!r}."
            )

    @property
    def cap(self) -> int:
        """Most minutes that a period can hold."""
        return _MINUTES_A_DAY * operator.index(self.days)


def user_minutes(options: UserMinutes | None = None) -> pd.DataFrame:
    """Draw active minutes per user and period, skewed and paired like the real rows.

    Whole minutes from 1 up; medians, log-sds, log-skewness, pair correlations and absences of the
    real cells (medians 55, 45, 52, 71 and log-sds 1.89, 1.76, 1.92, 1.82 for control before,
    treatment before, control after, treatment after; log-scale correlation 0.81 in control, 0.75 in
    treatment). Not lognormal: `exp(μ + σ²/2)` falls 13 to 21 % short of every mean.

    Heavy users stay heavy, light users come and go: a survival Clayton copula ties the two periods,
    so that the minutes themselves correlate more (0.94 and 0.90) than their logs. Comparing users
    with themselves divides the standard error of the difference-in-differences by 2.3, as on the
    real rows; from one seed to the next that factor varies by 0.13 at the default `n`, because a
    few hundred heavy users decide it.

    Absent rows are missing completely at random: whether a user is seen does not depend on the
    minutes, only on the group, so dropping them does not bias a mean (and counting them as zero
    minutes would). A given `effect` multiplies the time of the treated users after the change,
    before rounding up and capping, by the factor that makes the population's
    difference-in-differences of means equal to it. Draws are shared: with one seed, two effects
    differ in that cell only.

    Parameters
    ----------
    options
        What to draw; the defaults reproduce the sizes of the real table in expectation.

    Returns
    -------
    pandas.DataFrame
        One row per user and period seen, all "pre" rows first; `user_id` (int, if asked for),
        `variant` (0 control, 1 treatment; a byte each), `period` ("pre", "post"), `minutes` (int).

    See Also
    --------
    user_minutes_truth : The population moments behind the rows.

    References
    ----------
    Clayton 1978, "A model for association in bivariate life tables", *Biometrika* 65(1), 141–151.

    Examples
    --------
    >>> rows = user_minutes(UserMinutes(n=20_000, effect=0.0, seed=1))
    >>> rows.columns.to_list(), int(rows["minutes"].min())
    (['user_id', 'variant', 'period', 'minutes'], 1)
    >>> logs = np.log(rows["minutes"]).groupby([rows["variant"], rows["period"]])
    >>> print(logs.std().round(1).to_list())
    [1.9, 1.9, 1.8, 1.8]
    """
    with watch("simulating users"):
        return _draw_users(options_or_default(options, UserMinutes))


def _draw_users(options: UserMinutes) -> pd.DataFrame:
    margins = margins_of(options.effect, options.cap)
    n = operator.index(options.n)
    rng = np.random.default_rng(options.seed)

    variant = (rng.random(n) < options.treated_share).astype(np.int8)
    absence = rng.random(n)
    seen_before = absence < 1.0 - np.array(options.after_only)[variant]
    seen_after = absence >= np.array(options.before_only)[variant]

    z_before, z_news = rng.standard_normal(n), rng.standard_normal(n)
    z_after = after(z_before, z_news, np.array(_THETA)[variant])

    users = [np.flatnonzero(seen_before), np.flatnonzero(seen_after)]
    minutes = [
        _minutes(z[seen], variant[seen], margins=period, cap=options.cap)
        for z, seen, period in zip((z_before, z_after), users, zip(*margins, strict=True), strict=True)
    ]
    columns = {
        "user_id": np.concatenate(users) if options.user_ids else None,
        "variant": np.concatenate([variant[seen] for seen in users]),
        "period": labels(_PERIODS, [seen.size for seen in users]),
        "minutes": np.concatenate(minutes),
    }
    return pd.DataFrame({name: column for name, column in columns.items() if column is not None})


@lru_cache(maxsize=64)
def margins_of(effect: float | None, cap: int) -> tuple[tuple[Margin, Margin], tuple[Margin, Margin]]:
    """Put the effect into the treated cell after the change; the other three stay.

    By group, control first, and period.
    """
    if effect is None:
        return _MARGINS
    control, (treated_before, treated_after) = _MARGINS
    unchanged = treated_before.mean(cap) + control[1].mean(cap) - control[0].mean(cap)
    target = unchanged + effect
    if not 1.0 < target < cap:
        raise DesignError(
            f"effect must lie between {1.0 - unchanged:.1f} and {cap - unchanged:.1f} minutes, so "
            f"that the treated mean stays between 1 and {cap:,}; got {effect!r}."
        )

    def stretched(log_factor: float) -> Margin:
        return replace(treated_after, median=treated_after.median * math.exp(log_factor))

    # e^±40 pushes every user to one end of the range, so the root is always inside.
    root = scipy.optimize.brentq(lambda x: stretched(x).mean(cap) - target, -40.0, 40.0, xtol=1e-13)
    return control, (treated_before, stretched(float(root)))


def _minutes(
    z: Floats, variant: npt.NDArray[np.int8], *, margins: Sequence[Margin], cap: int
) -> npt.NDArray[np.int64]:
    """Turn one period's normal draws into minutes, group by group."""
    minutes = np.empty(z.size, dtype=np.int64)
    for group, margin in enumerate(margins):
        members = variant == group
        minutes[members] = margin.minutes(z[members], cap)
    return minutes
