"""The question: outcome, factors and their direction, unit, harm, and the table's fitness for it.

Nothing here reads data. A `Design` says what was asked; `Design.resolve` fixes which level is the
reference once the levels in the table are known; `validate` compares a table's `Profile` with it.
"""

from __future__ import annotations

import math
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Literal, Self, get_args

from twobytwo.errors import DataError, DesignError, nearest

__all__ = ["CellProfile", "Design", "Factor", "Formula", "Profile", "parse_formula", "validate"]

Question = Literal["did", "interaction"]
Harm = Literal["decrease", "increase"]
Role = Literal["group", "period", "factor"]
Missing = Literal["zero", "drop", "available"]
Aggregate = Literal["sum"]

# Pairs of level names that leave no doubt which comes first, compared without regard to case.
# Alphabetical order is never among the reasons: "post" sorts before "pre".
_UNMISTAKABLE: Mapping[Role, tuple[tuple[Hashable, Hashable], ...]] = {
    "group": ((False, True), (0, 1), ("0", "1"), ("control", "treatment")),
    "factor": ((False, True), (0, 1), ("0", "1"), ("control", "treatment")),
    "period": ((False, True), (0, 1), ("0", "1"), ("pre", "post"), ("before", "after")),
}
_LEVEL_ARGUMENTS: Mapping[Role, tuple[str, str]] = {
    "group": ("control", "treatment"),
    "period": ("before", "after"),
    "factor": ("the level without it", "the level with it"),
}
# Names that models and posteriors use themselves; a factor's column of such a name keeps it, but its
# dimension gets another.
_RESERVED_DIMS = frozenset(
    "chain draw sample mean ss sc sp effect effects point points location sigma log_sd log_scale nu n "  # noqa: SIM905
    "value weight origin scale mean_data ss_data sample_mean sample_ss logit_sigma pooled_logit_sigma "
    "seen baseline interaction gap trend did fisher_z once_mean once_ss log_spread pattern patterns side "
    "part node activity association both_active rows active_rows dependence shape_before log_shape "
    "xi threshold sign room tail_odds tail_counts body_mean body_se before_points after_total "
    "single_shift row body users users_data single_sigma single_shape active_data "
    "activity_effects activity_origin activity_scale before_points_point before_points_value "
    "before_points_weight log_after log_mean_excess log_tail_odds log_tail_scale logit_dependence "
    "logit_xi n_once_mean n_once_ss node_before node_counts node_total node_users pair_mean_after "
    "pair_mean_before pair_residual_ss pair_slope pair_ss_before pooled_log_shape sample_once_mean "
    "sample_once_ss single_log_shape_ratio single_log_sigma_ratio single_points single_points_point "
    "single_points_value single_points_weight".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One of the two columns that make the table of cells.

    Parameters
    ----------
    column
        Name of the column; any text.
    role
        ``"group"`` and ``"period"`` for difference-in-differences, ``"factor"`` for an
        experiment's arm in an interaction.
    levels
        The levels as they stand in the column, reference first. None as long as they are to be
        taken from the data; a None inside stands for "the other one".

    Examples
    --------
    >>> Factor(column="variant", role="group", levels=(0, 1)).labels
    ('0', '1')
    """

    column: str
    role: Role
    levels: tuple[Hashable, ...] | None = None

    @property
    def dim(self) -> str:
        """Name of the factor's dimension in every labelled array."""
        name = self.column.replace("/", "_")
        taken = name in _RESERVED_DIMS or name.endswith(("_prior_mean", "_prior_sd", "_data", "_sd"))
        return f"{name}_" if taken else name

    @property
    def labels(self) -> tuple[str, ...]:
        """Level names as text, reference first."""
        if self.levels is None:
            msg = f"The levels of {self.column!r} are not resolved yet."
            raise DesignError(msg)
        return tuple(str(level) for level in self.levels)

    def resolve(self, observed: Sequence[Hashable]) -> Factor:
        """Fix the reference level, given the levels in the table.

        Parameters
        ----------
        observed
            Distinct values of the column.

        Returns
        -------
        Factor
            The same factor with its levels in order.

        Raises
        ------
        DataError
            If the column does not have exactly two clearly different levels.
        DesignError
            If nothing says which of the two is the reference.

        Examples
        --------
        >>> Factor(column="period", role="period").resolve(["post", "pre"]).levels
        ('pre', 'post')
        """
        _refuse_twins(self.column, observed)
        shown = ", ".join(sorted(repr(level) for level in observed[:6]))
        if len(observed) != 2:
            fix = (
                "Both groups of rows are needed for a comparison."
                if len(observed) < 2
                else "Keep the rows of the two levels to compare, or recode the column."
            )
            more = ", ..." if len(observed) > 6 else ""
            msg = (
                f"Column {self.column!r} has {len(observed)} level(s) ({shown}{more}); "
                f"exactly 2 are needed. {fix}"
            )
            raise DataError(msg)
        if self.levels is None:
            return replace(self, levels=_direction(self, observed))
        return replace(self, levels=_named_levels(self, observed))


def _refuse_twins(column: str, observed: Sequence[Hashable]) -> None:
    """Levels that differ only by case, white space or Unicode form are an accident, not a level."""
    texts = [level for level in observed if isinstance(level, str)]
    folded = Counter(unicodedata.normalize("NFKC", text).strip().casefold() for text in texts)
    for twin, count in folded.items():
        if count > 1:
            same = [
                f"{text!r} ({' '.join(f'U+{ord(letter):04X}' for letter in text)})"
                for text in texts
                if unicodedata.normalize("NFKC", text).strip().casefold() == twin
            ]
            msg = (
                f"Column {column!r} has {count} levels that look alike: {', '.join(same)}. "
                "They are not merged silently; clean the column first."
            )
            raise DataError(msg)


def _direction(factor: Factor, observed: Sequence[Hashable]) -> tuple[Hashable, ...]:
    folded = {_fold(level): level for level in observed}
    for pair in _UNMISTAKABLE[factor.role]:
        if set(folded) == {_fold(level) for level in pair}:
            return tuple(folded[_fold(level)] for level in pair)
    if set(folded) in ({("number", 1.0), ("number", 2.0)}, {("text", "1"), ("text", "2")}):
        low, high = sorted(observed, key=str)
        message = f"Column {factor.column!r} is coded 1/2: read as {low!r} = reference, {high!r}."
        warnings.warn(message, UserWarning, stacklevel=2)
        return (low, high)
    first, second = _LEVEL_ARGUMENTS[factor.role]
    how = (
        f"levels={{{factor.column!r}: ({observed[0]!r}, {observed[1]!r})}} (reference first)"
        if factor.role == "factor"
        else f"{first}={observed[0]!r}, {second}={observed[1]!r} (or the other way round)"
    )
    msg = (
        f"The direction of column {factor.column!r} is unknown: its levels are "
        f"{observed[0]!r} and {observed[1]!r}, and names decide only when they cannot be mistaken "
        f"(booleans, 0/1, control/treatment, pre/post, before/after). Say {how}."
    )
    raise DesignError(msg)


def _named_levels(factor: Factor, observed: Sequence[Hashable]) -> tuple[Hashable, ...]:
    wanted = factor.levels or ()
    arguments = _LEVEL_ARGUMENTS[factor.role]
    for argument, level in zip(arguments, wanted, strict=True):
        if level is not None and level not in observed:
            msg = (
                f"{argument}={level!r} is not a level of column {factor.column!r}, which has "
                f"{observed[0]!r} and {observed[1]!r}.{nearest(str(level), observed)}"
            )
            raise DesignError(msg)
    if wanted[0] is not None and wanted[0] == wanted[1]:
        msg = f"Column {factor.column!r}: {arguments[0]} and {arguments[1]} are both {wanted[0]!r}."
        raise DesignError(msg)
    # The data's own spelling of the level is kept (1 and True are equal but print differently).
    own = {level: level for level in observed}
    given = [own[level] for level in wanted if level is not None]
    other = next((level for level in observed if level not in given), None)
    return tuple(own[level] if level is not None else other for level in wanted)


def _fold(level: Hashable) -> tuple[str, Hashable]:
    if isinstance(level, str):
        return ("text", level.casefold())
    if isinstance(level, bool):
        return ("boolean", level)
    if isinstance(level, int | float):
        return ("number", float(level))
    return ("other", level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What is asked of a table, independent of any data.

    Parameters
    ----------
    question
        ``"did"`` (did the treated group change more?) or ``"interaction"`` (do two experiments
        help or cannibalise each other?).
    outcome
        Column of the metric.
    factors
        Group and period, or the two experiments.
    unit
        Column that identifies the user; None for repeated cross-sections.
    missing
        What a user seen in one period only means: ``"zero"``, ``"drop"`` or ``"available"``.
    agg
        ``"sum"`` adds several rows of a user (and period), such as days.
    wide
        Columns of the outcome before and after, where a row is a user.
    randomised
        Whether the groups were drawn at random, so that they are alike before; see `Priors`.
    harm
        Which direction of the metric is bad.
    margin
        Smallest harm that matters, in units of the outcome, at least 0; None if not stated.
    measure
        Unit of the outcome for sentences and axes, such as ``"minutes"``.
    upper_bound
        Largest value that is possible, such as 1,440 minutes times the days; values above are refused, and
        families with tails use it.
    cap
        What larger values count as; the mean then is the mean of ``min(Y, cap)``, and is called so.
    without_top
        Share of users (of rows, without `unit`) with the largest values to leave out, to see how much the
        answer is theirs.

    Raises
    ------
    DesignError
        At construction, if an argument is not allowed.

    Examples
    --------
    >>> design = Design.did(outcome="minutes", group="variant", period="period", margin=5)
    >>> design.resolve({"variant": [1, 0], "period": ["post", "pre"]}).factors[1].levels
    ('pre', 'post')
    """

    question: Question
    outcome: str
    factors: tuple[Factor, ...]
    unit: str | None = None
    missing: Missing | None = None
    agg: Aggregate | None = None
    wide: tuple[str, str] | None = None
    randomised: bool = False
    harm: Harm = "decrease"
    margin: float | None = None
    measure: str = ""
    upper_bound: float | None = None
    cap: float | None = None
    without_top: float = 0.0

    def __post_init__(self) -> None:
        for argument, value, allowed in (
            ("question", self.question, get_args(Question)),
            ("harm", self.harm, get_args(Harm)),
            ("missing", self.missing, (None, *get_args(Missing))),
            ("agg", self.agg, (None, *get_args(Aggregate))),
        ):
            if value not in allowed:
                msg = f"{argument}={value!r} is not allowed; use one of {', '.join(map(repr, allowed))}."
                raise DesignError(msg)
        # Not `< 0`, so that NaN is refused too.
        if self.margin is not None and not (isinstance(self.margin, Real) and 0 <= self.margin < math.inf):
            msg = (
                f"margin={self.margin!r} must be at least 0 and finite: a size in units of the outcome; "
                "`harm` says the direction."
            )
            raise DesignError(msg)
        for argument, limit in (("upper_bound", self.upper_bound), ("cap", self.cap)):
            if limit is not None and not (isinstance(limit, Real) and 0 < limit < math.inf):
                msg = f"{argument}={limit!r} must be positive and finite, in units of the outcome."
                raise DesignError(msg)
        if not (isinstance(self.without_top, Real) and 0 <= self.without_top <= 0.1):
            msg = f"without_top={self.without_top!r} must be a share between 0 and 0.1, such as 0.001."
            raise DesignError(msg)
        if self.unit is None and (self.missing or self.agg or self.wide):
            msg = "missing=, agg= and the wide form speak of users; name their column with unit=."
            raise DesignError(msg)
        roles = Counter(column for column in self.columns)
        twice = [column for column, count in roles.items() if count > 1]
        if twice:
            msg = f"Column {twice[0]!r} is used in two roles; outcome, factors and unit must differ."
            raise DesignError(msg)

    @classmethod
    def did(  # noqa: PLR0913 - one keyword per column and level, as a reader would say it
        cls,
        *,
        outcome: str,
        group: str,
        period: str,
        control: Hashable = None,
        treatment: Hashable = None,
        before: Hashable = None,
        after: Hashable = None,
        unit: str | None = None,
        missing: Missing | None = None,
        agg: Aggregate | None = None,
        randomised: bool = False,
        harm: Harm = "decrease",
        margin: float | None = None,
        measure: str = "",
        upper_bound: float | None = None,
        cap: float | None = None,
    ) -> Self:
        """State a difference-in-differences question; see `twobytwo.did` for the arguments.

        Examples
        --------
        >>> Design.did(outcome="y", group="g", period="t").question
        'did'
        """
        return cls(
            question="did",
            outcome=outcome,
            factors=(
                Factor(column=group, role="group", levels=_given(control, treatment)),
                Factor(column=period, role="period", levels=_given(before, after)),
            ),
            unit=unit,
            missing=missing,
            agg=agg,
            randomised=randomised,
            harm=harm,
            margin=margin,
            measure=measure,
            upper_bound=upper_bound,
            cap=cap,
        )

    @classmethod
    def did_wide(  # noqa: PLR0913 - one keyword per column and level, as a reader would say it
        cls,
        *,
        before_column: str,
        after_column: str,
        group: str,
        unit: str,
        outcome: str | None = None,
        control: Hashable = None,
        treatment: Hashable = None,
        missing: Missing | None = None,
        randomised: bool = False,
        harm: Harm = "decrease",
        margin: float | None = None,
        measure: str = "",
        upper_bound: float | None = None,
        cap: float | None = None,
    ) -> Self:
        """State a difference-in-differences question of a table with one row a user.

        A missing value in one of the two columns is a user not seen in that period. `outcome` is what
        results call the metric; see `twobytwo.did` for the other arguments.

        Examples
        --------
        >>> Design.did_wide(before_column="pre", after_column="post", group="g", unit="id").wide
        ('pre', 'post')
        """
        return cls(
            question="did",
            outcome=outcome or after_column,
            factors=(
                Factor(column=group, role="group", levels=_given(control, treatment)),
                Factor(
                    column=_free("period", group, unit, outcome or after_column),
                    role="period",
                    levels=("before", "after"),
                ),
            ),
            unit=unit,
            missing=missing,
            wide=(before_column, after_column),
            randomised=randomised,
            harm=harm,
            margin=margin,
            measure=measure,
            upper_bound=upper_bound,
            cap=cap,
        )

    @classmethod
    def interaction(  # noqa: PLR0913 - one keyword per column and level, as a reader would say it
        cls,
        *,
        outcome: str,
        factors: Sequence[str],
        levels: Mapping[str, tuple[Hashable, Hashable]] | None = None,
        unit: str | None = None,
        agg: Aggregate | None = None,
        harm: Harm = "decrease",
        margin: float | None = None,
        measure: str = "",
        upper_bound: float | None = None,
        cap: float | None = None,
    ) -> Self:
        """State a two-factor interaction question; see `twobytwo.interaction`.

        Examples
        --------
        >>> Design.interaction(outcome="y", factors=("a", "b")).factors[1].column
        'b'
        """
        if isinstance(factors, str) or not isinstance(factors, Sequence) or len(factors) != 2:
            msg = f"factors={factors!r} must name two columns, one for each experiment."
            raise DesignError(msg)
        levels = levels or {}
        strangers = set(levels) - set(factors)
        if strangers:
            msg = f"levels= names {sorted(strangers)!r}, which are not among factors={factors!r}."
            raise DesignError(msg)
        for column, pair in levels.items():
            if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
                msg = f"levels= gives {pair!r} for {column!r}; two levels are needed: (without it, with it)."
                raise DesignError(msg)
        return cls(
            question="interaction",
            outcome=outcome,
            factors=tuple(
                Factor(column=column, role="factor", levels=_given(*levels.get(column, (None, None))))
                for column in factors
            ),
            unit=unit,
            agg=agg,
            harm=harm,
            margin=margin,
            measure=measure,
            upper_bound=upper_bound,
            cap=cap,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read: outcome, factors, unit."""
        if self.wide is not None:
            return (*self.wide, self.factors[0].column, str(self.unit))
        factors = tuple(factor.column for factor in self.factors)
        return (self.outcome, *factors, *([self.unit] if self.unit is not None else []))

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
    def harm_sign(self) -> int:
        """Sign of a harmful change of the metric: -1 for a decrease, +1 for an increase."""
        return -1 if self.harm == "decrease" else 1

    def resolve(self, observed: Mapping[str, Sequence[Hashable]]) -> Self:
        """Fix every factor's levels, given what stands in the table.

        Parameters
        ----------
        observed
            Distinct values of each factor's column.

        Returns
        -------
        Design
            The same question with the levels in order.

        Examples
        --------
        >>> design = Design.interaction(outcome="y", factors=("a", "b"))
        >>> design.resolve({"a": [True, False], "b": [False, True]}).coords
        {'a': ('False', 'True'), 'b': ('False', 'True')}
        """
        factors = tuple(factor.resolve(observed[factor.column]) for factor in self.factors)
        return replace(self, factors=factors)


def _free(name: str, *taken: str) -> str:
    """Give a column name that SQL does not take for one of the others."""
    while name in {other.casefold() for other in taken}:
        name += "_"
    return name


def _given(first: Hashable, second: Hashable) -> tuple[Hashable, Hashable] | None:
    return None if first is None and second is None else (first, second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula's outcome and its two factors, in the order in which they are written."""

    outcome: str
    factors: tuple[str, str]


_ENCODED = re.compile(r"C\(\s*`?([^,()`]+?)`?\s*\)")


def parse_formula(formula: str) -> Formula:
    """Read the formula spelling of a 2×2 analysis.

    ``a * b``, ``a + b + a:b`` and ``a + b + a * b`` are one and the same analysis. Column names
    that are not plain words go between backticks; ``C(a)`` is read as ``a``.

    Parameters
    ----------
    formula
        For example ``"minutes ~ group * period"``.

    Returns
    -------
    Formula
        The outcome and the two factors.

    Raises
    ------
    DesignError
        For a transformed outcome, for ``a:b`` without its main effects, and for anything that is
        not the saturated model of two factors.

    Examples
    --------
    >>> parse_formula("minutes ~ group + period + group:period").factors
    ('group', 'period')
    """
    # Imported here, because only this spelling needs it.
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser

    shape = f"formula={formula!r} needs one outcome and two factors: write it as 'outcome ~ a * b'."
    if not isinstance(formula, str) or formula.count("~") != 1 or "|" in formula:
        raise DesignError(shape)
    try:
        terms = DefaultFormulaParser(include_intercept=True).get_terms(formula)
    except FormulaicError as error:
        # formulaic paints the place of the error for a terminal.
        plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
        msg = f"formula={formula!r} cannot be read: {' '.join(plain.split())}"
        raise DesignError(msg) from error
    if len(getattr(terms, "lhs", ())) != 1:
        raise DesignError(shape)

    (outcome,) = terms.lhs
    if len(outcome.factors) != 1 or outcome.factors[0].eval_method.value != "lookup":
        msg = (
            f"formula={formula!r} transforms the outcome ({outcome}). An effect on a transformed "
            "outcome is not an effect on its mean; leave the outcome as it is and choose a family, "
            'such as family="lognormal".'
        )
        raise DesignError(msg)

    found = [frozenset(_column(formula, factor) for factor in term.factors) for term in terms.rhs]
    main = [next(iter(term)) for term in found if len(term) == 1 and term != {"1"}]
    pairs = [term for term in found if len(term) == 2]
    if len(pairs) == 1 and not pairs[0] <= set(main):
        a, b = sorted(pairs[0])
        msg = (
            f"formula={formula!r} has {a}:{b} without both main effects. Its coefficient is not the "
            f"interaction contrast (it compares one cell with the other three); write {a} * {b}."
        )
        raise DesignError(msg)
    if len(pairs) != 1 or len(found) != 4 or {"1"} not in found:
        msg = (
            f"formula={formula!r} is not the 2×2 model of two factors with intercept; "
            "write 'outcome ~ a * b'."
        )
        raise DesignError(msg)
    return Formula(outcome=outcome.factors[0].expr, factors=(main[0], main[1]))


def _column(formula: str, factor: object) -> str:
    expression = str(getattr(factor, "expr", factor))
    if getattr(factor, "eval_method").value != "python":  # noqa: B009 - formulaic is untyped here
        return expression
    encoded = _ENCODED.fullmatch(expression)
    if encoded is None:
        msg = f"formula={formula!r}: {expression!r} is not a column; make it one before the analysis."
        raise DesignError(msg)
    return encoded[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellProfile:
    """What one combination of levels holds: row counts by kind of value.

    ``levels`` has one raw value per factor; None stands for a missing level.
    """

    levels: tuple[Hashable, ...]
    rows: int
    missing: int
    infinite: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A table seen from above, before anything is compressed."""

    cells: tuple[CellProfile, ...]

    @property
    def rows(self) -> int:
        """Number of rows in the table."""
        return sum(cell.rows for cell in self.cells)

    def levels(self, position: int) -> list[Hashable]:
        """Distinct levels of one factor, in order of first appearance, missing ones left out."""
        seen = (cell.levels[position] for cell in self.cells)
        return list(dict.fromkeys(level for level in seen if level is not None))


def validate(design: Design, profile: Profile) -> Design:
    """Resolve a design against a table's profile and refuse tables that cannot answer.

    Parameters
    ----------
    design
        The question.
    profile
        Row counts by cell.

    Returns
    -------
    Design
        The design with its levels resolved.

    Raises
    ------
    DataError
        Naming column, count and fix: too few rows, missing or infinite outcomes, missing factor
        levels, a number of levels other than two, an empty or single-row cell, a constant outcome.
    DesignError
        If the direction of the levels is unknown.

    Examples
    --------
    >>> cells = [
    ...     CellProfile(levels=(a, b), rows=9, missing=0, infinite=0, low=0.0, high=1.0 + a)
    ...     for a in (0, 1)
    ...     for b in (0, 1)
    ... ]
    >>> design = Design.interaction(outcome="y", factors=("a", "b"))
    >>> validate(design, Profile(cells=tuple(cells))).factors[0].levels
    (0, 1)
    """
    if profile.rows < 2:
        msg = f"The table has {profile.rows} row(s); each of the four cells needs at least 2."
        raise DataError(msg)
    _refuse_unusable_values(design, profile)
    resolved = design.resolve({factor.column: profile.levels(k) for k, factor in enumerate(design.factors)})
    _refuse_thin_cells(resolved, profile)
    return resolved


def _refuse_unusable_values(design: Design, profile: Profile) -> None:
    for position, factor in enumerate(design.factors):
        absent = sum(cell.rows for cell in profile.cells if cell.levels[position] is None)
        if absent:
            msg = (
                f"Column {factor.column!r} is missing in {absent:,} of {profile.rows:,} rows. "
                "Drop these rows or say which level they belong to."
            )
            raise DataError(msg)
    for kind, count, fix in (
        (
            "missing (NaN or null)",
            sum(cell.missing for cell in profile.cells),
            "A missing value may mean zero, or a user who left: fill with 0 or drop, knowingly.",
        ),
        (
            "infinite",
            sum(cell.infinite for cell in profile.cells),
            "Find the division or overflow that made them.",
        ),
    ):
        if count:
            msg = f"Column {design.outcome!r} is {kind} in {count:,} of {profile.rows:,} rows. {fix}"
            raise DataError(msg)


def _refuse_thin_cells(design: Design, profile: Profile) -> None:
    first, second = design.factors
    by_levels = {cell.levels: cell for cell in profile.cells}
    for a in first.levels or ():
        for b in second.levels or ():
            cell = by_levels.get((a, b))
            rows = cell.rows if cell else 0
            # With users, cells are made of totals and of policies; `compress` looks at those.
            if rows < 2 and design.unit is None:
                msg = (
                    f"The cell {first.column!r} = {a!r}, {second.column!r} = {b!r} has {rows} "
                    f"row(s); each of the four cells needs at least 2 to know its spread."
                )
                raise DataError(msg)
    if design.unit is not None:
        return
    lows = [cell.low for cell in profile.cells]
    highs = [cell.high for cell in profile.cells]
    if len({*lows, *highs}) == 1:
        msg = (
            f"Column {design.outcome!r} is constant ({lows[0]!r} in all {profile.rows:,} rows); "
            "there is nothing to compare. Check the join or the filter that made it."
        )
        raise DataError(msg)
    for cell in profile.cells:
        if cell.low == cell.high:
            msg = (
                f"Column {design.outcome!r} is constant ({cell.low!r}) in the cell "
                f"{first.column!r} = {cell.levels[0]!r}, {second.column!r} = {cell.levels[1]!r} "
                f"({cell.rows:,} rows); its spread cannot be known. Check the filter that made it."
            )
            raise DataError(msg)
