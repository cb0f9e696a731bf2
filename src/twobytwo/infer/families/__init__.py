"""Likelihoods for the outcomes in a cell, one file per family, called like the family."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from twobytwo.ask.metric import Kind
from twobytwo.errors import DesignError, nearest
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.custom import Custom, family
from twobytwo.infer.known import estimands
from twobytwo.infer.predictors import Reference

__all__ = ["FAMILIES", "Custom", "Estimand", "Family", "Reference", "families_for", "family", "family_of"]


def _of_file(name: str) -> Family:
    """Make the family that a file of this folder is called like."""
    members = vars(import_module(f"{__name__}.{name}")).values()
    families = (one for one in members if isinstance(one, type) and issubclass(one, Family))
    return next(one for one in families if vars(one).get("name") == name)()


FAMILIES: Mapping[str, Family] = {name: _of_file(name) for name in estimands()}


def families_for(kind: Kind) -> tuple[Family, ...]:
    """List the families that describe metrics of a kind.

    Examples
    --------
    >>> [family.name for family in families_for("share")]
    ['binomial', 'normal']
    """
    return tuple(family for family in FAMILIES.values() if kind in family.kinds)


def family_of(family: str | Family) -> Family:
    """Give a family by name, or the family itself.

    Parameters
    ----------
    family
        A key of `FAMILIES`, or an object with the methods of `Family`.

    Returns
    -------
    Family
        The family.

    Raises
    ------
    DesignError
        If there is no family of that name.

    Examples
    --------
    >>> family_of("lognormal").estimand
    'mean'
    """
    if isinstance(family, Family):
        return family
    if not isinstance(family, str) or family not in FAMILIES:
        known = ", ".join(map(repr, FAMILIES))
        msg = f"family={family!r} is unknown; use one of {known}.{nearest(family, FAMILIES)}"
        raise DesignError(msg)
    return FAMILIES[family]
