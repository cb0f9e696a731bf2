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
from typing import TYPE_CHECKING, Any, get_type_hints

from twobytwo.answer.keys import (
    DECIDED,
    DECISION,
    QUESTIONS,
    SAMPLER,
    MisstatedError,
    Named,
    in_file,
    layout_of,
    listed,
    read_keys,
    refuse_unknown,
    required,
    unknown,
)
from twobytwo.ask.design import Design
from twobytwo.errors import Complaints, DesignError, PlanError, nearest
from twobytwo.files import as_path, looked_from
from twobytwo.infer.priors import PRESETS, Priors

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.data.cells import Cells

__all__ = ["ESTIMANDS", "Plan", "check", "read_plan", "run", "stated_in_shell"]

# Families that take every finite outcome, or choose one that does.
_ANY_OUTCOME = ("auto", "normal")
_SIMULATED = "simulate:"
# What each family estimates, so that a plan can be checked without loading PyMC; the tests keep it equal to
# the families.
ESTIMANDS: Mapping[str, str] = {
    "normal": "mean",
    "auto": "mean",
    "lognormal": "mean",
    "hurdle_lognormal": "mean",
    "gamma": "mean",
    "hurdle_gamma": "mean",
    "lognormal_mixture": "mean",
    "tail": "mean",
    "stratified": "mean",
    "binomial": "mean",
    "negative_binomial": "mean",
    "student_t": "location",
}
_PROBABILITIES = {"ci_prob": (0.95, 1), "max_probability": (0.05, 0.5)}
_PRIORS: Mapping[str, Any] = get_type_hints(Priors)


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


def read_plan(path: str | Path) -> Plan:
    """Read a plan file; no data are looked at.

    Parameters
    ----------
    path
        A TOML file; ``models/`` has commented ones.

    Returns
    -------
    Plan
        The plan, complete and consistent in itself.

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
        stated = tomllib.loads(raw.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not a TOML file: {error}."
        raise PlanError(msg) from error
    try:
        return _plan(stated, path, hashlib.sha256(raw).hexdigest())
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
        raise PlanError(str(error)) from error


def check(plan: Plan) -> Cells:
    """Hold the data against the plan, as `run` does before it samples; nothing is sampled.

    PyMC is loaded only for a family that does not take every outcome.

    Parameters
    ----------
    plan
        The plan.

    Returns
    -------
    Cells
        The table of cells: the design with its levels resolved, counts, means and spreads.

    Raises
    ------
    DataError, DesignError
        If the table cannot answer the question, see `twobytwo.compress`, or the family is not for such
        outcomes.
    PlanError
        If there is no simulated table of that name.
    """
    from twobytwo.data.cells import compress

    cells = compress(_table(plan), plan.design)
    if plan.family not in _ANY_OUTCOME:
        from twobytwo.infer.families import family_of

        family_of(plan.family).check(cells)
    return cells


def run(plan: Plan, *, progressbar: bool | None = None) -> Analysis:
    """Answer the question as planned.

    Parameters
    ----------
    plan
        The plan.
    progressbar
        Whether to show one while sampling.

    Returns
    -------
    Analysis
        Posterior, effects, decision, checks.

    Raises
    ------
    DataError, DesignError
        As `check`, and if the sampler's settings or the family do not suit.
    PlanError
        As `check`.
    """
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
    return analyze(_table(plan), plan.design, options)


def _plan(
    stated: Mapping[str, Any],
    path: Path,
    sha256: str,
    named: Named = in_file,
    decided: Sequence[str] = ("estimand", "harm", "margin"),
) -> Plan:
    question = stated.get("question")
    if not isinstance(question, str) or question not in QUESTIONS:
        found = "is missing" if question is None else f"= {question!r} is not allowed"
        msg = f"question {found}; use one of {listed(QUESTIONS)}.{nearest(str(question), QUESTIONS)}"
        raise MisstatedError(msg)
    ask = QUESTIONS[question]
    if question == "did" and _is_wide(stated.get("design")):
        ask = Design.did_wide
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
    wrong.tell(MisstatedError)
    decision, model = read["decision"], read["model"]
    family = model.get("family", "auto")
    _refuse_other_estimand(family, decision["estimand"], named)
    return Plan(
        path=path,
        sha256=sha256,
        title=read[""]["title"],
        source=read["data"]["source"],
        design=ask(**read["design"], **{key: decision[key] for key in DECIDED if key in decision}),
        estimand=decision["estimand"],
        family=family,
        priors=_priors(model.get("priors", "default"), named),
        sampler=read["sampler"],
        **{key: _probability(key, decision, named) for key in _PROBABILITIES},
    )


def _probability(key: str, decision: Mapping[str, Any], named: Named) -> float:
    default, most = _PROBABILITIES[key]
    value: float = decision.get(key, default)
    if not 0 < value < most:
        msg = f"{named('decision', key)} = {value!r} must be between 0 and {most}, such as {default}."
        raise MisstatedError(msg)
    return value


def _is_wide(design: object) -> bool:
    """Whether the table has one row per user, with a column for each period."""
    return isinstance(design, dict) and not design.keys().isdisjoint(("before_column", "after_column"))


def _table(plan: Plan) -> Any:
    """Draw a simulated table, or say where the real one is."""
    if not plan.source.startswith(_SIMULATED):
        return str(plan.path.parent / plan.source)
    from twobytwo import simulate

    try:
        return simulate.table(plan.source.removeprefix(_SIMULATED))
    except DesignError as error:
        msg = f"{plan.path}: [data] source = {plan.source!r}: {error}"
        raise PlanError(msg) from error


def _priors(stated: str | Mapping[str, Any], named: Named) -> Priors:
    if isinstance(stated, str):
        return Priors.of(stated)
    strangers = [key for key in stated if key not in _PRIORS]
    if strangers:
        raise MisstatedError(unknown(strangers[0], "model.priors", {"model.priors": _PRIORS}, named))
    given = {"name": "planned"} | read_keys({"model.priors": stated}, "model.priors", _PRIORS, named)
    if given["name"] in PRESETS:
        key = named("model.priors", "name")
        msg = f"{key} = {given['name']!r} is a preset's; give these priors another name."
        raise MisstatedError(msg)
    return Priors(**given)


def _refuse_other_estimand(family: str, estimand: str, named: Named) -> None:
    if family not in ESTIMANDS:
        near = nearest(family, ESTIMANDS)
        known = listed(ESTIMANDS)
        msg = f"{named('model', 'family')} = {family!r} is unknown; use one of {known}.{near}"
        raise MisstatedError(msg)
    if estimand != ESTIMANDS[family]:
        suitable = [name for name, its in ESTIMANDS.items() if its == estimand]
        fix = f"write {ESTIMANDS[family]!r}"
        if suitable:
            fix = f"for that estimand use family {' or '.join(map(repr, suitable))}"
        msg = (
            f"{named('decision', 'estimand')} = {estimand!r}, but the family {family!r} estimates the "
            f"{ESTIMANDS[family]}; {fix}."
        )
        raise MisstatedError(msg)
