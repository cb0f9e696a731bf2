"""From cells, a family and priors to a PyMC model; never samples."""

from __future__ import annotations

import pymc as pm
import pytensor

from twobytwo.data.cells import Cells
from twobytwo.infer.alone import in_turn
from twobytwo.infer.families import Family
from twobytwo.infer.predictors import add_predictor, terms
from twobytwo.infer.priors import Priors

__all__ = ["build_model", "standard_model"]


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
    return _build(cells, family, priors)


def standard_model(cells: Cells, family: Family, priors: Priors) -> pm.Model | None:
    """Build the model of the same cells with the outcome in multiples of its yardstick.

    The same experiment in minutes and in hours has the same such model, number by number, so what a sampler
    draws from it does not depend on the unit.

    Parameters
    ----------
    cells, family, priors
        As for `build_model`, which has accepted them.

    Returns
    -------
    pymc.Model or None
        Of the structure of `build_model`'s; None if the family does not say that it is equivariant.
    """
    if not family.equivariant:
        return None
    return _build(cells.scaled(1 / cells.yardstick), family, priors)


@in_turn
def _build(cells: Cells, family: Family, priors: Priors) -> pm.Model:
    reference = family.reference(cells)
    effects = [term.name for term in terms(cells.design, tuple(map(str, reference.location.dims)))]
    coords = {**{dim: list(names) for dim, names in cells.coords.items()}, "effect": effects}
    # Without a note of the call stack at every node.
    with pytensor.config.change_flags(traceback__limit=0), pm.Model(coords=coords) as model:
        middle = family.middle(cells, priors)
        location = add_predictor("location", cells, reference, priors, middle)
        family.likelihood(cells, location, priors)
    return model
