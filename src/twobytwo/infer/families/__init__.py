"""Likelihoods for the outcomes in a cell, one file per family."""

from __future__ import annotations

from collections.abc import Mapping

from twobytwo.ask.metric import Kind
from twobytwo.errors import DesignError, nearest
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.binomial import Binomial
from twobytwo.infer.families.custom import Custom, family
from twobytwo.infer.families.gamma import Gamma
from twobytwo.infer.families.hurdle_gamma import HurdleGamma
from twobytwo.infer.families.hurdle_lognormal import HurdleLogNormal
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.families.lognormal_mixture import LogNormalMixture
from twobytwo.infer.families.negative_binomial import NegativeBinomial
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.families.stratified import Stratified
from twobytwo.infer.families.student_t import StudentT
from twobytwo.infer.families.tail import Tail
from twobytwo.infer.predictors import Reference

__all__ = [
    "FAMILIES",
    "Binomial",
    "Custom",
    "Estimand",
    "Family",
    "Gamma",
    "HurdleGamma",
    "HurdleLogNormal",
    "LogNormal",
    "LogNormalMixture",
    "NegativeBinomial",
    "Normal",
    "Reference",
    "Stratified",
    "StudentT",
    "Tail",
    "families_for",
    "family",
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
        LogNormalMixture(),
        Tail(),
        StudentT(),
        Stratified(),
        Binomial(),
        NegativeBinomial(),
    )
}


def families_for(kind: Kind) -> tuple[Family, ...]:
    """List the families that describe metrics of a kind.

    Examples
    --------
    >>> [family.name for family in families_for("share")]
    ['normal', 'binomial']
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
