"""From effects to the cells: how levels are coded, and the effects' priors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr

from twobytwo.ask.design import Design
from twobytwo.ask.factor import Factor
from twobytwo.data.cells import Cells
from twobytwo.infer.priors import Priors

__all__ = [
    "PREDICTORS",
    "Reference",
    "Term",
    "add_predictor",
    "coding",
    "effects_name",
    "far_below",
    "model_sd",
    "prior_sd",
    "terms",
]

# What may depend on the cell through effects: where the outcomes are, and the log-odds of any outcome.
PREDICTORS = ("location", "activity")
# Share of its standard error that a gap of zero may differ from zero: 1/400 of the variance of an adjustment.
_TIGHT = 0.05


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
    tight
        Largest prior sd of the gap between groups drawn at random: far below the gap's own standard error, so
        that it is zero for all that the data can say.
    log_odds
        Whether locations are log-odds, whose effects have the priors of the activity.
    """

    origin: float
    scale: float
    baseline: float
    location: xr.DataArray
    tight: float = math.inf
    log_odds: bool = False

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
        # By arrays: labelled ones cost a millisecond, and two models are built for a fit.
        n, means, squares = (moments[name].to_numpy() for name in ("n", "mean", "ss"))
        mean = float(np.nansum(n * means) / n.sum())
        scale = cells.yardstick
        tight = math.inf
        period = cells.design.period
        if period is not None:
            axis = cells.dims.index(period)
            before = squares.take(0, axis) / n.take(0, axis) ** 2
            tight = far_below(np.sqrt(before)) / scale
        return cls(origin=0.0, scale=scale, baseline=mean / scale, location=location, tight=tight)


def far_below(errors: npt.NDArray[np.float64]) -> float:
    """Give a gap between groups before that no data could tell from zero, from the standard errors there."""
    return _TIGHT * float(np.sqrt(2) * errors.min())


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One effect of a linear predictor: a product of one column of each factor's coding.

    Parameters
    ----------
    name
        How models and posteriors call it.
    order
        In how many groups or experiments it is a difference: 0 for a baseline or a trend, 1 for a main effect
        or a difference-in-differences, 2 and more for interactions of experiments.
    timed
        Whether it is a difference between periods.
    gap
        Whether it is a difference between groups before anything happened.
    """

    name: str
    order: int
    timed: bool
    gap: bool


def terms(design: Design, dims: tuple[str, ...] | None = None) -> tuple[Term, ...]:
    """List the effects that make a cell's location; see `coding`."""
    return tuple(term for term, _ in _terms(design, dims))


def coding(design: Design, dims: tuple[str, ...] | None = None) -> xr.DataArray:
    """Which effects make a cell's location.

    The Kronecker product of one coding per factor. Groups and experiments are coded by their difference from
    the reference level, centred (−½ and +½ for two levels), so that swapping two levels flips signs and
    changes nothing else, priors included. Periods are coded by their difference from the first: the group
    effect is the gap *before*, which randomisation makes small.

    Parameters
    ----------
    design
        The question, resolved.
    dims
        The factors that cells have, or all but the period for a family of users' changes; None takes all.

    Returns
    -------
    xarray.DataArray
        Dims `dims` and ``effect``: for difference-in-differences baseline, gap, trend, did (trend and did of
        changes); for experiments the baseline, main effects and interactions, in order.

    Examples
    --------
    >>> design = Design.did(outcome="y", group="g", period="t", control="a", treatment="b", before=1, after=2)
    >>> coding(design).sel(g="b", t="2").values.tolist()
    [1.0, 0.5, 1.0, 0.5]
    """
    dims = dims or design.dims
    made = _terms(design, dims)
    coords = {dim: list(design.coords[dim]) for dim in dims} | {"effect": [term.name for term, _ in made]}
    columns = np.stack([column for _, column in made], axis=-1)
    return xr.DataArray(columns, dims=(*dims, "effect"), coords=coords)


def _terms(design: Design, dims: tuple[str, ...] | None) -> list[tuple[Term, npt.NDArray[np.float64]]]:
    dims = dims or design.dims
    chosen = [(dim, factor) for dim, factor in zip(design.dims, design.factors, strict=True) if dim in dims]
    # A family of changes has no levels: what is left of the baseline is the trend, of the gap the effect.
    changes = design.period is not None and design.period not in dims
    columns = [_columns(factor) for _, factor in chosen]
    made = []
    for parts in product(*(range(matrix.shape[1]) for matrix in columns)):
        column = np.ones(())
        for matrix, part in zip(columns, parts, strict=True):
            column = np.multiply.outer(column, matrix[:, part])
        moved = [(dim, factor, part) for (dim, factor), part in zip(chosen, parts, strict=True) if part]
        order = sum(factor.role != "period" for _, factor, _ in moved)
        timed = changes or any(factor.role == "period" for _, factor, _ in moved)
        gap = design.period is not None and not timed and order > 0
        name = _name(design, moved, timed=timed)
        # Baseline first, then by in how many factors an effect is a difference, the first factor first.
        rank = (len(moved), [not part for part in parts], parts)
        made.append((rank, Term(name=name, order=order, timed=timed, gap=gap), column))
    return [(term, column) for _, term, column in sorted(made, key=lambda entry: entry[0])]


