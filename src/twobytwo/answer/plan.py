"""An analysis that is stated before it is made: a TOML file with data, design, decision, model, seed.

A plan can be read and reviewed before anybody has seen a result, and replayed after. Whatever it does not
say, or says in a way that is not understood, is refused: a typing error must not change an analysis
silently.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from twobytwo.answer.estimands import ESTIMANDS
from twobytwo.answer.forms import QUESTIONS, form_of
from twobytwo.answer.keys import MisstatedError, Named, in_file, in_full
from twobytwo.answer.plan_analysis import Plan, check_analysis, planned_analysis, run_analysis, stand_ins
from twobytwo.answer.plan_card import ScorecardPlan, check_card, planned_card, run_card
from twobytwo.answer.plan_parts import open_lines, question_of, table_at
from twobytwo.errors import Complaints, DesignError, PlanError
from twobytwo.files import as_path, looked_from

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.answer.card import Scorecard
    from twobytwo.data.cells import Cells
    from twobytwo.data.sums import Several

__all__ = ["check", "read_plan", "refuse_misstated", "run", "stated_in_shell"]


def read_plan(path: str | Path) -> Plan | ScorecardPlan:
    """Read a plan file; no data are looked at.

    Parameters
    ----------
    path
        A TOML file; ``models/`` has commented ones.

    Returns
    -------
    Plan or ScorecardPlan
        The plan, complete and consistent in itself; one with ``[[metric]]`` tables is that of a scorecard.

    Raises
    ------
    PlanError
        If there is no such file, it is not TOML, or it states something unknown, of the wrong type,
        contradictory, or too little.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> lines = '''
    ... title = "Did the treated users change more?"
    ... question = "did"
    ... [data]
    ... source = "simulate:active_minutes"
    ... [design]
    ... outcome = "minutes"
    ... group = "variant"
    ... period = "period"
    ... [decision]
    ... estimand = "mean"
    ... harm = "decrease"
    ... margin = 5
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     written = Path(folder, "plan.toml").write_text(lines)
    ...     plan = read_plan(Path(folder, "plan.toml"))
    >>> plan.family, plan.design.metric.margin
    ('auto', 5.0)
    """
    path = as_path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        msg = f"The plan {str(path)!r} cannot be read: {error.strerror} ({looked_from()})."
        raise PlanError(msg) from error
    try:
        text = raw.decode("utf-8-sig")
        stated = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Also a number of thousands of digits, and brackets in thousands of brackets.
        msg = f"{path} is not a TOML file: {str(error).split(';')[0]}."
        raise PlanError(msg) from error
    if left := open_lines(text, stated):
        lines = "1 line is" if len(left) == 1 else f"{len(left)} lines are"
        msg = (
            f"{path}: {lines} still to be filled in: {', '.join(left)}. Take away the # at the start of the "
            f"line, and write what is true after the =; or delete a line that does not apply."
        )
        raise PlanError(msg)
    read = planned_card if "metric" in stated else planned_analysis
    try:
        return read(in_full(stated), path, hashlib.sha256(raw).hexdigest())
    except (MisstatedError, DesignError) as error:
        msg = f"{path}: {error}"
        raise PlanError(msg) from error


def stated_in_shell(
    question: str, stated: Mapping[str, Mapping[str, Any]], source: str, named: Callable[[str, str], str]
) -> Plan:
    """Take a question from the shell as a plan that was not written to a file.

    Parameters
    ----------
    question
        As in plans.
    stated
        Tables of keys, as for a plan; harm, margin and estimand may be absent, as in Python.
    source
        Path or glob to Parquet or CSV files, relative to the working directory, or ``simulate:NAME``.
    named
        Gives a table's key the name that messages use.

    Returns
    -------
    Plan
        The plan, without a fingerprint.

    Raises
    ------
    PlanError
        As `read_plan`.

    Examples
    --------
    >>> design = {"outcome": "y", "factors": ["a", "b"]}
    >>> stated_in_shell("interaction", {"design": design}, "rows.csv", lambda _, key: f"--{key}").estimand
    'mean'
    """
    family = stated.get("model", {}).get("family", "normal")
    decision = {"estimand": ESTIMANDS.get(family, "mean"), **stated.get("decision", {})}
    tables: dict[str, Any] = {**stated, "decision": decision, "data": {"source": source}}
    try:
        whole = {"title": question, "question": question, **tables}
        return planned_analysis(whole, Path("shell"), "", named, decided=("estimand",))
    except (MisstatedError, DesignError) as error:
        # Looks at tables, which reading a plan does not.
        from twobytwo.answer.misfits import misfits

        design, wrong = stated.get("design", {}), Complaints()
        wrong.messages += map(str, error.args)
        with wrong.noting(DesignError):
            wrong.messages += misfits(table_at(source), form_of(question, design).ask, design)
        raise PlanError(*wrong.messages) from error


def refuse_misstated(stated: Mapping[str, Any], named: Named = in_file) -> None:
    """Refuse a plan for what it says, not for what it does not say yet.

    Parameters
    ----------
    stated
        Tables of keys as in a file; the question, or any other key, may be absent.
    named
        Gives a table's key the name that messages use.

    Raises
    ------
    DesignError
        For all that no plan of this question may say.

    Examples
    --------
    >>> try:
    ...     refuse_misstated({"decision": {"margin": -5}})
    ... except DesignError as error:
    ...     print(str(error).partition(" and finite")[0])
    margin=-5.0 must be at least 0
    """
    question = question_of({"question": "comparison"} | dict(stated), QUESTIONS)
    design = stated.get("design", {})
    decision = stated.get("decision", {})
    family = stated.get("model", {}).get("family", "auto")
    whole = {
        "title": "a draft",
        "data": {"source": "rows"},
        **stated,
        "question": question,
        "design": stand_ins(form_of(question, design).ask) | design,
        "decision": {"estimand": ESTIMANDS.get(family, "mean"), **decision},
    }
    try:
        planned_analysis(whole, Path("draft"), "", named, decided=("estimand",))
    except MisstatedError as error:
        raise DesignError(*error.args) from error


@overload
def check(plan: Plan) -> Cells: ...
@overload
def check(plan: ScorecardPlan) -> Several: ...
def check(plan: Plan | ScorecardPlan) -> Cells | Several:
    """Hold the data against the plan, as `run` does before it samples; nothing is sampled.

    PyMC is loaded only for a family that does not take every outcome.

    Parameters
    ----------
    plan
        The plan.

    Returns
    -------
    Cells or Several
        The table of cells: the design with its levels resolved, counts, means and spreads; of a scorecard,
        the joint moments of its columns.

    Raises
    ------
    DataError, DesignError
        If the table cannot answer the question, see `twobytwo.compress`, or the family is not for such
        outcomes.
    PlanError
        If there is no simulated table of that name.
    """
    if isinstance(plan, ScorecardPlan):
        return check_card(plan)
    return check_analysis(plan)


@overload
def run(plan: Plan, *, progressbar: bool | None = None) -> Analysis: ...
@overload
def run(plan: ScorecardPlan, *, progressbar: bool | None = None) -> Scorecard: ...
def run(plan: Plan | ScorecardPlan, *, progressbar: bool | None = None) -> Analysis | Scorecard:
    """Answer the question as planned.

    Parameters
    ----------
    plan
        The plan.
    progressbar
        Whether to show one while sampling; a scorecard samples nothing.

    Returns
    -------
    Analysis or Scorecard
        Posterior, effects, decision, checks.

    Raises
    ------
    DataError, DesignError
        As `check`, and if the sampler's settings or the family do not suit.
    PlanError
        As `check`.
    """
    if isinstance(plan, ScorecardPlan):
        return run_card(plan)
    return run_analysis(plan, progressbar=progressbar)
