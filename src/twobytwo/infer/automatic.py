"""Which families ``family="auto"`` tries, in which order, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from twobytwo.ask.metric import Kind
from twobytwo.data.cells import Cells
from twobytwo.errors import TwoByTwoError
from twobytwo.infer.by_stratum import error_beside_covariance
from twobytwo.infer.families import Family
from twobytwo.infer.families.binomial import Binomial
from twobytwo.infer.families.hurdle_lognormal import HurdleLogNormal
from twobytwo.infer.families.hurdle_negative_binomial import HurdleNegativeBinomial
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.families.negative_binomial import NegativeBinomial
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.families.stratified import Stratified
from twobytwo.infer.families.tail import Tail

__all__ = ["Candidate", "candidates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A family to be tried.

    Parameters
    ----------
    family
        The family.
    reason
        Why it is tried, in words that follow "because".
    only_if_clean
        Whether it is passed over in silence where a check that needs no fit as much as warns of it.
    told
        Whether the reason is said even where nothing else was tried before.
    """

    family: Family
    reason: str
    only_if_clean: bool = False
    told: bool = False


def candidates(cells: Cells) -> tuple[Candidate, ...]:
    """List the families that ``"auto"`` tries; the first whose gates do not refuse it answers.

    Parameters
    ----------
    cells
        The data.

    Returns
    -------
    tuple of Candidate
        Those that take the data. Of shares ``binomial``, then ``normal``. Of counts
        ``negative_binomial``, where there are zeros ``hurdle_negative_binomial`` (both of users with one
        value each), then as of amounts. Of ratios ``normal``. Of amounts in this order:

        1. ``stratified``, where two groups were drawn at random and users have a value before: the most
           precise by simulation (``docs/precision.md``). Where strata make the standard error no smaller
           than one analysis of covariance, that is ``normal``, comes first if the difference of means is
           close to normal.
        2. ``normal``: safe for the mean, whatever the data look like; withheld where few large values make
           the difference of means skewed.
        3. ``lognormal``, or ``hurdle_lognormal`` where there are zeros, and ``tail``: models of skewed
           outcomes, which answer only where their means and spreads are the data's.

    Examples
    --------
    >>> from twobytwo import Design, compress, simulate
    >>> design = Design.did(outcome="minutes", group="variant", period="period")
    >>> [candidate.family.name for candidate in candidates(compress(simulate.active_minutes(), design))]
    ['normal', 'tail']
    """
    made = _BY_KIND[cells.design.metric.kind](cells)
    return tuple(candidate for candidate in made if _takes(candidate.family, cells))


_SAFE = Candidate(family=Normal(), reason="it is safe for the mean")


def _share(cells: Cells) -> tuple[Candidate, ...]:  # noqa: ARG001 - as its neighbours
    exact = "a share is known exactly from how many did it"
    return (Candidate(family=Binomial(), reason=exact), _SAFE)


def _ratio(cells: Cells) -> tuple[Candidate, ...]:  # noqa: ARG001 - as its neighbours
    return (_SAFE,)


def _count(cells: Cells) -> tuple[Candidate, ...]:
    if cells.joint.size > 1:
        # No model of counts describes the same users twice; the reader is told who answers instead.
        why = "no model of counts here describes the same users twice, and it is safe for the mean"
        return tuple(replace(one, reason=why, told=True) if one is _SAFE else one for one in _amount(cells))
    exact = "counts are known exactly from how many users have each"
    of_zeros = "there are more or fewer zeros than one distribution of counts has"
    zeros = bool(cells.count("zero").sum())
    return (
        Candidate(family=NegativeBinomial(), reason=exact),
        *((Candidate(family=HurdleNegativeBinomial(), reason=of_zeros),) if zeros else ()),
        *_amount(cells),
    )


def _amount(cells: Cells) -> tuple[Candidate, ...]:
    zeros = bool(cells.count("zero").sum())
    return (
        *_strata(cells),
        _SAFE,
        Candidate(
            family=HurdleLogNormal() if zeros else LogNormal(),
            reason="the difference of means is too skewed for a normal",
        ),
        Candidate(family=Tail(), reason="the difference of means is too skewed for a normal"),
    )


def _strata(cells: Cells) -> tuple[Candidate, ...]:
    """List the strata, and before them the normal where they have nothing to give.

    Which of the two is the narrower is asked of standard errors, not of the effects that they find, and only
    where many users carry the difference: an error that is small because few heavy users came would be
    preferred just when it is wrong.
    """
    strata = Candidate(
        family=Stratified(), reason="groups drawn at random are compared best given what users did before"
    )
    if not _takes(strata.family, cells):
        return ()
    if error_beside_covariance(cells.strata()) < 1:
        return (strata,)
    simple = Candidate(
        family=Normal(), reason="strata of what users did before make it no narrower", only_if_clean=True
    )
    return simple, strata


_BY_KIND: Mapping[Kind, Callable[[Cells], tuple[Candidate, ...]]] = {
    "amount": _amount,
    "count": _count,
    "ratio": _ratio,
    "share": _share,
}


def _takes(family: Family, cells: Cells) -> bool:
    try:
        family.check(cells)
    except TwoByTwoError:
        # What a family does not take is no error where nobody asked for it by name.
        return False
    return True