def _columns(factor: Factor) -> npt.NDArray[np.float64]:
    """Give the coding of one factor: a column of ones, then one for each level but the reference."""
    levels = len(factor.labels)
    differences = np.eye(levels)[:, 1:]
    if factor.role != "period":
        differences = differences - 1 / levels
    return np.hstack([np.ones((levels, 1)), differences])


def _name(design: Design, moved: list[tuple[str, Factor, int]], *, timed: bool) -> str:
    if all(factor.role == "factor" for factor in design.factors):
        if len(moved) == len(design.factors) == 2:
            return "interaction"
        return ":".join(dim for dim, _, _ in moved) or "baseline"
    treated = [factor.labels[part] for _, factor, part in moved if factor.role != "period"]
    kind = ("did" if treated else "trend") if timed else ("gap" if treated else "baseline")
    if kind == "gap" and design.period is None:
        kind = "effect"
    several = len(design.factors[0].labels) > 2
    return f"{kind}[{treated[0]}]" if treated and several else kind


def effects_name(predictor: str) -> str:
    """Name of a predictor's effects in models and posteriors.

    Examples
    --------
    >>> effects_name("location"), effects_name("activity")
    ('effects', 'activity_effects')
    """
    return "effects" if predictor == "location" else f"{predictor}_effects"


def prior_sd(
    priors: Priors, effects: Sequence[Term], *, predictor: str = "location", randomised: bool = False
) -> list[float]:
    """Give each effect the standard deviation of its prior, by its order.

    Of a baseline, of a gap before, of a main effect; every further order is as much narrower as an
    interaction of two experiments is narrower than a main effect.

    Examples
    --------
    >>> two = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": (0, 1), "b": (0, 1)})
    >>> prior_sd(Priors(), terms(two))
    [1.0, 1.0, 1.0, 0.5]
    """
    location = predictor == "location"
    main = priors.effect if location else priors.activity
    pairwise = priors.interaction if location else priors.activity_interaction

    def width(term: Term) -> float:
        if term.order == 0 and not term.timed:
            return priors.baseline
        if term.gap:
            return priors.randomised_gap if randomised else priors.gap if location else priors.activity
        return main if term.order < 2 else pairwise * (pairwise / main) ** (term.order - 2)

    return [width(term) for term in effects]


def model_sd(priors: Priors, predictor: str, design: Design, reference: Reference) -> list[float]:
    """Give each effect of a model the standard deviation of its prior.

    Parameters
    ----------
    priors
        Priors of the effects.
    predictor
        One of `PREDICTORS`.
    design
        The question.
    reference
        Of the predictor: whether it is log-odds, and how small a gap between random groups is.
    """
    made = terms(design, tuple(map(str, reference.location.dims)))
    scaled_as = "activity" if reference.log_odds else predictor
    widths = prior_sd(priors, made, predictor=scaled_as, randomised=design.randomised)
    if design.randomised:
        widths = [min(w, reference.tight) if term.gap else w for w, term in zip(widths, made, strict=True)]
    return widths


def add_predictor(
    predictor: str, cells: Cells, reference: Reference, priors: Priors, middle: Any = None
) -> Any:
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
    middle
        Where other parameters put the predictor, if they do; dims as ``reference.location``. The effects keep
        their priors, but the free variable is how far they are from there.

    Returns
    -------
    pytensor.tensor.TensorVariable
        The deterministic variable called as the predictor; dims those of ``reference.location``.
    """
    dims = tuple(map(str, reference.location.dims))
    contrasts, made = coding(cells.design, dims), terms(cells.design, dims)
    name = effects_name(predictor)
    prior_mean = [reference.baseline if term.order == 0 and not term.timed else 0.0 for term in made]
    widths = model_sd(priors, predictor, cells.design, reference)
    mean = pm.Data(f"{name}_prior_mean", prior_mean, dims="effect")
    sd = pm.Data(f"{name}_prior_sd", widths, dims="effect")
    prefix = "" if predictor == "location" else f"{predictor}_"
    origin = pm.Data(f"{prefix}origin", reference.origin)
    scale = pm.Data(f"{prefix}scale", reference.scale)
    if middle is None:
        start = _start(contrasts, (reference.location - reference.origin) / reference.scale)
        effects = pm.Normal(name, mean, sd, initval=start, dims="effect")
    else:
        inverse = np.linalg.inv(contrasts.to_numpy().reshape(-1, len(made)))
        there = (inverse * ((middle - origin) / scale).ravel()).sum(axis=-1)
        away = pm.Normal(f"{name}_away", mean - there, sd, initval=np.zeros(len(made)), dims="effect")
        effects = pm.Deterministic(name, there + away, dims="effect")
    # A sum of products, not a matrix product: the latter takes a minute more to compile.
    combined = (contrasts.to_numpy() * effects).sum(axis=-1)
    return pm.Deterministic(predictor, origin + scale * combined, dims=dims)


def _start(contrasts: xr.DataArray, location: xr.DataArray) -> Any:
    matrix = contrasts.to_numpy().reshape(-1, contrasts.sizes["effect"])
    return np.linalg.solve(matrix, location.to_numpy().ravel())
