"""Likelihoods for the outcomes in a cell, one file per family."""

from __future__ import annotations

from collections.abc import Mapping

from twobytwo.data.cells import Cells
from twobytwo.errors import DesignError, TwoByTwoError, nearest
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.custom import Custom, family
from twobytwo.infer.families.gamma import Gamma
from twobytwo.infer.families.hurdle_gamma import HurdleGamma
from twobytwo.infer.families.hurdle_lognormal import HurdleLogNormal
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.families.stratified import Stratified
from twobytwo.infer.families.student_t import StudentT
from twobytwo.infer.families.tail import Tail
from twobytwo.infer.predictors import Reference

__all__ = [
    "FAMILIES",
    "Custom",
    "Estimand",
    "Family",
    "Gamma",
    "HurdleGamma",
    "HurdleLogNormal",
    "LogNormal",
    "Normal",
    "Reference",
    "Stratified",
    "StudentT",
    "Tail",
    "family",
    "family_for",
    "family_of",
]

FAMILIES: Mapping[str, Family] = {
    known.name: known
    for known in (
        Normal(),
        LogNormal(),
        HurdleLogNormal(),
        Gamma(),
        HurdleGamma(),
        Tail(),
        StudentT(),
        Stratified(),
    )
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
    if isinstance(family, Family):
        return family
    if not isinstance(family, str) or family not in FAMILIES:
        known = ", ".join(map(repr, FAMILIES))
        msg = f"family={family!r} is unknown; use one of {known}.{nearest(family, FAMILIES)}"
        raise DesignError(msg)
    return FAMILIES[family]


def family_for(cells: Cells) -> tuple[Family, str]:
    """Give the family for means whose support the outcomes are in.

    Parameters
    ----------
    cells
        The data.

    Returns
    -------
    family : Family
        Lognormal for positive outcomes, with a hurdle where there are zeros; the normal where there are
        negative values, or where the data are not for that family (such as equal logarithms).
    reason : str
        Why the family of the support does not answer; empty if it does, or if the normal is that family.

    Examples
    --------
    >>> from twobytwo import Design, compress, simulate
    >>> design = Design.did(outcome="minutes", group="variant", period="period")
    >>> family_for(compress(simulate.active_minutes(), design))[0].name
    'normal'
    """
    if cells.lowest < 0:
        return Normal(), ""
    chosen: Family = HurdleLogNormal() if bool(cells.count("zero").sum()) else LogNormal()
    try:
        chosen.check(cells)
    except TwoByTwoError as error:
        # Whatever the reason, the normal on the cell means takes every outcome.
        return Normal(), str(error)
    return chosen, ""
