"""An analysis that is stated before it is made: a TOML file with data, design, decision, model, seed.

A plan can be read and reviewed before anybody has seen a result, and replayed after. Whatever it does not
say, or says in a way that is not understood, is refused: a typing error must not change an analysis
silently.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import tomllib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from twobytwo.ask.design import Design
from twobytwo.ask.metric import Harm, Metric
from twobytwo.errors import DesignError, PlanError, nearest
from twobytwo.infer.priors import PRESETS, Priors

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.data.cells import Cells

__all__ = ["MEANING", "Plan", "check", "keys", "read_plan", "run", "stated_in_shell"]

_SIMULATED = "simulate:"
_QUESTIONS: Mapping[str, Callable[..., Design]] = {
    "did": Design.did,
    "interaction": Design.interaction,
    "comparison": Design.compare,
}
# What each family estimates, so that a plan can be checked without loading PyMC, and what the sampler may
# be given. The tests keep both equal to the families and to `SamplerOptions`.
_ESTIMANDS: Mapping[str, str] = {
    "normal": "mean",
    "auto": "mean",
    "lognormal": "mean",
    "hurdle_lognormal": "mean",
    "gamma": "mean",
    "hurdle_gamma": "mean",
    "tail": "mean",
    "stratified": "mean",
    "student_t": "location",
}
_SAMPLER: Mapping[str, Any] = {"draws": int, "tune": int, "chains": int, "random_seed": int}
_DECISION: Mapping[str, Any] = {
    "estimand": str,
    "harm": Harm,
    "margin": float,
    "ci_prob": float,
    "max_probability": float,
}
_PROBABILITIES = {"ci_prob": (0.95, 1), "max_probability": (0.05, 0.5)}
_PRIORS: Mapping[str, Any] = get_type_hints(Priors)
# Stated in [decision], although `Design` holds them: they are about what to do, not about the columns.
_DECIDED = ("harm", "margin")
# How a key is called where it was stated: `[design] group` or `--group`.
_Named = Callable[[str, str], str]


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
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        msg = f"The plan {str(path)!r} cannot be read: {error.strerror} (looked from {Path.cwd()})."
        raise PlanError(msg) from error
    try:
        stated = tomllib.loads(raw.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not a TOML file: {error}."
        raise PlanError(msg) from error
    try:
        return _plan(stated, path, hashlib.sha256(raw).hexdigest())
    except (_MisstatedError, DesignError) as error:
        msg = f"{path}: {error}"
        raise PlanError(msg) from error


def keys(question: str) -> dict[str, dict[str, Any]]:
    """Give what can be stated of a question: the keys of each table of its plan, with their types.

    Parameters
    ----------
    question
        ``"did"``, with the keys of both forms of its table, ``"interaction"`` or ``"comparison"``.

    Examples
    --------
    >>> list(keys("interaction")["sampler"])
    ['draws', 'tune', 'chains', 'random_seed']
    """
    layout = {where: dict(hints) for where, hints in _layout(_QUESTIONS[question]).items()}
    if question == "did":
        layout["design"] |= _layout(Design.did_wide)["design"]
    return layout


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
    decision = {"estimand": _ESTIMANDS.get(family, "mean"), **stated.get("decision", {})}
    tables: dict[str, Any] = {**stated, "decision": decision, "data": {"source": source}}
    try:
        whole = {"title": question, "question": question, **tables}
        return _plan(whole, Path("shell"), "", named, decided=("estimand",))
    except (_MisstatedError, DesignError) as error:
        raise PlanError(str(error)) from error


def check(plan: Plan) -> Cells:
    """Hold the data against the plan; nothing is sampled and PyMC is not loaded.

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
        If the table cannot answer the question; see `twobytwo.compress`.
    PlanError
        If there is no simulated table of that name.
    """
    from twobytwo.data.cells import compress

    return compress(_table(plan), plan.design)


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


class _MisstatedError(Exception):
    """Something in a plan; `read_plan` adds the file's name."""


def _in_file(where: str, key: str) -> str:
    return f"[{where}] {key}" if where else key


