"""A/A: would the answers be right if nothing had happened? Random splits of the user's own values.

The users of the period before the experiment (or all rows, where there is no such period) are split at random
into groups of the experiment's own sizes, thousands of times. Nothing can differ between such groups, so the
probability of harm must be uniform and the interval must cover zero as often as it says. The splits are made
of the compressed bins, and the posterior of a difference of two means has a closed form: it takes a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from twobytwo.ask.arguments import shown, size
from twobytwo.ask.design import Design, as_design
from twobytwo.data.cells import Cells, compress
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.priors import Priors

__all__ = ["Validation", "closed_form", "validate"]

Floats = npt.NDArray[np.float64]

_SPLITS = 2_000
_SEED = 20_240_229
# How far a share may be from what it should be before a reader would decide otherwise.
_TOLERANCE = 0.015
_DISTANCE = 0.04
_LEAST_USERS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Validation:
    """What random splits without any effect say about the answers on one metric.

    Parameters
    ----------
    design
        The question whose metric, users and share were taken.
    before
        Whether the values are those of the period before; otherwise all rows were split.
    users
        Sizes of the two groups, the reference first.
    ci_prob
        Probability of every interval.
    p_harm
        Probability of harm in each split; uniform if probabilities mean what they say.
    covered
        Whether each split's interval covers zero.

    Examples
    --------
    >>> from twobytwo import Design, simulate, validate
    >>> found = validate(simulate.cannibalisation(), Design.compare(outcome="out", group="exp2_is_treatment"))
    >>> found.passed
    True
    """

    design: Design
    before: bool
    users: tuple[int, int]
    ci_prob: float
    p_harm: Floats
    covered: npt.NDArray[np.bool_]

    @property
    def splits(self) -> int:
        """Number of random splits."""
        return self.p_harm.size

    @property
    def coverage(self) -> float:
        """Share of the intervals that cover zero."""
        return float(self.covered.mean())

    @property
    def alarms(self) -> tuple[float, float]:
        """Shares of the splits with a probability of harm above 95 %, and below 5 %; each should be 5 %."""
        return float((self.p_harm > 0.95).mean()), float((self.p_harm < 0.05).mean())

    @property
    def distance(self) -> float:
        """Largest distance between the distribution of the probability of harm and the uniform one."""
        return float(scipy.stats.kstest(self.p_harm, "uniform").statistic)

    @property
    def passed(self) -> bool:
        """Whether the probability of harm is uniform and the coverage right, as far as a decision could tell.

        A deviation counts if it would matter and is beyond what chance does to so many splits.
        """

        def reach(share: float) -> float:
            return max(_TOLERANCE, 3.0 * math.sqrt(share * (1 - share) / self.splits))

        off = max(abs(share - 0.05) for share in self.alarms)
        return (
            off <= reach(0.05)
            and abs(self.coverage - self.ci_prob) <= reach(self.ci_prob)
            and self.distance <= max(_DISTANCE, 1.95 / math.sqrt(self.splits))
        )

    @property
    def sentence(self) -> str:
        """Say it in one sentence.

        Examples
        --------
        >>> p = np.linspace(0.0005, 0.9995, 1_000)
        >>> design = Design.compare(outcome="y", group="g")
        >>> found = {"before": True, "users": (50, 50), "p_harm": p, "covered": abs(p - 0.5) < 0.475}
        >>> Validation(design=design, ci_prob=0.95, **found).sentence[-79:]
        'l covers zero in 95.0 %: at this size, its probabilities can be believed for y.'
        """
        high, low = self.alarms
        when = (
            "before the experiment, where nothing can differ" if self.before else "whatever each of them got"
        )
        verdict = (
            f"at this size, its probabilities can be believed for {self.design.metric.name}."
            if self.passed
            else (
                f"at this size, its probabilities are not to be taken at their word for "
                f"{self.design.metric.name}; a cap, more users or groups of equal size would help."
            )
        )
        return (
            f"Split at random {self.splits:,} times into {self.users[0]:,} and {self.users[1]:,}, {when}, "
            f"users have a probability of harm above 95 % in {100 * high:.1f} % and below 5 % in "
            f"{100 * low:.1f} % of the splits (5 % each would be right), and the {100 * self.ci_prob:g} % "
            f"interval covers zero in {100 * self.coverage:.1f} %: {verdict}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, ready for JSON."""
        high, low = self.alarms
        return {
            "metric": self.design.metric.column,
            "before": self.before,
            "users": list(self.users),
            "splits": self.splits,
            "ci_prob": self.ci_prob,
            "coverage": self.coverage,
            "alarms": {"above_95": high, "below_5": low},
            "distance": self.distance,
            "passed": self.passed,
            "sentence": self.sentence,
        }


