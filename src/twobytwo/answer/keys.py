"""The keys of a plan: where each is stated, what it means and of which type it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from twobytwo.answer.forms import QUESTIONS
from twobytwo.answer.scoring import Shrink, design_for
from twobytwo.ask.design import Design
from twobytwo.ask.lines import LINE_KEYS, Line
from twobytwo.ask.metric import Harm, Metric
from twobytwo.errors import TwoByTwoError

__all__ = [
    "CARD_DECISION",
    "CARD_SAMPLER",
    "DECIDED",
    "DECISION",
    "MEANING",
    "METRIC",
    "SAMPLER",
    "SHORT",
    "MisstatedError",
    "Named",
    "card_layout",
    "in_file",
    "in_full",
    "keys",
    "layout_of",
    "listed",
    "required",
]

# What the sampler may be given; the tests keep it equal to `SamplerOptions`.
SAMPLER: Mapping[str, Any] = {"draws": int, "tune": int, "chains": int, "random_seed": int}
DECISION: Mapping[str, Any] = {
    "estimand": str,
    "harm": Harm,
    "margin": float,
    "ci_prob": float,
    "max_probability": float,
}
# Stated in [decision], although `Design` holds them: they are about what to do, not about the columns.
DECIDED = ("harm", "margin")
# Of a scorecard's plan: what each [[metric]] may say, what is decided, what is drawn.
METRIC: Mapping[str, Any] = {
    name: (get_type_hints(Metric) | get_type_hints(Line))[name] for name in LINE_KEYS
}
CARD_DECISION: Mapping[str, Any] = {
    "launch_if": float | str | Mapping[str, float],
    "ci_prob": float,
    "max_probability": float,
    "shrink": Shrink,
}
CARD_SAMPLER: Mapping[str, Any] = {"draws": int, "random_seed": int}
_OF_QUESTION = {
    "did": (
        *("group", "control", "treatment", "period", "before", "after", "launch", "per"),
        *("missing", "randomised"),
    ),
    "interaction": ("factors", "levels"),
    "comparison": ("group", "control", "treatment"),
}
_OF_EVERY_CARD = ("unit", "agg", "expected_share", "labels")
# What a file may write for a key of [design]; messages, flags and Python have the whole name.
SHORT: Mapping[str, str] = {"expected": "expected_share"}
# How a key is called where it was stated: `[design] group` or `--group`.
Named = Callable[[str, str], str]


class MisstatedError(TwoByTwoError):
    """Something in a plan, or several things; `twobytwo.answer.plan.read_plan` adds the file's name."""


def in_file(where: str, key: str) -> str:
    """Name a key as a file states it, such as ``[design] group``."""
    if where == "metric":
        return f"[[metric]] {key}"
    return f"[{where}] {key}" if where else key


