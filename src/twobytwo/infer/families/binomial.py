"""Shares: how many of a cell's users did something; exact from two counts, of pairs from four."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr
from scipy.special import expit

from twobytwo.ask.metric import Kind
from twobytwo.data.cells import Cells
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.hurdle import observe_counts, reference_of_odds
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["Binomial"]

# A share is read as 0 or 100, so that its mean is in per cent and its effects are in percentage points.
_WHOLE = 100.0


class Binomial(Family):
    """Binomial counts; parameter ``location``, the log-odds of every cell.

    Effects have their priors on the log-odds and are stated on the share itself, in percentage points. Of a
    pair it describes the four patterns (in both periods, before only, after only, neither) by the two shares
    and an odds ratio between them (Plackett 1965); users seen in one period only count where they were seen.

    Examples
    --------
    >>> import numpy as np
    >>> draws = Binomial().simulate({"location": 0.0}, 4, np.random.default_rng(1))
    >>> sorted(set(draws.tolist()))
    [0.0, 100.0]
    """

    name: ClassVar[str] = "binomial"
    estimand: ClassVar[Estimand] = "mean"
    kinds: ClassVar[tuple[Kind, ...]] = ("share",)
    link: ClassVar[Literal["identity", "log", "logit"]] = "logit"
    adjusts: ClassVar[bool] = True
    events: ClassVar[bool] = True

    def check(self, cells: Cells) -> None:
        """Accept shares."""
        self.check_users(cells)

    def reference(self, cells: Cells) -> Reference:
        """Scale effects as log-odds around the pooled ones."""
        return reference_of_odds(cells)

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:  # noqa: ARG002 - no spread
        """Observe the counts of every cell, or of the four patterns of every group."""
        observe_counts(cells, location)
        if cells.joint.size > 1 and cells.joint.incomplete:
            _observe_once(cells, location)

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the shares, in per cent."""
        return {"mean": _WHOLE / (1 + xr.ufuncs.exp(-posterior["location"]))}

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-probability of outcomes, for independent rows."""
        log_odds = parameters["location"]
        return np.where(value > 0, -np.logaddexp(0, -log_odds), -np.logaddexp(0, log_odds))

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw outcomes."""
        return np.where(rng.random(size) < expit(parameters["location"]), _WHOLE, 0.0)


def _observe_once(cells: Cells, log_odds: Any) -> None:
    """Observe users seen in one period only: rows of one cell, as if absence did not depend on the value."""
    moments = cells.joint.moments()
    # The patterns are: both, before only, after only.
    n = np.stack([moments["n"].to_numpy()[:, t + 1] for t in (0, 1)], axis=-1)
    mean = np.stack([moments["mean"].to_numpy()[:, t + 1, t] for t in (0, 1)], axis=-1)
    pm.Binomial(
        "active_once",
        n=pm.Data("users_once", n.round().astype(int), dims=cells.dims),
        logit_p=log_odds,
        observed=pm.Data("once_data", (n * mean / _WHOLE).round().astype(int), dims=cells.dims),
        dims=cells.dims,
    )
