"""Relative effects over strata of the value before: precise where heavy users make a mean noisy.

Users drawn at random into two groups are cut into strata of what they did before. Inside a stratum their
values after vary far less than over all users, and how the treatment changed them, as a share of the mean of
the stratum, varies smoothly from light to heavy users. Both make the effect on the overall mean more precise
than one linear adjustment for the value before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pymc.distributions.transforms import log_exp_m1

from twobytwo.data.cells import Cells
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.by_stratum import COUNTED, adjusted
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["Stratified"]

# Half-normal scale of a step of the relative effect from one stratum to the next, and the sd that the step
# has beside it: the first number times a power of the share of the total that lies below it. An effect that
# only the heaviest users have must not be smoothed away, and the smaller their part of the total, the more it
# may differ from the others'.
_STEP, _OWN, _OWN_POWER = 0.25, 0.8, 1.5
# The sampler sees the scale of the steps in this unit, with a logarithm below it and as it is above: a
# logarithm alone has a long way down and a wall above.
_STEP_UNIT = 0.125
# Steps of the log of the coefficient of variation, the lowest first: users with next to nothing before vary
# in their own way, and among the others it may fall by half over two or three strata, as where users keep to
# what they did before.
_CV_FIRST_STEP, _CV_STEP = 0.5, 0.25
_LEAST_USERS, _LEAST_STRATA = 24, 2


class Stratified(Family):
    """Relative effects ``relative_effect`` of strata of the value before, a first-order random walk.

    For two groups drawn at random, the same users before and after, outcomes of zero and more. A stratum has
    a mean after, a coefficient of variation that the groups share, and a relative effect, whose error is no
    less than by the groups' own spreads; the effect on the mean is the average of those of the strata,
    weighted by their totals, and has the package's effect prior.

    Notes
    -----
    Strata at equal shares of the sum of √(value before), each with at least 12 users in either group. Inside
    a stratum the difference of the groups is adjusted for the value before by one slope for both. The shares
    and means of the strata are estimated too, so that the effect is the population's and not this sample's.
    A step of the walk is N(0, τ² + 0.64 b³) where b is the share of the total that lies below it, and
    coefficients of variation walk too. Chosen and checked by simulation: ``docs/precision.md``.

    Examples
    --------
    >>> Stratified().estimand
    'mean'
    """

    name: ClassVar[str] = "stratified"
    estimand: ClassVar[Estimand] = "mean"
    additive: ClassVar[bool] = True
    adjusts: ClassVar[bool] = True
    of_strata: ClassVar[bool] = True
    # The mean of a few heavy users may be close to nothing, where its logarithm bends; long steps leave it.
    target_accept: ClassVar[float] = 0.85

    def check(self, cells: Cells) -> None:
        """Accept two randomised groups of users with a value before, and outcomes of zero and more."""
        design = cells.design
        if not design.paired or not design.randomised or design.covariate:
            msg = (
                f"family={self.name!r} compares groups drawn at random, given what the users did before: "
                "it needs unit=, the same metric before, and randomised=True (compare() with "
                "before_column= has all three)."
            )
            raise DesignError(msg)
        self.check_users(cells)
        if len(design.factors[0].labels) != 2:
            msg = f'family={self.name!r} compares two groups; use family="normal" for more.'
            raise DesignError(msg)
        if cells.lowest < 0:
            msg = (
                f"Column {design.metric.column!r} has negative values; family={self.name!r} is about shares "
                'of a mean and needs values of zero and more. Use family="normal".'
            )
            raise DataError(msg)
        strata = cells.strata()
        users = strata["n"].sum("stratum")
        if int(users.min()) < _LEAST_USERS or strata.sizes["stratum"] < _LEAST_STRATA:
            msg = (
                f"A group has {int(users.min()):,} users seen in both periods; family={self.name!r} needs at "
                f'least {_LEAST_USERS} in each, and values before that differ. Use family="normal".'
            )
            raise DataError(msg)

    def reference(self, cells: Cells) -> Reference:
        """Scale by the pooled mean; start at the cell means, the groups alike before."""
        means = cells.moments()["mean"].copy()
        means[:, 0] = float(means[:, 0].mean())
        return Reference.identity(cells, means)

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:  # noqa: ARG002 - own spreads
        """Add strata: shares, means, coefficients of variation, and relative effects."""
        strata = adjusted(cells.strata())
        labels = [str(label) for label in strata["stratum"].to_numpy()]
        model = pm.modelcontext(None)
        # How many there are is data, so that one compiled density is for any number.
        model.add_coord("stratum", labels, length=pm.Data("strata", np.array(len(labels))))
        model.add_coord("boundary", labels[1:], length=pm.Data("boundaries", np.array(len(labels) - 1)))

        def data(name: str, values: Any, dim: str = "stratum") -> Any:
            return pm.Data(f"stratum_{name}", np.asarray(values, dtype=float), dims=dim)

        n, mean = strata["n"].to_numpy(), strata["mean"].to_numpy()
        # Both have a level too many, which their priors hold: only shares and ratios of means are used.
        shares = np.log(n / n.sum())
        log_share = pm.Normal("log_share", data("log_share", shares), 1.0, initval=shares, dims="stratum")
        overall_mean = float((n * mean).sum() / n.sum())
        levels = data("log_level", np.log(mean / overall_mean))
        log_level = pm.Normal("log_level", levels, 1.0, initval=np.log(mean / overall_mean), dims="stratum")
        weight = pm.math.exp(log_share - log_share.max())
        share = weight / weight.sum()
        chance = pm.Data("share_treated", float((n * strata["treated"]).sum() / n.sum()))
        after = (1 - chance) * location[0, 1] + chance * location[1, 1]
        level = pm.math.exp(log_level)
        level = level / (share * level).sum()
        stratum_mean = pm.Deterministic("stratum_mean", after * level, dims="stratum")
        overall = (location[1, 1] - location[0, 1]) / after
        below = np.cumsum(n * mean)[:-1] / (n * mean).sum()
        walked = _walk(overall, share * level, _OWN * below**_OWN_POWER, strata)
        relative = pm.Deterministic("relative_effect", walked, dims="stratum")
        log_cv = pm.Deterministic("log_cv", _walking_down(np.log(strata["cv"].to_numpy())), dims="stratum")
        cv = pm.math.exp(log_cv)
        users = data("n", n)
        pm.Multinomial(
            "stratum_users",
            # As an array: PyMC takes a whole number of Python's for a float, of which none can be drawn.
            n=pm.Data("users", n.sum().round().astype(int)),
            p=share,
            observed=pm.Data("stratum_users_data", n.round().astype(int), dims="stratum"),
            dims="stratum",
        )
        pm.Normal(
            "stratum_mean_seen",
            stratum_mean,
            data("spread", strata["spread"]) / users**0.5,
            observed=data("mean_data", mean),
            dims="stratum",
        )
        pm.Normal(
            "relative_seen",
            relative,
            cv * data("hat", strata["hat"]) ** 0.5,
            observed=data("relative_data", strata["relative"]),
            dims="stratum",
        )
        pm.Normal(
            "log_cv_seen",
            log_cv,
            data("log_cv_se", (2 * COUNTED * strata["df"].to_numpy()) ** -0.5),
            observed=data("log_cv_data", np.log(strata["cv"].to_numpy())),
            dims="stratum",
        )
        _observe_before(cells, location)

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the cell means."""
        return {"mean": posterior["location"]}

    def log_density(
        self,
        parameters: Mapping[str, Any],  # noqa: ARG002 - as every family's
        value: npt.NDArray[np.float64],  # noqa: ARG002
    ) -> npt.NDArray[np.float64]:
        """Refuse: strata have means and spreads, but rows no density (`DesignError`)."""
        raise DesignError(_NO_ROWS)

    def simulate(
        self,
        parameters: Mapping[str, Any],  # noqa: ARG002 - as every family's
        size: int,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> npt.NDArray[np.float64]:
        """Refuse: strata have means and spreads, but rows no distribution (`DesignError`)."""
        raise DesignError(_NO_ROWS)


_NO_ROWS = 'family="stratified" describes means of strata, not single rows; there is no density of a row.'


def _walk(overall: Any, weight: Any, own: npt.NDArray[np.float64], strata: xr.Dataset) -> Any:
    """Let relative effects walk from stratum to stratum around their weighted mean.

    A step has the prior N(0, σ²), whatever the data. It is written as ``m + s z`` with its mean and standard
    deviation given its own estimate, as if there were no other: ``s² = 1 / (1/σ² + 1/se²)`` and
    ``m = s² estimate / se²``. With ``z ~ N(-m/s, σ²/s²)`` the prior stays as it is, and z has a posterior
    that depends little on σ, be the data weak or strong: no funnel.
    """
    units = pm.HalfNormal(
        "step_in_units", _STEP / _STEP_UNIT, initval=_STEP / _STEP_UNIT, default_transform=log_exp_m1
    )
    tau = pm.Deterministic("step", _STEP_UNIT * units)
    sigma = pm.math.sqrt(tau**2 + pm.Data("own_step", own**2, dims="boundary"))
    variance = (strata["cv"] ** 2 * strata["hat"]).to_numpy()
    estimate = pm.Data("step_seen", np.diff(strata["relative"].to_numpy()), dims="boundary")
    precision = pm.Data("step_precision", 1 / (variance[:-1] + variance[1:]), dims="boundary")
    sd = sigma / pm.math.sqrt(1 + precision * sigma**2)
    mean = sd**2 * precision * estimate
    z = pm.Normal("step_z", -mean / sd, sigma / sd, initval=np.zeros_like(own), dims="boundary")
    walked = _running(pt.zeros(()), mean + sd * z)
    return overall + walked - (weight * walked).sum()


def _walking_down(seen: npt.NDArray[np.float64]) -> Any:
    """Let logs of coefficients of variation walk from the heaviest users, who are near 1, down."""
    step = np.full(len(seen) - 1, _CV_STEP)
    step[0] = _CV_FIRST_STEP
    start = np.clip(-np.diff(seen) / step, -3, 3)
    z = pm.Normal("cv_z", 0.0, 1.0, initval=start, dims="boundary")
    top = pm.Normal("log_cv_top", 0.0, 1.0, initval=float(seen[-1]))
    steps = (z * pm.Data("cv_step", step, dims="boundary"))[::-1]
    return _running(top, steps)[::-1]


def _running(start: Any, steps: Any) -> Any:
    """Give running sums, the start first."""
    return pt.cumsum(pt.concatenate([start[None], steps]))


def _observe_before(cells: Cells, location: Any) -> None:
    """Observe the means before, whose difference randomisation makes small."""
    moments = cells.moments().isel({cells.dims[1]: 0})
    n = moments["n"].to_numpy()
    sd = np.sqrt(float(moments["ss"].sum()) / float(n.sum() - len(n)))
    pm.Normal(
        "mean_before_seen",
        location[:, 0],
        pm.Data("mean_before_se", sd / np.sqrt(n), dims=cells.dims[0]),
        observed=pm.Data("mean_before_data", moments["mean"].to_numpy(), dims=cells.dims[0]),
        dims=cells.dims[0],
    )