def in_full(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Give the keys of a file's [design] their whole names.

    Raises
    ------
    MisstatedError
        If a key stands there under both of its names.

    Examples
    --------
    >>> in_full({"design": {"expected": 0.2}})
    {'design': {'expected_share': 0.2}}
    """
    design = stated.get("design")
    if not isinstance(design, dict):
        return dict(stated)
    twice = [(short, whole) for short, whole in SHORT.items() if short in design and whole in design]
    if twice:
        raise MisstatedError(
            *(f"[design] {short} and {whole} are one key; keep one of them." for short, whole in twice)
        )
    return {**stated, "design": {SHORT.get(key, key): value for key, value in design.items()}}


def listed(names: Any) -> str:
    """List names in quotes."""
    return ", ".join(repr(name) for name in names)


def keys(question: str) -> dict[str, dict[str, Any]]:
    """Give what can be stated of a question: the keys of each table of its plan, with their types.

    Parameters
    ----------
    question
        Of plans; ``design`` has the keys of all its forms.

    Examples
    --------
    >>> list(keys("interaction")["sampler"])
    ['draws', 'tune', 'chains', 'random_seed']
    """
    layouts = [layout_of(form.ask) for form in QUESTIONS[question]]
    design = {key: hint for layout in layouts for key, hint in layout["design"].items()}
    return {**{where: dict(hints) for where, hints in layouts[0].items()}, "design": design}


def layout_of(ask: Callable[..., Design]) -> dict[str, Mapping[str, Any]]:
    """Tables of a plan, their keys and the types of the values; "" is the top of the file."""
    return {
        "": {"title": str, "question": str},
        "data": {"source": str},
        # From the signature, so that a new keyword of `Design` is a new key of plans.
        "design": {
            name: parameter.annotation
            for name, parameter in inspect.signature(ask).parameters.items()
            if name not in DECIDED
        },
        "decision": DECISION,
        "model": {"family": str, "priors": str | Mapping[str, Any]},
        "sampler": SAMPLER,
    }


def card_layout(question: str) -> dict[str, Mapping[str, Any]]:
    """Tables of a scorecard's plan, as `layout_of`; those of ``metric`` are the keys of each of its tables.

    Examples
    --------
    >>> list(card_layout("interaction")["design"])
    ['factors', 'levels', 'unit', 'agg', 'expected_share', 'labels']
    """
    hints = get_type_hints(design_for)
    if question == "did":
        # It compares the changes of two groups.
        hints["treatment"] = hints["control"]
    return {
        "": {"title": str, "question": str},
        "data": {"source": str},
        "design": {name: hints[name] for name in (*_OF_QUESTION[question], *_OF_EVERY_CARD)},
        "metric": METRIC,
        "decision": CARD_DECISION,
        "model": {"priors": str | Mapping[str, Any]},
        "sampler": CARD_SAMPLER,
    }


def required(ask: Callable[..., Design]) -> list[str]:
    """Keys of [design] without which a question cannot be asked."""
    parameters = inspect.signature(ask).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.name not in DECIDED]


# What each key says; messages and the shell's help take it from here.
MEANING: Mapping[str, str] = {
    "title": "in a few words what the analysis is about",
    "question": (
        "what is asked: 'did' (did one group change more than another?), 'interaction' (do experiments that "
        "run together take from each other?) or 'comparison' (do groups drawn at random differ?)"
    ),
    "source": "where the rows are: a path to Parquet or CSV files, or simulate:NAME",
    "outcome": "which column is the metric",
    "column": "which column is the metric",
    "role": "which part the metric has in the decision: 'primary', 'guardrail' or 'information'",
    "launch_if": (
        "when to launch: events in fixed words, such as 'primary improves and no guardrail is harmed', each "
        "with the probability that it must reach"
    ),
    "shrink": "how effects of a long list are shrunk: 'normal' or 'fat'",
    "group": "which column tells the groups apart",
    "period": "which column tells the periods apart",
    "factors": "which two or three columns are the experiments",
    "levels": "for each experiment first the level without it, then the one with it",
    "control": "which level of the group is the control",
    "treatment": "which level of the group is the treatment",
    "before": "which level of the period is the one before",
    "after": "which level of the period is the one after",
    "launch": "on which day it was launched, where the period is a column of dates, such as 2026-09-01",
    "per": "'day' to divide a user's sums by the number of days of each period",
    "unit": "which column identifies the user",
    "missing": (
        "what a user without rows in one period did there: 'zero' (nothing), 'drop' (leave the user out) or "
        "'available' (nobody knows; use the period that is there)"
    ),
    "agg": "how several rows of a user (and period), such as days, become one",
    "before_column": "which column is the metric before, where a row is a user",
    "after_column": "which column is the metric after, where a row is a user",
    "covariate": "which column is a number known before the experiment, on a scale of its own",
    "randomised": "whether the groups were drawn at random: true or false",
    "expected_share": (
        "what share of the users was meant to get the treatment, such as 0.2 for one in five; or the share "
        "of each level or experiment by its name"
    ),
    "labels": "what results call a level or a column of levels, such as variant_b",
    "label": "what sentences call the metric",
    "kind": "what the metric is: 'amount', 'share', 'count' or 'ratio'",
    "denominator": "which column a ratio is divided by",
    "measure": "what the metric is measured in, such as minutes",
    "upper_bound": "which value is the largest possible; larger ones are refused",
    "cap": 'what larger values of a user count as: a number, or the share that stays as it is, as "99.9%"',
    "daily_cap": "the same for every row, before the rows of a user are added up",
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
