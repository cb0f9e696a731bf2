"""A scorecard that is stated before it is made: ``[[metric]]`` tables and a launch rule in a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twobytwo.answer.forms import QUESTIONS
from twobytwo.answer.keys import METRIC, MisstatedError, Named, card_layout, in_file
from twobytwo.answer.plan_parts import priors_of, probability, question_of, table_of
from twobytwo.answer.read_keys import read_keys, refuse_unknown, unknown
from twobytwo.answer.scoring import Scoring, design_for
from twobytwo.ask.lines import lines_of
from twobytwo.errors import Complaints, DesignError, PlanError

if TYPE_CHECKING:
    from twobytwo.answer.card import Scorecard
    from twobytwo.data.sums import Several

__all__ = ["NEEDED", "ScorecardPlan", "card_in_shell", "check_card", "planned_card", "run_card"]

# What a decision is about is stated of every metric that decides.
_DECIDING = ("primary", "guardrail")
_DECIDED = ("harm", "margin")
# Keys of [design] without which a question cannot be asked.
NEEDED = {"did": ("group", "period"), "interaction": ("factors",), "comparison": ("group",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardPlan:
    """Which metrics of which data will be read, and when to launch.

    Parameters
    ----------
    path, sha256
        The file and its fingerprint; no fingerprint if there is no file.
    title
        What a reader calls the scorecard.
    source
        Path or glob to Parquet or CSV files, relative to the plan's folder, or ``simulate:NAME``.
    asked
        Design, metrics, rule, and how they are answered.
    """

    path: Path
    sha256: str
    title: str
    source: str
    asked: Scoring


def planned_card(
    stated: Mapping[str, Any],
    path: Path,
    sha256: str,
    named: Named = in_file,
    *,
    complete: bool = True,
) -> ScorecardPlan:
    """Take what a file states as the plan of a scorecard.

    Parameters
    ----------
    stated
        The whole plan.
    path, sha256
        Of the file.
    named
        Gives a table's key the name that messages use.
    complete
        Whether harm and margin of every metric that decides, and the rule, must be there, as in a file.

    Raises
    ------
    MisstatedError, DesignError
        For everything that is missing, unknown, of the wrong type, or does not go together.
    """
    question = question_of(stated, QUESTIONS)
    layout = card_layout(question)
    tables = _tables(stated["metric"])
    others = {name: value for name, value in stated.items() if name != "metric"}
    wrong = Complaints()
    with wrong.noting(MisstatedError):
        refuse_unknown(others, layout, named)
    others = {name: value for name, value in others.items() if name not in layout or isinstance(value, dict)}
    needed: Mapping[str, Sequence[str]] = {
        "": ("title",),
        "data": ("source",),
        "design": NEEDED[question],
        "decision": _rule_needed(tables) if complete and question != "interaction" else (),
        "model": (),
        "sampler": (),
    }
    read: dict[str, dict[str, Any]] = {}
    for where, keys in needed.items():
        with wrong.noting(MisstatedError):
            read[where] = read_keys(others, where, layout[where], named, required=keys)
    metrics = [_metric(table, k, layout, named, wrong, complete=complete) for k, table in enumerate(tables)]
    wrong.tell(MisstatedError)
    lines, decision = lines_of(metrics), read["decision"]
    if question == "interaction" and "launch_if" in decision:
        msg = (
            f"{named('decision', 'launch_if')} is about one change; an interaction does not say whether to "
            "launch. Leave it out, or ask about each experiment with group."
        )
        raise MisstatedError(msg)
    if complete and "launch_if" in decision and not any(line.role in _DECIDING for line in lines):
        msg = f"{named('decision', 'launch_if')} is there, but no metric has a role that decides."
        raise MisstatedError(msg)
    asked = Scoring.stated(
        design_for(lines[0].metric, **read["design"]),
        lines,
        decision.get("launch_if", 0.9),
        shrink=decision.get("shrink"),
        priors=priors_of(read["model"].get("priors", "default"), named),
        **{key: probability(key, decision, named) for key in ("ci_prob", "max_probability")},
        **read["sampler"],
    )
    return ScorecardPlan(
        path=path,
        sha256=sha256,
        title=read[""]["title"],
        source=read["data"]["source"],
        asked=asked,
    )


def card_in_shell(
    stated: Mapping[str, Mapping[str, Any]],
    metrics: Sequence[Mapping[str, Any]],
    source: str,
    named: Named,
) -> ScorecardPlan:
    """Take a scorecard from the shell as a plan that was not written to a file.

    Parameters
    ----------
    stated
        Tables of keys, as for a plan; the design's keys say which question it is.
    metrics
        The keys of each metric.
    source
        Path or glob to Parquet or CSV files, relative to the working directory, or ``simulate:NAME``.
    named
        Gives a table's key the name that messages use.

    Raises
    ------
    PlanError
        As `twobytwo.answer.plan.read_plan`.

    Examples
    --------
    >>> metrics = [{"column": "minutes"}]
    >>> card_in_shell({"design": {"group": "arm"}}, metrics, "rows.csv", lambda _, key: f"--{key}").source
    'rows.csv'
    """
    design = stated.get("design", {})
    question = "interaction" if "factors" in design else "did" if "period" in design else "comparison"
    whole = {"title": "scorecard", "question": question, "data": {"source": source}, **stated}
    try:
        return planned_card({**whole, "metric": metrics}, Path("shell"), "", named, complete=False)
    except (MisstatedError, DesignError) as error:
        raise PlanError(str(error)) from error


def check_card(plan: ScorecardPlan) -> Several:
    """Hold the data against the plan, as `run_card` does before it decides.

    Raises
    ------
    DataError, DesignError, PlanError
        As `run_card`.
    """
    from twobytwo.answer.scorecard import read_lines
    from twobytwo.infer.estimates import estimates

    several = read_lines(table_of(plan), plan.asked)
    # What a metric's kind cannot have is refused where contrasts are made.
    estimates(several, plan.asked.lines)
    return several


def run_card(plan: ScorecardPlan) -> Scorecard:
    """Answer as planned.

    Raises
    ------
    DataError, DesignError
        As `twobytwo.scorecard`.
    PlanError
        If there is no simulated table of that name.
    """
    # Loads what computes, which reading a plan should not cost.
    from twobytwo.answer.scorecard import score

    return score(table_of(plan), plan.asked)


def _tables(stated: object) -> list[dict[str, Any]]:
    """Give the tables of the metrics, or refuse what is no list of tables."""
    listed = isinstance(stated, list | tuple) and stated
    if not listed or not all(isinstance(each, dict) for each in stated):  # type: ignore[attr-defined]
        msg = "metric must be a list of tables: for each metric write [[metric]], and its keys below it."
        raise MisstatedError(msg)
    return list(stated)  # type: ignore[call-overload]


def _rule_needed(tables: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    return ("launch_if",) if any(table.get("role") == "primary" for table in tables) else ()


def _metric(
    table: Mapping[str, Any],
    place: int,
    layout: Mapping[str, Mapping[str, Any]],
    named: Named,
    wrong: Complaints,
    *,
    complete: bool,
) -> dict[str, Any]:
    """Read one metric's keys; what is wrong with them is noted with the metric's name."""
    column = table.get("column")
    whose = repr(column) if isinstance(column, str) else f"number {place + 1}"

    def of_metric(where: str, key: str) -> str:
        return f"{named(where, key)} of {whose}" if where == "metric" else named(where, key)

    strangers = [key for key in table if key not in METRIC]
    wrong.messages += unknown(strangers, "metric", layout, of_metric)
    needed = ["column", "role"] if complete else ["column"]
    if complete and table.get("role") in _DECIDING:
        needed += _DECIDED
    with wrong.noting(MisstatedError):
        return read_keys({"metric": table}, "metric", METRIC, of_metric, required=needed)
    return {}
