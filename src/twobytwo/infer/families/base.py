"""What a family is: the few verbs that a likelihood of a cell must answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import xarray as xr

from twobytwo.data.cells import Cells
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["Estimand", "Family"]

Estimand = Literal["mean", "location", "geometric_mean", "P(active)", "mean_among_active"]


class Family(Protocol):
    """A likelihood for the outcomes in a cell.

    Attributes
    ----------
    name
        How plans and results call it.
    estimand
        What its headline effects are effects on.

    Notes
    -----
    A family may also have ``target_accept`` (of the sampler, for posteriors that are far from normal),
    ``fixed(cells)``, a dataset of what `simulate` needs beside draws, and ``equivariant``: that in another
    unit every free variable of its model stays as it is or moves by a constant, its starting value too.
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
