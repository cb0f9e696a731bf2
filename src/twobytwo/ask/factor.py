"""The columns that make the table of cells: their levels, and which level is the reference."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from numbers import Real
from typing import Any, Literal

from twobytwo.ask.arguments import column_name, one_level
from twobytwo.ask.launch import Launch
from twobytwo.ask.shares import Shares, shares_by_level
from twobytwo.errors import DataError, DesignError, nearest

__all__ = ["Factor", "Role"]

Role = Literal["group", "period", "factor"]

# Pairs of level names that leave no doubt which comes first, compared without regard to case.
# Alphabetical order is never among the reasons: "post" sorts before "pre".
_UNMISTAKABLE: Mapping[Role, tuple[tuple[Hashable, Hashable], ...]] = {
    "group": ((False, True), (0, 1), ("0", "1"), ("control", "treatment")),
    "factor": ((False, True), (0, 1), ("0", "1"), ("control", "treatment")),
    "period": ((False, True), (0, 1), ("0", "1"), ("pre", "post"), ("before", "after")),
}
# Names of a reference level that cannot be mistaken beside any other name.
_REFERENCES: Mapping[Role, tuple[tuple[str, str], ...]] = {
    "group": (("text", "control"),),
    "factor": (("text", "control"),),
    "period": (("text", "pre"), ("text", "before")),
}
_MOST_ARMS = 20
# Texts whose alphabetical order is that of time: 2024, 2024-05, 2024-05-17, 2024-W20, 2024-Q2, with a time.
_ISO = re.compile(r"\d{4}(-(\d{2}|W\d{2}|Q\d))?(-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?)?")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_LEVEL_ARGUMENTS: Mapping[Role, tuple[str, str]] = {
    "group": ("control", "treatment"),
    "period": ("before", "after"),
    "factor": ("the level without it", "the level with it"),
}
# Names that models and posteriors use themselves; a factor's column of such a name keeps it, but its
# dimension gets another.
_RESERVED_DIMS = frozenset(
    "chain draw sample mean ss sc cross effect effects point points location sigma log_sd log_scale nu n "  # noqa: SIM905
    "value weight origin scale logit_sigma pooled_logit_sigma link column by_column "
    "baseline interaction gap trend did fisher_z once_mean once_ss log_spread pattern patterns side "
    "part node activity association both_active rows active_rows dependence shape_before log_shape "
    "xi threshold sign room tail_odds tail_counts body_mean body_se before_points after_total "
    "single_shift row body users users_data single_sigma single_shape active_data "
    "activity_effects activity_origin activity_scale before_points_point before_points_value "
    "before_points_weight log_after log_mean_excess log_tail_odds log_tail_scale logit_dependence "
    "logit_xi n_once_mean n_once_ss node_before node_counts node_total node_users pooled_log_shape "
    "single_log_shape_ratio single_log_sigma_ratio single_points single_points_point "
    "single_points_value single_points_weight stratum boundary log_share log_level stratum_mean "
    "relative_effect log_cv log_cv_top log_cv_seen cv_step cv_z step step_z "
    "own_step share_treated stratum_users stratum_mean_seen relative_seen mean_before_seen "
    "mean_before_se mean_before kind heavier_kind kind_weight kind_location kind_sigma kind_log_odds "
    "log_odds log_odds_cell_sd log_apart distance distance_cell_sd kind_log_beyond log_beyond "
    "log_beyond_cell_sd least_sigma whole_unit kind_log_odds_found "
    "log_apart_found kind_log_beyond_found "
    "component kind_correlation kind_distance kind_distance_found kind_fisher_z kind_fisher_z_found "
    "log_value pair pair_value pair_weight pairs single single_log_odds single_log_odds_found "
    "single_shift_found single_value single_weight singles".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One of the two columns that make the table of cells.

    Parameters
    ----------
    column
        Name of the column; any text.
    label
        What results call the column; its name if empty.
    role
        ``"group"`` and ``"period"`` for difference-in-differences, ``"factor"`` for an
        experiment's arm in an interaction.
    levels
        The levels as they stand in the column, reference first. None as long as they are to be
        taken from the data; a None inside stands for "the other one", or "the others".
    many
        Whether there may be more than two levels, each compared with the first.
    expected_share
        What share of the users each level was meant to get; None if nobody said. See
        `twobytwo.ask.shares`.
    words
        What results call a level, as pairs of level and words; a level without words is called by its text.
    launch
        The day that makes the periods of a column of dates; None where the column holds the periods.

    Examples
    --------
    >>> Factor(column="variant", role="group", levels=(0, 1)).labels
    ('0', '1')
    """

    column: str
    role: Role
    label: str = ""
    levels: tuple[Hashable, ...] | None = None
    many: bool = False
    expected_share: Shares | None = None
    words: tuple[tuple[Hashable, str], ...] = ()
    launch: Launch | None = None

    def __post_init__(self) -> None:
        column_name(self.role, self.column)
        arguments = _LEVEL_ARGUMENTS[self.role]
        for position, given in enumerate(self.levels or ()):
            one_level(arguments[min(position, 1)], given)

    @property
    def name(self) -> str:
        """What results call the column."""
        return self.label or self.column

    @property
    def dim(self) -> str:
        """Name of the factor's dimension in every labelled array."""
        name = self.column.replace("/", "_")
        # The statistics of a column of values are named by its number: sample_mean_0, sample_mean_1.
        taken = (
            name in _RESERVED_DIMS
            or name.startswith("sample_")
            or name.endswith(("_prior_mean", "_prior_sd", "_data", "_sd"))
        )
        return f"{name}_" if taken else name

    @property
    def labels(self) -> tuple[str, ...]:
        """What results call the levels, reference first.

        Examples
        --------
        >>> Factor(column="variant", role="group", levels=(0, 1), words=((1, "new feed"),)).labels
        ('0', 'new feed')
        """
        if self.levels is None:
            msg = f"The levels of {self.column!r} are not resolved yet."
            raise DesignError(msg)
        # Keys of plan files are text.
        words = {str(level).casefold(): said for level, said in self.words}
        return tuple(words.get(str(level).casefold(), str(level)) for level in self.levels)

    def agent(self, position: int) -> str:
        """Say who acts where a level is the treatment: its words if it has any, or column and text."""
        label = self.labels[position]
        return label if label in dict(self.words).values() else f"{self.name} {label}"

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
        if self.many and (len(observed) > 2 or len(self.levels or ()) > 2):
            return self._with(_arms(self, observed))
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
            return self._with(_direction(self, observed))
        found = self._with(_named_levels(self, observed))
        _refuse_backwards(found)
        return found

    def _with(self, levels: tuple[Hashable, ...]) -> Factor:
        shares = shares_by_level(self.expected_share, levels, self.column)
        made = replace(self, levels=levels, expected_share=shares, words=self.own_words(levels))
        if len(set(made.labels)) < len(made.labels):
            msg = f"labels= call two levels of column {self.column!r} the same: {made.labels!r}."
            raise DesignError(msg)
        return made

    def own_words(self, levels: Sequence[Hashable]) -> tuple[tuple[Hashable, str], ...]:
        """Keep the words that are for these levels, by the level itself."""
        stated = {str(level).casefold(): said for level, said in self.words}
        texts = ((level, str(level).casefold()) for level in levels)
        return tuple((level, stated[text]) for level, text in texts if text in stated)

    def restated(self, stated: Factor) -> Factor:
        """Take what another statement of this factor says beside its levels, which stay."""
        shares = shares_by_level(stated.expected_share, self.levels or (), self.column)
        return replace(self, expected_share=shares)


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