def _plan(
    stated: Mapping[str, Any],
    path: Path,
    sha256: str,
    named: _Named = _in_file,
    decided: Sequence[str] = ("estimand", "harm", "margin"),
) -> Plan:
    question = stated.get("question")
    if not isinstance(question, str) or question not in _QUESTIONS:
        found = "is missing" if question is None else f"= {question!r} is not allowed"
        msg = f"question {found}; use one of {_listed(_QUESTIONS)}.{nearest(str(question), _QUESTIONS)}"
        raise _MisstatedError(msg)
    ask = _QUESTIONS[question]
    if question == "did" and _is_wide(stated.get("design")):
        ask = Design.did_wide
    layout = _layout(ask)
    _refuse_unknown(stated, layout, named)
    top = _read(stated, "", layout[""], named, required=("title",))
    data = _read(stated, "data", layout["data"], named, required=("source",))
    decision = _read(stated, "decision", _DECISION, named, required=decided)
    columns = _read(stated, "design", layout["design"], named, required=_required(ask))
    model = _read(stated, "model", layout["model"], named)
    family = model.get("family", "auto")
    _refuse_other_estimand(family, decision["estimand"], named)
    return Plan(
        path=path,
        sha256=sha256,
        title=top["title"],
        source=data["source"],
        design=ask(**columns, **{key: decision[key] for key in _DECIDED if key in decision}),
        estimand=decision["estimand"],
        family=family,
        priors=_priors(model.get("priors", "default"), named),
        sampler=_read(stated, "sampler", _SAMPLER, named),
        **{key: _probability(key, decision, named) for key in _PROBABILITIES},
    )


def _probability(key: str, decision: Mapping[str, Any], named: _Named) -> float:
    default, most = _PROBABILITIES[key]
    value: float = decision.get(key, default)
    if not 0 < value < most:
        msg = f"{named('decision', key)} = {value!r} must be between 0 and {most}, such as {default}."
        raise _MisstatedError(msg)
    return value


def _is_wide(design: object) -> bool:
    """Whether the table has one row per user, with a column for each period."""
    return isinstance(design, dict) and not design.keys().isdisjoint(("before_column", "after_column"))


def _layout(ask: Callable[..., Design]) -> dict[str, Mapping[str, Any]]:
    """Tables of a plan, their keys and the types of the values; "" is the top of the file."""
    return {
        "": {"title": str, "question": str},
        "data": {"source": str},
        # From the signature, so that a new keyword of `Design` is a new key of plans.
        "design": {
            name: parameter.annotation
            for name, parameter in inspect.signature(ask).parameters.items()
            if name not in _DECIDED
        },
        "decision": _DECISION,
        "model": {"family": str, "priors": str | Mapping[str, Any]},
        "sampler": _SAMPLER,
    }


def _required(ask: Callable[..., Design]) -> list[str]:
    parameters = inspect.signature(ask).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.name not in _DECIDED]


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


def _refuse_unknown(
    stated: Mapping[str, Any], layout: Mapping[str, Mapping[str, Any]], named: _Named
) -> None:
    tables = [name for name in layout if name]
    for name, value in stated.items():
        if isinstance(value, dict) and name not in tables:
            msg = f"table [{name}] is unknown; there are {_listed(tables)}.{nearest(name, tables)}"
            raise _MisstatedError(msg)
        if not isinstance(value, dict) and name in tables:
            msg = f"{name} = {value!r} must be a table: write [{name}] and its keys below it."
            raise _MisstatedError(msg)
    scalars = {name: value for name, value in stated.items() if not isinstance(value, dict)}
    for where, table in {"": scalars, **{name: stated.get(name, {}) for name in tables}}.items():
        for key in table:
            if key not in layout[where]:
                raise _MisstatedError(_unknown(key, where, layout, named))


def _unknown(key: str, where: str, layout: Mapping[str, Mapping[str, Any]], named: _Named) -> str:
    homes = [named(name, key) for name, keys in layout.items() if key in keys]
    hint = f" It belongs to {homes[0]}." if homes else nearest(key, layout[where])
    return f"key {named(where, key)} is unknown; allowed are {_listed(layout[where])}.{hint}"


def _read(
    stated: Mapping[str, Any],
    where: str,
    hints: Mapping[str, Any],
    named: _Named,
    required: Sequence[str] = (),
) -> dict[str, Any]:
    """Take one table's known keys, converted to the types that Python code would give."""
    table = stated.get(where, {}) if where else stated
    for key in required:
        if key not in table:
            msg = f"{named(where, key)} is missing; say {MEANING[key]}."
            raise _MisstatedError(msg)
    read = {}
    for key in (key for key in hints if key in table):
        read[key] = _convert(table[key], hints[key])
        if read[key] is _MISFIT:
            msg = f"{named(where, key)} = {table[key]!r} must be {_words(hints[key])}."
            raise _MisstatedError(msg)
    return read


