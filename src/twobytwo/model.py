"""From cells, a family and priors to a PyMC model; never samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from twobytwo.cells import Cells
from twobytwo.design import Design
from twobytwo.families import Family
from twobytwo.priors import Priors

__all__ = ["build_model", "coding", "prior_sd"]


def coding(design: Design) -> xr.DataArray:
    """Which effects make a cell's location.

    Levels are coded −½ and +½, so that swapping control and treatment flips signs and changes nothing
    else, priors included. The period is coded 0 and 1: the group effect is the gap *before*, which
    randomisation makes small.

    Parameters
    ----------
    design
        The question, resolved.

    Returns
    -------
    xarray.DataArray
        Dims the two factors and ``effect``: baseline, gap, trend, did for difference-in-differences;
        baseline, one main effect for each factor, interaction otherwise. The last effect is the
        interaction contrast ``(m11 − m10) − (m01 − m00)``.

    Examples
    --------
    >>> design = Design.did(outcome="y", group="g", period="t", control="a", treatment="b", before=1, after=2)
    >>> coding(design).sel(g="b", t="2").values.tolist()
    [1.0, 0.5, 1.0, 0.5]
    """
    first = np.array([-0.5, 0.5])[:, None]
    did = design.question == "did"
    second = (np.array([0.0, 1.0]) if did else np.array([-0.5, 0.5]))[None, :]
    names = ("gap", "trend", "did") if did else (*design.dims, "interaction")
    columns = np.broadcast_arrays(np.ones((2, 2)), first, second, first * second)
    return xr.DataArray(
        np.stack(columns, axis=-1),
        dims=(*design.dims, "effect"),
        coords={
            **{dim: list(labels) for dim, labels in design.coords.items()},
            "effect": ["baseline", *names],
        },
    )


def build_model(cells: Cells, family: Family, priors: Priors) -> pm.Model:
    """Build the model of a table of cells.

    Parameters
    ----------
    cells
        The data.
    family
        The likelihood of a cell.
    priors
        Priors of the effects.

    Returns
    -------
    pymc.Model
        ``effects`` (dim ``effect``, in multiples of the yardstick), ``location`` (dims the factors) and
        the family's own variables. All data and prior constants are `pymc.Data`, so that models of one
        kind differ in values only and share one compiled density.

    Raises
    ------
    DataError
        If the outcomes are outside the family's support.
    """
    family.check(cells)
    reference = family.reference(cells)
    contrasts = coding(cells.design)
    labels = [str(label) for label in contrasts["effect"].to_numpy()]
    coords = {**{dim: list(names) for dim, names in cells.coords.items()}, "effect": labels}
    with pm.Model(coords=coords) as model:
        effects = pm.Normal(
            "effects",
            mu=pm.Data("effects_prior_mean", [reference.baseline, 0.0, 0.0, 0.0], dims="effect"),
            sigma=pm.Data("effects_prior_sd", prior_sd(priors, labels), dims="effect"),
            initval=_start(contrasts, (reference.location - reference.origin) / reference.scale),
            dims="effect",
        )
        origin, scale = pm.Data("origin", reference.origin), pm.Data("scale", reference.scale)
        # A sum of products, not a matrix product: the latter takes a minute more to compile.
        combined = (contrasts.to_numpy() * effects).sum(axis=-1)
        location = pm.Deterministic("location", origin + scale * combined, dims=cells.dims)
        family.likelihood(cells, location, priors.spread)
    return model


def prior_sd(priors: Priors, effects: list[str]) -> list[float]:
    """Give each effect the standard deviation of its prior, by the effect's label.

    Examples
    --------
    >>> prior_sd(Priors(), ["baseline", "a", "b", "interaction"])
    [1.0, 1.0, 1.0, 0.5]
    """
    special = {"baseline": priors.baseline, "interaction": priors.interaction}
    return [special.get(effect, priors.effect) for effect in effects]


def _start(contrasts: xr.DataArray, location: xr.DataArray) -> Any:
    matrix = contrasts.to_numpy().reshape(-1, contrasts.sizes["effect"])
    return np.linalg.solve(matrix, location.to_numpy().ravel())
