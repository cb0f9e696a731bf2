"""The table of cells that a question is about: its factors, their dimensions, its contrasts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from twobytwo.ask.contrast import Contrast, Question, contrasts_of
from twobytwo.ask.factor import Factor
from twobytwo.errors import DesignError, TwoByTwoError, nearest

__all__ = ["CellTable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTable:
    """A question and its factors, whose levels make the cells.

    Parameters
    ----------
    question
        Which contrasts are asked for.
    factors
        Group and period, or the experiments, or the group alone.

    Examples
    --------
    >>> arm = Factor(column="arm", role="group", levels=("a", "b", "c"), many=True)
    >>> table = CellTable(question="comparison", factors=(arm,))
    >>> table.shape, [contrast.name for contrast in table.contrasts]
    ((3,), ['effect[b]', 'effect[c]', 'effect[c - b]'])
    """

    question: Question
    factors: tuple[Factor, ...]

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the factors' dimensions, in order; no two the same."""
        names: list[str] = []
        for factor in self.factors:
            name = factor.dim
            while name in names:
                name += "_"
            names.append(name)
        return tuple(names)

    @property
    def coords(self) -> dict[str, tuple[str, ...]]:
        """Level labels of each dimension, reference first."""
        return {dim: factor.labels for dim, factor in zip(self.dims, self.factors, strict=True)}

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of levels of each factor."""
        return tuple(len(labels) for labels in self.coords.values())

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """What is asked of the cells, the headline's contrast first; the levels must be resolved.

        Examples
        --------
        >>> two = tuple(Factor(column=name, role="factor", levels=(0, 1)) for name in "ab")
        >>> table = CellTable(question="interaction", factors=two)
        >>> [contrast.name for contrast in table.contrasts][:3]
        ['interaction', 'both', 'first_alone']
        """
        return contrasts_of(self.question, self.factors)

    @property
    def headline(self) -> Contrast:
        """The contrast that the statement is about."""
        return self.contrasts[0]

    @property
    def primary(self) -> tuple[Contrast, ...]:
        """The contrasts that were asked for: one, or one for each of several treatments."""
        return tuple(contrast for contrast in self.contrasts if contrast.role == "primary")

    @property
    def period(self) -> str | None:
        """Dimension of the periods, in which the same users may be seen again; None if there is none."""
        dims = zip(self.dims, self.factors, strict=True)
        return next((dim for dim, factor in dims if factor.role == "period"), None)

    @property
    def at_one_time(self) -> bool:
        """Whether groups are compared at one time, where a value before may be given."""
        return self.question == "comparison"

    @property
    def given_before(self) -> bool:
        """Whether the groups are compared after, given the value before (analysis of covariance)."""
        return self.at_one_time and self.period is not None

    @property
    def compared(self) -> tuple[Factor, ...]:
        """The factors whose levels are set against each other; not the period of a value that is given."""
        return self.factors[:-1] if self.given_before else self.factors

    def resolve(self, observed: Mapping[str, Sequence[Hashable]]) -> Self:
        """Fix every factor's levels, given what stands in the table.

        Parameters
        ----------
        observed
            Distinct values of each factor's column.

        Returns
        -------
        CellTable
            The same question with the levels in order; a `Design` of a design.

        Raises
        ------
        DataError, DesignError
            If the levels are not those of a factor, or nothing says which is the reference, or a label is
            for none of them.

        Examples
        --------
        >>> two = tuple(Factor(column=name, role="factor") for name in "ab")
        >>> table = CellTable(question="interaction", factors=two)
        >>> table.resolve({"a": [True, False], "b": [False, True]}).coords
        {'a': ('False', 'True'), 'b': ('False', 'True')}
        """
        factors, wrong = [], []
        for factor in self.factors:
            try:
                factors.append(factor.resolve(observed[factor.column]))
            except TwoByTwoError as error:
                wrong.append(error)
        if wrong:
            raise type(wrong[0])(*(message for error in wrong for message in error.args))
        levels = [level for factor in factors for level in factor.levels or ()]
        texts = {str(level).casefold() for level in levels}
        for level in (level for factor in self.factors for level, _ in factor.words):
            if str(level).casefold() not in texts:
                listed = ", ".join(map(repr, levels))
                msg = (
                    f"labels= names {level!r}, which is neither a level ({listed}) nor the column of a "
                    f"group, period or experiment.{nearest(level, levels)}"
                )
                raise DesignError(msg)
        return replace(self, factors=tuple(factors))
