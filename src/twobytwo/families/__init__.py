"""Likelihoods for the outcomes in a cell, one file a family."""

from __future__ import annotations

from collections.abc import Mapping

from twobytwo.errors import DesignError, nearest
from twobytwo.families.base import Estimand, Family, Reference
from twobytwo.families.custom import family
from twobytwo.families.gamma import Gamma
from twobytwo.families.hurdle_gamma import HurdleGamma
from twobytwo.families.hurdle_lognormal import HurdleLogNormal
from twobytwo.families.lognormal import LogNormal
from twobytwo.families.normal import Normal
from twobytwo.families.student_t import StudentT
from twobytwo.families.tail import Tail

__all__ = [
    "FAMILIES",
    "Estimand",
    "Family",
    "Gamma",
    "HurdleGamma",
    "HurdleLogNormal",
    "LogNormal",
    "Normal",
    "Reference",
    "StudentT",
    "Tail",
    "family",
    "family_of",
]

FAMILIES: Mapping[str, Family] = {
    known.name: known
    for known in (Normal(), LogNormal(), HurdleLogNormal(), Gamma(), HurdleGamma(), Tail(), StudentT())
}


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
    if not isinstance(family, str | type) and hasattr(family, "likelihood"):
        return family
    if not isinstance(family, str) or family not in FAMILIES:
        known = ", ".join(map(repr, FAMILIES))
        msg = f"family={family!r} is unknown; use one of {known}.{nearest(family, FAMILIES)}"
        raise DesignError(msg)
    return FAMILIES[family]
