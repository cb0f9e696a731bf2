"""One family fitted to one table of cells: model, draws, effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr

from twobytwo.ask.contrast import Contrast
from twobytwo.data.cells import Cells
from twobytwo.errors import DesignError
from twobytwo.infer.effects import Effects, contrasts
from twobytwo.infer.engine.sampling import SamplerOptions, sample
from twobytwo.infer.families import Family
from twobytwo.infer.model import build_model, standard_model
from twobytwo.infer.predictors import coding
from twobytwo.infer.priors import Priors

__all__ = ["Fit", "fit"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """A family's answer.

    Parameters
    ----------
    family, priors, cells
        What was fitted.
    model
        The PyMC model.
    tree
        Posterior draws and what they were conditioned on.
    effects
        Labelled draws of the effects.
    """

    family: Family
    priors: Priors
    cells: Cells
    model: pm.Model
    tree: xr.DataTree
    effects: Effects

    @property
    def means(self) -> xr.DataArray | None:
        """Draws of the cell means; None if the family's cell values are not means."""
        return self.family.values(self.tree["posterior"].to_dataset()).get("mean")

    @property
    def of_changes(self) -> bool:
        """Whether the cell values are users' changes rather than levels."""
        return self.cells.dims[-1] not in self.tree["posterior"]["location"].dims

    def parameters(self, place: Mapping[str, int]) -> dict[str, npt.NDArray[np.float64]]:
        """Draws of everything that describes the outcomes of one cell, as the family's own verbs take it.

        Parameters
        ----------
        place
            Position along each of the factors' dims.

        Returns
        -------
        dict
            By name, the draws of all chains along the first axis; what the family takes from the data as
            it is (such as thresholds) without that axis.
        """
        given = self.family.fixed(self.cells)

        def of_cell(variable: xr.DataArray) -> xr.DataArray:
            return variable.isel({dim: k for dim, k in place.items() if dim in variable.dims}, drop=True)

        drawn = self.tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
        return {
            str(name): of_cell(variable).transpose("sample", ...).to_numpy()
            for name, variable in drawn.data_vars.items()
            if "effect" not in variable.dims
        } | {str(name): of_cell(variable).to_numpy() for name, variable in given.data_vars.items()}

    def prior_weight(self, se: float, contrast: Contrast | None = None) -> float:
        """Share κ of the contrast's posterior that is the prior's: ``se² / (se² + τ²)``.

        Parameters
        ----------
        se
            Standard error of the contrast by the companion that assumes least, in units of the outcome.
        contrast
            Of the cells; None takes the headline's.

        Returns
        -------
        float
            Between 0 and 1. τ is the prior's standard deviation of the contrast in units of the outcome. With
            a log link, or where the effect is on no mean, the prior and `se` are on different scales; then
            it is the ratio of posterior to prior variance, which for a normal likelihood is the same.
        """
        if "activity_effects" in self.tree["posterior"]:
            # Two priors pull at a hurdle's mean; the answer is at least as much theirs as the stronger one's.
            return max(self._shrinkage(name, contrast) for name in ("effects", "activity_effects"))
        if not self.family.additive:
            return self._shrinkage("effects", contrast)
        tau = float(self.tree["constant_data"]["scale"]) * self._prior_sd("effects", contrast)
        return se**2 / (se**2 + tau**2)

    def _weights(self, contrast: Contrast | None) -> xr.DataArray:
        """Give the contrast's weights on the effects of the linear predictor, ``wᵀC``."""
        dims = tuple(str(dim) for dim in self.tree["posterior"].to_dataset()["location"].dims[2:])
        design, matrix = self.cells.design, coding(self.cells.design, dims)
        asked = contrast or design.headline
        found = asked if dims == design.dims else asked.of_changes()
        if found is None:
            msg = f"The effect {asked.name!r} is not one on users' changes."
            raise DesignError(msg)
        weights = xr.DataArray(found.array(matrix.shape[:-1]), dims=dims)
        return (weights * matrix).sum(dims)

    def _prior_sd(self, name: str, contrast: Contrast | None) -> float:
        """Give the standard deviation of the contrast's prior: ``√Σ (wᵀC)² sd²``."""
        widths = self.tree["constant_data"][f"{name}_prior_sd"]
        return float(np.sqrt((self._weights(contrast) ** 2 * widths.to_numpy() ** 2).sum()))

    def _shrinkage(self, name: str, contrast: Contrast | None) -> float:
        """Ratio of posterior to prior variance of the contrast's combination of effects."""
        effect = (self.tree["posterior"][name] * self._weights(contrast)).sum("effect")
        return min(1.0, float(effect.var(ddof=1)) / self._prior_sd(name, contrast) ** 2)


def fit(cells: Cells, family: Family, priors: Priors, options: SamplerOptions | None = None) -> Fit:
    """Build, sample and contrast.

    Parameters
    ----------
    cells
        The data.
    family
        The likelihood of a cell.
    priors
        Priors of the effects.
    options
        Of the sampler.

    Returns
    -------
    Fit
        The family's answer.

    Examples
    --------
    >>> from twobytwo import simulate
    >>> from twobytwo.data.cells import compress
    >>> from twobytwo.ask.design import Design
    >>> from twobytwo.infer.families.normal import Normal
    >>> design = Design.interaction(outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"))
    >>> cells = compress(simulate.cannibalisation(), design)
    >>> bool(fit(cells, Normal(), Priors()).effects["interaction"].mean() < -2.5)
    True
    """
    model = build_model(cells, family, priors)
    tree = sample(
        model,
        options,
        standard=standard_model(cells, family, priors),
        target_accept=family.target_accept,
    )
    effects = contrasts(family.values(tree["posterior"].to_dataset()), cells.design)
    return Fit(family=family, priors=priors, cells=cells, model=model, tree=tree, effects=effects)