def validate(
    data: Any,
    design: Design | None = None,
    *,
    priors: str | Priors = "default",
    ci_prob: float = 0.95,
    splits: int = _SPLITS,
    random_seed: int = _SEED,
) -> Validation:
    """Split users at random, where nothing can differ, and see whether the answers say so.

    Parameters
    ----------
    data
        A table, as for `twobytwo.did`; or `Cells` compressed earlier.
    design
        The question; cells have theirs. With a period before, the values of that period are split;
        otherwise all rows.
    priors
        As for `twobytwo.did`.
    ci_prob
        Probability of every interval.
    splits
        How many times to split; at least 100.
    random_seed
        Of the splits.

    Returns
    -------
    Validation
        Probabilities of harm, coverage, and a sentence.

    Raises
    ------
    DesignError, DataError
        If the question is not stated, the table cannot answer it, or a group has fewer than 10 users.

    Notes
    -----
    A split of the bins is a draw from the multivariate hypergeometric distribution; rows of one bin count as
    its mean in a group's mean and with the bin's own spread in its variance. The posterior is that of the
    normal family for two groups, see `closed_form`.

    Examples
    --------
    >>> from twobytwo import simulate
    >>> design = Design.did(outcome="minutes", group="variant", period="period")
    >>> found = validate(simulate.active_minutes(), design, splits=500)
    >>> found.before, found.users
    (True, (39776, 9921))
    """
    if not 0 < size(ci_prob) < 1:
        msg = f"ci_prob={ci_prob!r} must be between 0 and 1, such as 0.95."
        raise DesignError(msg)
    if not (isinstance(splits, int) and not isinstance(splits, bool) and 100 <= splits <= 1_000_000):
        msg = f"splits={splits!r} must be a whole number from 100 to 1,000,000."
        raise DesignError(msg)
    if not (isinstance(random_seed, int) and not isinstance(random_seed, bool) and random_seed >= 0):
        msg = f"random_seed={shown(random_seed)} must be a whole number from 0 on."
        raise DesignError(msg)
    prior = Priors.of(priors)
    cells = data if isinstance(data, Cells) else compress(data, as_design(design))
    n, mean, squares, users = _population(cells)
    if min(users) < _LEAST_USERS:
        msg = f"A group has {min(users)} user(s); at least {_LEAST_USERS} are needed to split them at random."
        raise DataError(msg)
    rng = np.random.default_rng(random_seed)
    treated = rng.multivariate_hypergeometric(n, users[1], size=splits, method="marginals")
    means, variances = zip(
        *(_moments(part, n, mean, squares) for part in (n - treated, treated)), strict=True
    )
    centre, sd, freedom = closed_form(
        means[1] - means[0], variances, np.array(users), prior.effect * cells.yardstick
    )
    harm = np.asarray(scipy.stats.t.cdf(cells.design.metric.harm_sign * centre / sd, freedom))
    reach = scipy.stats.t.ppf((1 + ci_prob) / 2, freedom) * sd
    return Validation(
        design=cells.design,
        before=cells.design.period is not None,
        users=users,
        ci_prob=float(ci_prob),
        p_harm=harm,
        covered=np.abs(centre) <= reach,
    )


def closed_form(
    difference: Floats, variances: tuple[Floats, ...], users: Floats, prior_sd: float
) -> tuple[Floats, Floats, Floats]:
    """Posterior of a difference of two means under normal likelihoods with unknown spreads.

    Parameters
    ----------
    difference
        Of the sample means.
    variances
        Sample variances of the two groups.
    users
        Sizes of the two groups.
    prior_sd
        Standard deviation of the difference's prior around zero, in units of the outcome.

    Returns
    -------
    centre, sd, freedom : numpy.ndarray
        A scaled t: Welch's error and degrees of freedom, drawn to zero by the prior as a normal would be.
    """
    errors = [variance / count for variance, count in zip(variances, users, strict=True)]
    squared = sum(errors[1:], errors[0])
    freedom = squared**2 / sum(e**2 / (count - 1) for e, count in zip(errors, users, strict=True))
    kept = prior_sd**2 / (prior_sd**2 + squared)
    return kept * difference, np.sqrt(kept * squared), np.asarray(freedom)


def _population(cells: Cells) -> tuple[npt.NDArray[np.int64], Floats, Floats, tuple[int, int]]:
    """Pool bins into the population that is split: counts, means, sums of squares; and the groups' sizes."""
    n, mean, squares, _ = cells.bins.bin_moments("raw")
    place = np.unravel_index(cells.bins.frame["cell"].to_numpy(), cells.bins.shape)
    kept = np.full(n.size, fill_value=True)
    if cells.design.period is not None:
        kept = place[cells.bins.dims.index(cells.design.period)] == 0
    counts = n[kept].round().astype(np.int64)
    treated = place[0][kept] > 0
    return counts, mean[kept], squares[kept], (int(counts[~treated].sum()), int(counts[treated].sum()))


def _moments(part: Any, n: Any, mean: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of the users that fell into a group, for every split."""
    size_of = part.sum(axis=1)
    # About the population's mean, so that squares lose nothing.
    shift = mean - (n @ mean) / n.sum()
    centre = part @ shift / size_of
    total = part @ (shift**2 + squares / n) - size_of * centre**2
    return centre, total / (size_of - 1)