def _refuse_backwards(factor: Factor) -> None:
    """Refuse a period that is said to come before another one when both say themselves that it does not."""
    if factor.role != "period" or not factor.levels:
        return
    first, second = factor.levels
    names = [tuple(_fold(level) for level in pair) for pair in _UNMISTAKABLE["period"]]
    known = (_fold(second), _fold(first)) in names
    moments = _moment(first), _moment(second)
    same_kind = moments[0] is not None and moments[1] is not None and moments[0][0] == moments[1][0]
    if known or (same_kind and moments[0] > moments[1]):  # type: ignore[operator]
        msg = (
            f"before={first!r} is later than after={second!r} in column {factor.column!r}, so every change "
            "would have the wrong sign; exchange the two. If the labels mislead, rename them first."
        )
        raise DesignError(msg)


def _moment(level: Hashable) -> tuple[str, Any] | None:
    """Say where a level stands in time, in an order that it shares with others; None if it does not say.

    Numbers, dates and times are in order, and so are texts that are written like one ISO date or number.
    """
    if isinstance(level, str):
        written = level.strip()
        shape = re.sub(r"[0-9]", "0", written)
        if _ISO.fullmatch(written):
            return (shape, written)
        return ("number", float(written)) if _NUMBER.fullmatch(written) else None
    if isinstance(level, Real) and not isinstance(level, bool):
        return ("number", float(level))
    return (type(level).__name__, level) if isinstance(level, date) else None


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
    # One name that cannot be mistaken says what the other is, as in control and variant_b.
    known = [level for level in observed if _fold(level) in _REFERENCES[factor.role]]
    if len(known) == 1:
        return (known[0], *(level for level in observed if level != known[0]))
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


def _arms(factor: Factor, observed: Sequence[Hashable]) -> tuple[Hashable, ...]:
    """Put the control level first; each of the others is compared with it, so their order says nothing."""
    if len(observed) > _MOST_ARMS:
        msg = (
            f"Column {factor.column!r} has {len(observed)} levels; at most {_MOST_ARMS} groups are compared. "
            "Is it the column of the group?"
        )
        raise DataError(msg)
    own = {level: level for level in observed}
    stated = [level for level in factor.levels or () if level is not None]
    for level in stated:
        if level not in own:
            msg = f"{level!r} is not a level of column {factor.column!r}.{nearest(str(level), observed)}"
            raise DesignError(msg)
    if len(set(stated)) < len(stated):
        msg = f"Column {factor.column!r}: a level is named twice among {stated!r}."
        raise DesignError(msg)
    control = (factor.levels or (None,))[0]
    if control is None:
        controls = {_fold(pair[0]) for pair in _UNMISTAKABLE["group"]}
        found = [level for level in observed if _fold(level) in controls and level not in stated]
        if len(found) != 1:
            listed = ", ".join(repr(level) for level in observed)
            msg = f"Column {factor.column!r} has the levels {listed}; say which is the control with control=."
            raise DesignError(msg)
        control = found[0]
    named = [own[level] for level in stated if level != control]
    others = sorted((level for level in observed if level != control and level not in named), key=str)
    if named and others:
        msg = (
            f"Column {factor.column!r} has further levels ({', '.join(map(repr, others))}); name them in "
            "treatment= too, or leave their rows out."
        )
        raise DesignError(msg)
    return (own[control], *(named or others))


def _fold(level: Hashable) -> tuple[str, Hashable]:
    if isinstance(level, str):
        return ("text", level.casefold())
    if isinstance(level, bool):
        return ("boolean", level)
    if isinstance(level, int | float):
        return ("number", float(level))
    return ("other", level)
