"""What a family is: the few verbs that a likelihood of a cell must answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import xarray as xr

from twobytwo.cells import Cells
from twobytwo.priors import Priors

__all__ = ["Estimand", "Family", "Reference"]

Estimand = Literal["mean", "location", "geometric_mean", "P(active)", "mean_among_active"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What the priors are scaled by, and where the sampler starts.

    Parameters
    ----------
    origin, scale
        A cell's location is ``origin + scale × (coding · effects)``: (0, yardstick) with an identity
        link, (pooled mean of the logarithms, 1) with a log link.
    baseline
        Prior mean of the baseline effect, in units of `scale`.
    location
        Rough location of every cell, in the location's own units; dims as the factors.
    """

    origin: float
    scale: float
    baseline: float
    location: xr.DataArray

    @classmethod
    def identity(cls, cells: Cells, location: xr.DataArray) -> Reference:
        """Scale effects by the pooled mean of the outcome.

        An outcome of both signs has no natural zero, so its mean may be arbitrarily small; then
        the pooled standard deviation is the yardstick if it is the larger of the two.

        Parameters
        ----------
        cells
            The data.
        location
            Rough location of every cell, in units of the outcome.
        """
        moments = cells.moments()
        n = moments["n"].sum()
        mean = float((moments["n"] * moments["mean"]).sum() / n)
        sd = float(np.sqrt(moments["ss"].sum() / n))
        # An outcome on one side of zero and its mirror image have one yardstick.
        scale = abs(mean) if cells.lowest >= 0 or cells.highest <= 0 else max(abs(mean), sd)
        return cls(origin=0.0, scale=scale, baseline=mean / scale, location=location)


class Family(Protocol):
    """A likelihood for the outcomes in a cell.

    Attributes
    ----------
    name
        How plans and results call it.
    estimand
        What its headline effects are effects on.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see Attributes

    @property
    def estimand(self) -> Estimand: ...  # noqa: D102 - see Attributes

    def check(self, cells: Cells) -> None:
        """Refuse outcomes outside the family's support (`DataError`)."""

    def reference(self, cells: Cells) -> Reference:
        """Scale the priors and say where to start."""

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add the family's own parameters and observed variables to the current PyMC model.

        ``location`` has the factors' dims; ``priors.spread`` is the prior sd of a cell's log spread.
        """

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Cell values from draws, in units of the outcome, by estimand, the headline's first."""

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-density of outcomes of one cell, given its parameters by name; both broadcast."""

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw outcomes of one cell, given its parameters by name."""
