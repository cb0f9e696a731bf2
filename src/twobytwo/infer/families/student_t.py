"""Student-t cells by weighted points: a robust location, which under skew is not the mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pymc as pm
import scipy
import xarray as xr

from twobytwo.data.cells import Cells
from twobytwo.errors import DataError
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.points import weighted_points, weighted_quantiles
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["StudentT"]

# With a share p of a cell's rows at one value the likelihood grows without bound as the scale shrinks onto
# that value, for degrees of freedom below p/(1 − p): from one half on already for a Cauchy's.
_MOST_TIED = 0.5


class StudentT(Family):
    """Student-t likelihood; ``location`` and ``log_scale`` of every cell, ``nu`` for all.

    Of a pair it models the user's change, after minus before, of users seen in both periods; the cells
    then are the groups, and the effect is on the location of the change.

    The prior of the degrees of freedom is Gamma(2, 0.1) (Juárez & Steel 2010).

    Examples
    --------
    >>> import numpy as np
    >>> parameters = {"location": 50.0, "log_scale": 3.0, "nu": 3.0}
    >>> StudentT().simulate(parameters, 5, np.random.default_rng(1)).shape
    (5,)
    """

    name: ClassVar[str] = "student_t"
    estimand: ClassVar[Estimand] = "location"
    of_changes: ClassVar[bool] = True

    def check(self, cells: Cells) -> None:
        """Refuse cells of mostly one value, and a gap to be tightened where changes have none."""
        self.check_users(cells)
        self.refuse_gap(cells)
        _refuse_ties(cells)

    def reference(self, cells: Cells) -> Reference:
        """Scale by the pooled mean; start at the cell medians."""
        return Reference.identity(cells, weighted_quantiles(cells.changes, 0.5))

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add ``log_scale``, ``nu`` and the weighted points as an observed variable."""
        bins = cells.changes
        quartiles = weighted_quantiles(bins, 0.75) - weighted_quantiles(bins, 0.25)
        moments = bins.moments()
        # Half of the rows may be one value; then the standard deviation has to do.
        sd = xr.ufuncs.sqrt(moments["ss"] / moments["n"])
        start = xr.ufuncs.log((quartiles / 1.35).where(quartiles > 0, sd))
        log_scale = pm.Normal(
            "log_scale",
            mu=pm.Data("log_scale_prior_mean", float(start.mean())),
            sigma=pm.Data("log_scale_prior_sd", priors.spread),
            initval=start.to_numpy(),
            dims=bins.dims,
        )
        nu = pm.Gamma("nu", alpha=2.0, beta=0.1, initval=10.0)
        weighted_points(
            bins.points(),
            lambda size, location, scale, nu: pm.StudentT.dist(nu=nu, mu=location, sigma=scale, size=size),
            location,
            pm.math.exp(log_scale),
            nu,
        )

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the locations."""
        return {"location": posterior["location"]}

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-density of the Student-t distribution."""
        scale = np.exp(parameters["log_scale"])
        return scipy.stats.t.logpdf(value, parameters["nu"], parameters["location"], scale)

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw Student-t outcomes."""
        draws = rng.standard_t(parameters["nu"], size)
        return parameters["location"] + np.exp(parameters["log_scale"]) * draws


def _refuse_ties(cells: Cells) -> None:
    bins = cells.changes
    points = bins.points()
    value, weight = points["value"].to_numpy(), points["weight"].to_numpy()
    share = weight.max(axis=-1) / weight.sum(axis=-1)
    place = np.unravel_index(int(share.argmax()), share.shape)
    if share[place] <= _MOST_TIED:
        return
    tied = value[place][weight[place].argmax()]
    where = ", ".join(
        f"{dim!r} = {names[k]!r}" for (dim, names), k in zip(bins.coords.items(), place, strict=True)
    )
    what = "changes" if cells.design.paired else "rows"
    msg = (
        f"Column {cells.design.metric.column!r}: {share[place]:.0%} of the {what} in the cell {where} are "
        f'one value, {tied:.6g}; family="student_t" would shrink onto it and allows at most '
        f'{_MOST_TIED:.0%}. Use family="normal", which is safe for the mean.'
    )
    raise DataError(msg)