# What each key says; messages and the shell's help take it from here.
MEANING: Mapping[str, str] = {
    "title": "in a few words what the analysis is about",
    "question": "what is asked",
    "source": "where the rows are: a path to Parquet or CSV files, or simulate:NAME",
    "outcome": "which column is the metric",
    "group": "which column tells the groups apart",
    "period": "which column tells the periods apart",
    "factors": "which two or three columns are the experiments",
    "levels": "for each experiment the level without it and the level with it",
    "control": "which level of the group is the control",
    "treatment": "which level of the group is the treatment",
    "before": "which level of the period is the one before",
    "after": "which level of the period is the one after",
    "unit": "which column identifies the user",
    "missing": "what a user seen in one period only means",
    "agg": "how several rows of a user (and period), such as days, become one",
    "before_column": "which column is the metric before, where a row is a user",
    "after_column": "which column is the metric after, where a row is a user",
    "covariate": "which column is a number known before the experiment, on a scale of its own",
    "randomised": "that the groups were drawn at random",
    "label": "what sentences call the metric",
    "measure": "what the metric is measured in, such as minutes",
    "upper_bound": "which value is the largest possible; larger ones are refused",
    "cap": "what larger values count as",
    "estimand": "what of the outcome is judged: 'mean' or 'location'",
    "harm": "which direction of the outcome is bad: 'decrease' or 'increase'",
    "margin": "the smallest harm that matters, in units of the outcome; 0 if any harm does",
    "ci_prob": "which probability every interval has",
    "max_probability": "up to which probability of harm beyond the margin a result counts as no harm",
    "family": "which family of distributions describes the outcome",
    "priors": "which priors the effects have",
    "draws": "how many draws each chain makes",
    "tune": "how many steps each chain tunes before",
    "chains": "how many chains are run",
    "random_seed": "which seed makes the draws repeatable",
}


def _priors(stated: str | Mapping[str, Any], named: _Named) -> Priors:
    if isinstance(stated, str):
        return Priors.of(stated)
    unknown = [key for key in stated if key not in _PRIORS]
    if unknown:
        raise _MisstatedError(_unknown(unknown[0], "model.priors", {"model.priors": _PRIORS}, named))
    given = {"name": "planned"} | _read({"model.priors": stated}, "model.priors", _PRIORS, named)
    if given["name"] in PRESETS:
        key = named("model.priors", "name")
        msg = f"{key} = {given['name']!r} is a preset's; give these priors another name."
        raise _MisstatedError(msg)
    return Priors(**given)


def _refuse_other_estimand(family: str, estimand: str, named: _Named) -> None:
    if family not in _ESTIMANDS:
        near = nearest(family, _ESTIMANDS)
        known = _listed(_ESTIMANDS)
        msg = f"{named('model', 'family')} = {family!r} is unknown; use one of {known}.{near}"
        raise _MisstatedError(msg)
    if estimand != _ESTIMANDS[family]:
        suitable = [name for name, its in _ESTIMANDS.items() if its == estimand]
        fix = f"write {_ESTIMANDS[family]!r}"
        if suitable:
            fix = f"for that estimand use family {' or '.join(map(repr, suitable))}"
        msg = (
            f"{named('decision', 'estimand')} = {estimand!r}, but the family {family!r} estimates the "
            f"{_ESTIMANDS[family]}; {fix}."
        )
        raise _MisstatedError(msg)


_MISFIT = object()


def _convert(value: Any, hint: Any) -> Any:
    """Give a TOML value the type of a Python argument, or `_MISFIT`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Metric:
        return _MISFIT
    if origin in (Union, UnionType):
        tried = (_convert(value, argument) for argument in arguments if argument is not NoneType)
        return next((converted for converted in tried if converted is not _MISFIT), _MISFIT)
    if origin is Literal:
        return value if value in arguments else _MISFIT
    if origin in (Mapping, Sequence, tuple):
        return _convert_many(value, origin, arguments)
    # In Python a boolean is a number; in a plan it is a slip.
    if hint in (int, float) and isinstance(value, bool):
        return _MISFIT
    if hint is float and isinstance(value, int | float):
        return float(value) if math.isfinite(value) else _MISFIT
    return value if hint is Any or isinstance(value, hint) else _MISFIT


def _convert_many(value: Any, origin: Any, arguments: tuple[Any, ...]) -> Any:
    if origin is Mapping:
        if not isinstance(value, dict):
            return _MISFIT
        converted: Any = {key: _convert(inner, arguments[1]) for key, inner in value.items()}
        return _MISFIT if _MISFIT in converted.values() else converted
    pair = origin is tuple and Ellipsis not in arguments
    if not isinstance(value, list) or (pair and len(value) != len(arguments)):
        return _MISFIT
    converted = tuple(_convert(inner, arguments[k if pair else 0]) for k, inner in enumerate(value))
    return _MISFIT if _MISFIT in converted else converted


def _words(hint: Any) -> str:
    """Say in words what a type of `_convert` takes."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        said = [_words(argument) for argument in arguments if argument not in (NoneType, Metric)]
        return " or ".join(said)
    if origin is Literal:
        return f"one of {_listed(arguments)}"
    if origin is tuple:
        return "a list of two levels"
    if origin is Mapping:
        return f"a table, each value of which is {_words(arguments[1])}"
    if origin is Sequence:
        return "a list of texts"
    return {str: "text", bool: "true or false", int: "a whole number", float: "a finite number"}.get(
        hint, "a level (text, a number, true or false)" if hint is Hashable else "a number or text"
    )


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names)
