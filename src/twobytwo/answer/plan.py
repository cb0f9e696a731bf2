"""An analysis that is stated before it is made: a TOML file with data, design, decision, model, seed.

A plan can be read and reviewed before anybody has seen a result, and replayed after. Whatever it does not
say, or says in a way that is not understood, is refused: a typing error must not change an analysis
silently.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from twobytwo.answer.estimands import ESTIMANDS, refuse_other_estimand
from twobytwo.answer.forms import QUESTIONS, form_of
from twobytwo.answer.keys import (
    DECIDED,
    DECISION,
    SAMPLER,
    MisstatedError,
    Named,
    in_file,
    in_full,
    layout_of,
    read_keys,
    readable,
    refuse_unknown,
    required,
)
from twobytwo.answer.plan_card import ScorecardPlan, check_card, planned_card, run_card
from twobytwo.answer.plan_parts import open_lines, priors_of, probability, question_of, table_at, table_of
from twobytwo.ask.design import Design
from twobytwo.errors import Complaints, DesignError, PlanError
from twobytwo.files import as_path, looked_from
from twobytwo.infer.priors import PRESETS, Priors

if TYPE_CHECKING:
    import pandas as pd

    from twobytwo.answer.analysis import Analysis
    from twobytwo.answer.card import Scorecard
    from twobytwo.data.cells import Cells
    from twobytwo.data.sums import Several

__all__ = ["Plan", "check", "name_largest", "read_plan", "refuse_misstated", "run", "stated_in_shell"]

# Families that take every finite outcome, or choose one that does.
_ANY_OUTCOME = ("auto", "normal")
_PROBABILITIES = ("ci_prob", "max_probability")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be asked of which data, and how it will be answered.

    Parameters
    ----------
    path, sha256
        The file and its fingerprint, as ``sha256sum`` prints it; no fingerprint if there is no file.
    title
        What a reader calls the analysis.
    source
        Path or glob to Parquet or CSV files, relative to the plan's folder, or ``simulate:NAME``.
    design
        The question, with harm and margin.
    estimand
        What of the outcome the family estimates: ``"mean"`` or ``"location"``.
    family
        Name of the family.
    priors
        Priors of the effects.
    ci_prob
        Probability of every interval.
    max_probability
        Largest probability of harm beyond the margin at which a result counts as no harm.
    sampler
        Of `twobytwo.SamplerOptions`: ``draws``, ``tune``, ``chains``, ``random_seed``.
    """

    path: Path
    sha256: str
    title: str
    source: str
    design: Design
    estimand: str
    family: str = "auto"
    priors: Priors = PRESETS["default"]
    ci_prob: float = 0.95
    max_probability: float = 0.05
    sampler: Mapping[str, int]


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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not a TOML file: {error}."
        raise PlanError(msg) from error
    if left := open_lines(text, stated):
        lines = "1 line is" if len(left) == 1 else f"{len(left)} lines are"
        msg = (
            f"{path}: {lines} still to be filled in: {', '.join(left)}. Take away the # at the start of the "
            f"line, and write what is true after the =; or delete a line that does not apply."
        )
        raise PlanError(msg)
    read = planned_card if "metric" in stated else _plan
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
        return _plan(whole, Path("shell"), "", named, decided=("estimand",))
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
        "design": _stand_ins(form_of(question, design).ask) | design,
        "decision": {"estimand": ESTIMANDS.get(family, "mean"), **decision},
    }
    try:
        _plan(whole, Path("draft"), "", named, decided=("estimand",))
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
    from twobytwo.data.cells import compress

    cells = compress(table_of(plan), plan.design)
    if plan.family not in _ANY_OUTCOME:
        from twobytwo.infer.families import family_of

        family_of(plan.family).check(cells)
    return cells


def name_largest(plan: Plan, cells: Cells) -> pd.DataFrame:
    """Name the users with the largest values; see `twobytwo.data.largest.largest_users`.

    Parameters
    ----------
    plan
        The plan.
    cells
        What `check` gives for it.

    Raises
    ------
    DataError, DesignError
        As `check`.
    """
    from twobytwo.check.arrays import weights_of
    from twobytwo.data.largest import largest_users

    used = weights_of(cells).ravel().nonzero()[0]
    return largest_users(table_of(plan), cells.design, cells=used.tolist())


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
    # Loads PyMC, which takes seconds that reading and checking a plan should not cost.
    from twobytwo.answer.analyze import analyze
    from twobytwo.answer.options import Options
    from twobytwo.infer.engine.sampling import SamplerOptions

    options = Options(
        family=plan.family,
        priors=plan.priors,
        ci_prob=plan.ci_prob,
        max_probability=plan.max_probability,
        sampler=SamplerOptions(**plan.sampler, progressbar=progressbar),
    )
    return analyze(table_of(plan), plan.design, options)


def _stand_ins(ask: Callable[..., Design]) -> dict[str, Any]:
    """Give every column that a question needs a name that none in a file has."""
    return {key: ["<first>", "<second>"] if key == "factors" else f"<{key}>" for key in required(ask)}


def _plan(
    stated: Mapping[str, Any],
    path: Path,
    sha256: str,
    named: Named = in_file,
    decided: Sequence[str] = ("estimand", "harm", "margin"),
) -> Plan:
    question = question_of(stated, QUESTIONS)
    ask = form_of(question, stated.get("design")).ask
    layout = layout_of(ask)
    wrong = Complaints()
    with wrong.noting(MisstatedError):
        refuse_unknown(stated, layout, named)
    # What is no table was told, and has no keys.
    stated = {name: value for name, value in stated.items() if name not in layout or isinstance(value, dict)}
    wanted: Mapping[str, tuple[Mapping[str, Any], Sequence[str]]] = {
        "": (layout[""], ("title",)),
        "data": (layout["data"], ("source",)),
        "design": (layout["design"], required(ask)),
        "decision": (DECISION, decided),
        "model": (layout["model"], ()),
        "sampler": (SAMPLER, ()),
    }
    read: dict[str, dict[str, Any]] = {}
    for where, (hints, needed) in wanted.items():
        with wrong.noting(MisstatedError):
            read[where] = read_keys(stated, where, hints, named, required=needed)
    if wrong.messages:
        # What can be read may be wrong too, and is told with it.
        decided_here = readable(stated.get("decision", {}), {key: DECISION[key] for key in DECIDED})
        design = readable(stated.get("design", {}), layout["design"])
        with wrong.noting(DesignError):
            ask(**(_stand_ins(ask) | design | decided_here))
    wrong.tell(MisstatedError)
    decision, model = read["decision"], read["model"]
    family = model.get("family", "auto")
    refuse_other_estimand(family, decision["estimand"], named)
    return Plan(
        path=path,
        sha256=sha256,
        title=read[""]["title"],
        source=read["data"]["source"],
        design=ask(**read["design"], **{key: decision[key] for key in DECIDED if key in decision}),
        estimand=decision["estimand"],
        family=family,
        priors=priors_of(model.get("priors", "default"), named),
        sampler=read["sampler"],
        **{key: probability(key, decision, named) for key in _PROBABILITIES},
    )
