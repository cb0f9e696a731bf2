"""From effects to the four cells: how levels are coded, and the effects' priors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells
from twobytwo.infer.priors import Priors

__all__ = ["PREDICTORS", "Reference", "add_predictor", "coding", "effects_name", "prior_sd"]

# What may depend on the cell through effects: where the outcomes are, and the log-odds of any outcome.
PREDICTORS = ("location", "activity")


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
        """Scale effects by the outcome's yardstick; see `Cells.yardstick`.

        Parameters
        ----------
        cells
            The data.
        location
            Rough location of every cell, in units of the outcome.
        """
        moments = cells.moments()
        mean = float((moments["n"] * moments["mean"]).sum() / moments["n"].sum())
        scale = cells.yardstick
        return cls(origin=0.0, scale=scale, baseline=mean / scale, location=location)


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


def effects_name(predictor: str) -> str:
    """Name of a predictor's effects in models and posteriors.

    Examples
    --------
    >>> effects_name("location"), effects_name("activity")
    ('effects', 'activity_effects')
    """
    return "effects" if predictor == "location" else f"{predictor}_effects"


def prior_sd(
    priors: Priors, effects: list[str], *, predictor: str = "location", randomised: bool = False
) -> list[float]:
    """Give each effect the standard deviation of its prior, by the effect's label.

    Examples
    --------
    >>> prior_sd(Priors(), ["baseline", "a", "b", "interaction"])
    [1.0, 1.0, 1.0, 0.5]
    >>> prior_sd(Priors(), ["baseline", "gap", "trend", "did"], predictor="activity")
    [1.0, 0.5, 0.5, 0.5]
    """
    location = predictor == "location"
    special = {
        "baseline": priors.baseline,
        "gap": priors.randomised_gap if randomised else priors.gap if location else priors.activity,
        "interaction": priors.interaction if location else priors.activity_interaction,
    }
    return [special.get(effect, priors.effect if location else priors.activity) for effect in effects]


def add_predictor(predictor: str, cells: Cells, reference: Reference, priors: Priors) -> Any:
    """Add effects, and what they add up to in every cell, to the current PyMC model.

    Parameters
    ----------
    predictor
        One of `PREDICTORS`.
    cells
        The data.
    reference
        Scale of the effects, and where to start.
    priors
        Priors of the effects.

    Returns
    -------
    pytensor.tensor.TensorVariable
        The deterministic variable called as the predictor; dims those of ``reference.location``.
    """
    dims = tuple(map(str, reference.location.dims))
    contrasts = coding(cells.design, dims)
    labels = [str(label) for label in contrasts["effect"].to_numpy()]
    name = effects_name(predictor)
    prior_mean = [reference.baseline if label == "baseline" else 0.0 for label in labels]
    widths = prior_sd(priors, labels, predictor=predictor, randomised=cells.design.randomised)
    effects = pm.Normal(
        name,
        mu=pm.Data(f"{name}_prior_mean", prior_mean, dims="effect"),
        sigma=pm.Data(f"{name}_prior_sd", widths, dims="effect"),
        initval=_start(contrasts, (reference.location - reference.origin) / reference.scale),
        dims="effect",
    )
    prefix = "" if predictor == "location" else f"{predictor}_"
    origin = pm.Data(f"{prefix}origin", reference.origin)
    scale = pm.Data(f"{prefix}scale", reference.scale)
    # A sum of products, not a matrix product: the latter takes a minute more to compile.
    combined = (contrasts.to_numpy() * effects).sum(axis=-1)
    return pm.Deterministic(predictor, origin + scale * combined, dims=dims)


def _start(contrasts: xr.DataArray, location: xr.DataArray) -> Any:
    matrix = contrasts.to_numpy().reshape(-1, contrasts.sizes["effect"])
    return np.linalg.solve(matrix, location.to_numpy().ravel())
