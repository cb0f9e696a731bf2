"""The plan of an analysis: what it states, made of tables of keys, held against the data and carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twobytwo.answer.estimands import refuse_other_estimand
from twobytwo.answer.forms import QUESTIONS, form_of
from twobytwo.answer.keys import (
    DECIDED,
    DECISION,
    SAMPLER,
    MisstatedError,
    Named,
    in_file,
    layout_of,
    required,
)
from twobytwo.answer.plan_parts import priors_of, probability, question_of, table_of
from twobytwo.answer.read_keys import read_keys, readable, refuse_unknown
from twobytwo.ask.design import Design
from twobytwo.errors import Complaints, DesignError
from twobytwo.infer.priors import PRESETS, Priors

if TYPE_CHECKING:
    import pandas as pd

    from twobytwo.answer.analysis import Analysis
    from twobytwo.data.cells import Cells

__all__ = ["Plan", "check_analysis", "name_largest", "planned_analysis", "run_analysis", "stand_ins"]

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


def stand_ins(ask: Callable[..., Design]) -> dict[str, Any]:
    """Give every column that a question needs a name that none in a file has."""
    return {key: ["<first>", "<second>"] if key == "factors" else f"<{key}>" for key in required(ask)}


def planned_analysis(
    stated: Mapping[str, Any],
    path: Path,
    sha256: str,
    named: Named = in_file,
    decided: Sequence[str] = ("estimand", "harm", "margin"),
) -> Plan:
    """Make a plan of the tables of a file, or of what else states one.

    Parameters
    ----------
    stated
        Tables of keys, under their whole names.
    path, sha256
        As in `Plan`.
    named
        Gives a table's key the name that messages use.
    decided
        Keys of [decision] that must be there.

    Raises
    ------
    MisstatedError
        For all that is unknown, missing or of the wrong type.
    DesignError
        If the question cannot be asked so.
    """
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
            ask(**(stand_ins(ask) | design | decided_here))
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


def check_analysis(plan: Plan) -> Cells:
    """Hold the data against the plan; see `twobytwo.answer.plan.check`."""
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
        What `check_analysis` gives for it.

    Raises
    ------
    DataError, DesignError
        As `check_analysis`.
    """
    from twobytwo.check.arrays import stated_cells
    from twobytwo.data.largest import largest_users

    return largest_users(table_of(plan), cells.design, cells=stated_cells(cells))


def run_analysis(plan: Plan, *, progressbar: bool | None = None) -> Analysis:
    """Answer the question as planned; see `twobytwo.answer.plan.run`."""
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
