"""What a family is: the few verbs that a likelihood of a cell must answer, and its traits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from twobytwo.ask.design import Design
from twobytwo.ask.metric import Kind
from twobytwo.data.cells import Cells
from twobytwo.errors import DesignError
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["Estimand", "Family", "alike"]

Estimand = Literal["mean", "location", "geometric_mean", "P(active)", "mean_among_active"]


class Family(ABC):
    """A likelihood for the outcomes in a cell, and what others may want to know of it.

    Attributes
    ----------
    name
        How plans and results call it.
    estimand
        What its headline effects are effects on.
    kinds
        Which kinds of metrics it describes.
    link
        From the linear predictor to the cell's location: ``"identity"``, ``"log"`` or ``"logit"``.
    additive
        Whether the cell means are the locations themselves, so that an effect of the predictor is one on
        the mean.
    raw_means
        Whether the cell means are the sample means whatever the data look like; such a family answers where
        another is refused.
    adjusts
        Whether the means of groups drawn at random are adjusted for what was seen before, so that they are
        not the raw ones.
    of_strata
        Whether it has a relative effect (``relative_effect``) for each stratum of the value before.
    of_changes
        Whether it describes the changes of users who are seen twice, instead of their values.
    zeros
        Whether it has a part of its own for zeros (effects on the log-odds of activity).
    normal_logs
        Whether it takes the logarithms of positive outcomes as normal, so that their skewness moves its means
        away from the data's.
    events
        Whether it describes how often something happens, so that its precision depends on the number of
        events in the cell with the fewest.
    equivariant
        Whether in another unit every free variable of its model stays as it is or moves by a constant, its
        starting value too.
    columns
        How many values of a user it can describe together: one, two (before and after); None for any number.
    covariates
        Whether one of these may be another quantity, on a scale of its own.
    users
        Which values of one user are jointly normal with `sd_of_users` and ``fisher_z``: ``"raw"``, ``"log"``
        or None.
    slow
        Whether a fit takes so long that panels of families try it only where they are told to.
    target_accept
        Of the sampler; higher for posteriors that are far from normal.
    """

    name: ClassVar[str]
    estimand: ClassVar[Estimand] = "mean"
    kinds: ClassVar[tuple[Kind, ...]] = ("amount", "count")
    link: ClassVar[Literal["identity", "log", "logit"]] = "identity"
    additive: ClassVar[bool] = False
    raw_means: ClassVar[bool] = False
    adjusts: ClassVar[bool] = False
    of_strata: ClassVar[bool] = False
    of_changes: ClassVar[bool] = False
    zeros: ClassVar[bool] = False
    normal_logs: ClassVar[bool] = False
    events: ClassVar[bool] = False
    equivariant: ClassVar[bool] = False
    columns: ClassVar[tuple[int, ...] | None] = (1, 2)
    covariates: ClassVar[bool] = False
    users: ClassVar[Literal["raw", "log"] | None] = None
    slow: ClassVar[bool] = False
    target_accept: ClassVar[float] = 0.65

    @abstractmethod
    def check(self, cells: Cells) -> None:
        """Refuse outcomes outside the family's support (`DataError`)."""

    @abstractmethod
    def reference(self, cells: Cells) -> Reference:
        """Scale the priors and say where to start."""

    def middle(self, cells: Cells, priors: Priors) -> Any:  # noqa: ARG002 - for families that have one
        """Add parameters that say where the cells' locations lie, and give that; None where none do.

        Called before the locations are made; what the sampler sees of the effects is then how far they are
        from there. Dims as the locations'.
        """
        return None

    @abstractmethod
    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add the family's own parameters and observed variables to the current PyMC model.

        ``location`` has the factors' dims; ``priors.spread`` is the prior sd of a cell's log spread.
        """

    @abstractmethod
    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Cell values from draws, in units of the outcome, by estimand, the headline's first."""

    @abstractmethod
    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-density of outcomes of one cell, given its parameters by name; both broadcast."""

    @abstractmethod
    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw outcomes of one cell, given its parameters by name."""

    def check_users(self, cells: Cells) -> None:
        """Refuse metrics, users and covariates that the family cannot describe (`DesignError`)."""
        kind = cells.design.metric.kind
        if kind not in self.kinds:
            msg = (
                f"family={self.name!r} describes {' and '.join(f'{known}s' for known in self.kinds)}, and "
                f'{cells.design.metric.column!r} is of kind={kind!r}; use family="normal".'
            )
            raise DesignError(msg)
        if self.columns is not None and cells.joint.size not in self.columns:
            known = " or ".join(map(str, self.columns))
            msg = (
                f"family={self.name!r} describes {known} value(s) of a user, not {cells.joint.size}; "
                'use family="normal".'
            )
            raise DesignError(msg)
        if cells.design.covariate and not self.covariates:
            name = (cells.design.wide or ("",))[0]
            msg = (
                f"family={self.name!r} knows the same metric before and after, and the covariate {name!r} is "
                'another quantity; use family="normal", which adjusts for it linearly.'
            )
            raise DesignError(msg)

    def refuse_gap(self, cells: Cells) -> None:
        """Refuse groups that are alike before for a family of users' changes (`DesignError`)."""
        if cells.design.paired and cells.design.randomised:
            msg = (
                f"family={self.name!r} models the changes of users, which have no gap before to be made "
                f'small; leave out {alike(cells.design)}, or use family="normal".'
            )
            raise DesignError(msg)

    def fixed(self, cells: Cells) -> xr.Dataset:  # noqa: ARG002 - for families that have some
        """Give what `simulate` needs beside draws, such as thresholds; nothing by default."""
        return xr.Dataset()

    def sd_of_users(self, parameters: Mapping[str, Any]) -> Any:
        """Give the standard deviation of the values in a cell that `users` names."""
        raise NotImplementedError

    def spread_ratio(self, cells: Cells, posterior: xr.Dataset) -> float | None:  # noqa: ARG002
        """Compare the outcomes' standard deviation with the family's, in the cell where it is worst.

        Parameters
        ----------
        cells
            The data.
        posterior
            Draws.

        Returns
        -------
        float or None
            Above 1 where outcomes spread further than the family says, and its interval is too narrow; None
            for a family whose spread is the data's by construction.
        """
        return None

    def zero_shares(self, posterior: xr.Dataset) -> npt.NDArray[np.float64] | None:  # noqa: ARG002
        """Give the share of zeros in every cell, where the family says it without a part of its own for it.

        Parameters
        ----------
        posterior
            Draws.
        """
        return None

    def rough_zero_shares(self, cells: Cells) -> npt.NDArray[np.float64] | None:  # noqa: ARG002
        """Give the shares of zeros as maximum likelihood has them, of a family with `zero_shares`."""
        return None

    def rough_means(self, cells: Cells) -> npt.NDArray[np.float64] | None:  # noqa: ARG002
        """Give the cell means as maximum likelihood has them, where a formula does; None where none does."""
        return None

    def instability(self, cells: Cells) -> float | None:  # noqa: ARG002
        """Say by how many standard errors what a family extrapolates by changes with where it begins.

        None for a family that does not extrapolate.
        """
        return None


def alike(design: Design) -> str:
    """Name the argument that says that the groups were alike before."""
    if not design.given_before:
        return "randomised=True"
    return "covariate=" if design.covariate else "before_column="
