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


def coding(design: Design, dims: tuple[str, ...] | None = None) -> xr.DataArray:
    """Which effects make a cell's location.

    Levels are coded −½ and +½, so that swapping control and treatment flips signs and changes nothing
    else, priors included. The period is coded 0 and 1: the group effect is the gap *before*, which
    randomisation makes small.

    Parameters
    ----------
    design
        The question, resolved.
    dims
        The two factors, or the group alone for a family of users' changes; None takes both.

    Returns
    -------
    xarray.DataArray
        Dims `dims` and ``effect``: baseline, gap, trend, did for difference-in-differences (trend and did
        of changes); baseline, one main effect for each factor, interaction otherwise. The last effect is
        the interaction contrast ``(m11 − m10) − (m01 − m00)``.

    Examples
    --------
    >>> design = Design.did(outcome="y", group="g", period="t", control="a", treatment="b", before=1, after=2)
    >>> coding(design).sel(g="b", t="2").values.tolist()
    [1.0, 0.5, 1.0, 0.5]
    """
    dims = dims or design.dims
    halves, steps = np.array([-0.5, 0.5]), np.array([0.0, 1.0])
    if len(dims) == 1:
        names, columns = ["trend", "did"], np.stack([np.ones(2), halves], axis=-1)
    else:
        did = design.question == "did"
        names = ["baseline", *(("gap", "trend", "did") if did else (*design.dims, "interaction"))]
        first, second = halves[:, None], (steps if did else halves)[None, :]
        parts = np.broadcast_arrays(np.ones((2, 2)), first, second, first * second)
        columns = np.stack(parts, axis=-1)
    coords = {dim: list(design.coords[dim]) for dim in dims} | {"effect": names}
    return xr.DataArray(columns, dims=(*dims, "effect"), coords=coords)


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
    dims = tuple(map(str, reference.location.dims))
    contrasts = coding(cells.design, dims)
    prior_mean = [reference.baseline if label == "baseline" else 0.0 for label in contrasts["effect"].values]
    labels = [str(label) for label in contrasts["effect"].to_numpy()]
    widths = prior_sd(priors, labels, randomised=cells.design.randomised)
    coords = {**{dim: list(names) for dim, names in cells.coords.items()}, "effect": labels}
    with pm.Model(coords=coords) as model:
        effects = pm.Normal(
            "effects",
            mu=pm.Data("effects_prior_mean", prior_mean, dims="effect"),
            sigma=pm.Data("effects_prior_sd", widths, dims="effect"),
            initval=_start(contrasts, (reference.location - reference.origin) / reference.scale),
            dims="effect",
        )
        origin, scale = pm.Data("origin", reference.origin), pm.Data("scale", reference.scale)
        # A sum of products, not a matrix product: the latter takes a minute more to compile.
        combined = (contrasts.to_numpy() * effects).sum(axis=-1)
        location = pm.Deterministic("location", origin + scale * combined, dims=dims)
        family.likelihood(cells, location, priors.spread)
    return model


def prior_sd(priors: Priors, effects: list[str], *, randomised: bool = False) -> list[float]:
    """Give each effect the standard deviation of its prior, by the effect's label.

    Examples
    --------
    >>> prior_sd(Priors(), ["baseline", "a", "b", "interaction"])
    [1.0, 1.0, 1.0, 0.5]
    """
    special = {
        "baseline": priors.baseline,
        "gap": priors.randomised_gap if randomised else priors.gap,
        "interaction": priors.interaction,
    }
    return [special.get(effect, priors.effect) for effect in effects]


def _start(contrasts: xr.DataArray, location: xr.DataArray) -> Any:
    matrix = contrasts.to_numpy().reshape(-1, contrasts.sizes["effect"])
    return np.linalg.solve(matrix, location.to_numpy().ravel())
