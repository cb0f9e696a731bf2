"""The columns that make the table of cells: what they and their levels are called."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from twobytwo.ask.arguments import column_name, one_level
from twobytwo.ask.launch import Launch
from twobytwo.ask.levels import LEVEL_ARGUMENTS, Role, ordered
from twobytwo.ask.shares import Shares, shares_by_level
from twobytwo.errors import DesignError

__all__ = ["Factor", "Role"]

# Names that models and posteriors use themselves; a factor's column of such a name keeps it, but its
# dimension gets another.
_RESERVED_DIMS = frozenset(
    "chain draw sample mean ss sc cross effect effects point points location sigma log_sd log_scale nu n "  # noqa: SIM905
    "value weight origin scale logit_sigma pooled_logit_sigma link column by_column "
    "baseline interaction gap trend did fisher_z once_mean once_ss log_spread pattern patterns side "
    "part node activity association both_active rows active_rows dependence shape_before log_shape "
    "xi threshold sign room tail_odds tail_counts body_mean body_se before_points after_total "
    "single_shift row body users users_data single_sigma single_shape active_data "
    "effects_away body_mean_rough tail_mean "
    "activity_effects activity_origin activity_scale before_points_point before_points_value "
    "before_points_weight log_after log_mean_excess log_tail_odds log_tail_scale logit_dependence "
    "logit_xi n_once_mean n_once_ss node_before node_counts node_total node_users pooled_log_shape "
    "single_log_shape_ratio single_log_sigma_ratio single_points single_points_point "
    "single_points_value single_points_weight stratum boundary log_share log_level stratum_mean "
    "relative_effect log_cv log_cv_top log_cv_seen cv_step cv_z step step_z "
    "step_in_units step_seen step_precision "
    "own_step share_treated stratum_users stratum_mean_seen relative_seen mean_before_seen "
    "mean_before_se mean_before kind heavier_kind kind_weight kind_location kind_sigma kind_log_odds "
    "log_odds log_odds_cell_sd log_apart distance distance_cell_sd kind_log_beyond log_beyond "
    "log_beyond_cell_sd least_sigma whole_unit kind_log_odds_found "
    "log_apart_found kind_log_beyond_found "
    "component kind_of_user kind_correlation kind_distance kind_distance_found kind_fisher_z "
    "kind_fisher_z_found "
    "log_value pair pair_value pair_weight pairs single single_log_odds single_log_odds_found "
    "single_shift_found single_value single_weight singles "
    "point_length before_points_point_length single_points_point_length node_length pair_length "
    "single_length".split()
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
        arguments = LEVEL_ARGUMENTS[self.role]
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

    def actor(self, position: int) -> str:
        """Say who acts where a level is the treatment: its words, or which one of several it is.

        Examples
        --------
        >>> Factor(column="variant", role="group", levels=(0, 1), words=((0, "old feed"),)).actor(1)
        'the treatment'
        """
        label = self.labels[position]
        if label in dict(self.words).values():
            return label
        return f"{self.name} {label}" if len(self.labels) > 2 else "the treatment"

    def if_no_treatment(self, position: int) -> str:
        """Say how to leave a level out of several treatments, with a leading space; of others nothing.

        Examples
        --------
        >>> Factor(column="g", role="group", levels=("a", "b", "Total"), many=True).if_no_treatment(2)
        " If 'Total' is no treatment, take its rows out of the table, and its name out of treatment=."
        """
        levels = self.levels or ()
        if not self.many or len(levels) <= 2 or not position:
            return ""
        return (
            f" If {levels[position]!r} is no treatment, take its rows out of the table, and its name out of "
            "treatment=."
        )

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
        levels = ordered(self.column, self.role, self.levels, observed, many=self.many)
        shares = shares_by_level(self.expected_share, levels, self.column)
        made = replace(self, levels=levels, expected_share=shares, words=self.own_words(levels))
        if len(set(made.labels)) < len(made.labels):
            msg = f"labels= call two levels of column {self.column!r} the same: {made.labels!r}."
            raise DesignError(msg)
        return made

    def completed_by(self, levels: Sequence[Hashable]) -> bool:
        """Say whether these levels, found in a table, are those that are stated, with the others filled in.

        Examples
        --------
        >>> Factor(column="variant", role="group", levels=("old", None)).completed_by(("old", "new"))
        True
        """
        if self.levels is None:
            return True
        if None not in self.levels:
            return self.levels == tuple(levels)
        if len(levels) != len(self.levels) and not self.many:
            return False
        return all(own in (None, level) for own, level in zip(self.levels, levels, strict=False))

    def own_words(self, levels: Sequence[Hashable]) -> tuple[tuple[Hashable, str], ...]:
        """Keep the words that are for these levels, by the level itself."""
        stated = {str(level).casefold(): said for level, said in self.words}
        texts = ((level, str(level).casefold()) for level in levels)
        return tuple((level, stated[text]) for level, text in texts if text in stated)

    def restated(self, stated: Factor) -> Factor:
        """Take what another statement of this factor says beside its levels, which stay."""
        shares = shares_by_level(stated.expected_share, self.levels or (), self.column)
        return replace(self, expected_share=shares)
