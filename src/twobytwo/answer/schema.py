"""The JSON schema of plans, made from the same tables of keys that the reader uses.

`plan.schema.json`, beside the schema of results in `twobytwo.show`, holds what `plan_schema` gives; a test
compares the two, and both with what the reader accepts.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from twobytwo.answer.estimands import ESTIMANDS
from twobytwo.answer.forms import QUESTIONS, Form
from twobytwo.answer.keys import (
    DECIDED,
    DECISION,
    MEANING,
    SAMPLER,
    SHORT,
    card_layout,
    layout_of,
    required,
)
from twobytwo.answer.plan_card import NEEDED
from twobytwo.ask.metric import Metric
from twobytwo.ask.rule import CLAUSES
from twobytwo.infer.priors import PRESETS, Priors

__all__ = ["plan_schema"]

_PLAIN: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    # TOML has dates of its own, which tools hand on as text.
    date: {"type": "string", "format": "date"},
    Hashable: {"type": ["string", "number", "boolean"]},
}
# The value before of a ratio would be a ratio too.
_BEFORE = {"if": {"required": ["before_column"]}, "then": {"properties": {"denominator": False}}}
_CAP = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": r"^[0-9.]+ ?%$"}]}
# What types do not say.
_LIMITS: Mapping[str, Mapping[str, Any]] = {
    "estimand": {"enum": sorted(set(ESTIMANDS.values()))},
    "margin": {"minimum": 0},
    "ci_prob": {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "max_probability": {"exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
    "upper_bound": {"exclusiveMinimum": 0},
    "family": {"enum": list(ESTIMANDS)},
}


# An event of a launch rule: clauses joined by "and".
_CLAUSE = f"({'|'.join(CLAUSES)})"
_EVENT = f"^{_CLAUSE}( and {_CLAUSE})*$"
_NEEDS = {"type": "number", "exclusiveMinimum": 0.5, "exclusiveMaximum": 1}
_RULE = {
    "anyOf": [
        _NEEDS,
        {"type": "string", "pattern": _EVENT},
        {
            "type": "object",
            "propertyNames": {"pattern": _EVENT},
            "additionalProperties": _NEEDS,
            "minProperties": 1,
        },
    ]
}


def plan_schema() -> dict[str, Any]:
    """Describe every plan that can be read.

    Returns
    -------
    dict
        A JSON schema (2020-12) of the plan as an object: one form for each question, two for a
        difference-in-differences, and one for a scorecard on each.

    Examples
    --------
    >>> [form["title"] for form in plan_schema()["oneOf"]]
    ['did', 'did, one row per user', 'interaction', 'comparison', 'did, scorecard', \
'interaction, scorecard', 'comparison, scorecard']
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A plan of twobytwo",
        "description": "An analysis that is stated before it is made; see the documentation, plan reference.",
        "oneOf": [
            *(_form(question, form) for question, forms in QUESTIONS.items() for form in forms),
            *(_card_form(question) for question in QUESTIONS),
        ],
    }


def _form(question: str, form: Form) -> dict[str, Any]:
    layout = layout_of(form.ask)
    of_location = [name for name, estimand in ESTIMANDS.items() if estimand == "location"]
    model = _table(layout["model"])
    model["properties"]["priors"] = _priors_key()
    tables = {
        "data": _table(layout["data"], ("source",)),
        "design": _design(layout, required(form.ask)) | {"allOf": [*_kinds(), _BEFORE]},
        "decision": _table(DECISION, ("estimand", *DECIDED)),
        "model": model,
        "sampler": _table(SAMPLER),
    }
    needed = [name for name, table in tables.items() if table.get("required")]
    named = {
        "properties": {"model": {"required": ["family"], "properties": {"family": {"enum": of_location}}}}
    }
    return {
        "title": form.title,
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": MEANING["title"]},
            "question": {"const": question, "description": MEANING["question"]},
            **tables,
        },
        "required": ["title", "question", *needed],
        "additionalProperties": False,
        "if": {"required": ["model"], **named},
        "then": _judges("location"),
        "else": _judges("mean"),
    }


def _card_form(question: str) -> dict[str, Any]:
    """Describe the plan of a scorecard."""
    layout = card_layout(question)
    model = _table(layout["model"])
    model["properties"]["priors"] = _priors_key()
    tables = {
        "data": _table(layout["data"], ("source",)),
        "design": _design(layout, NEEDED[question]),
        "metric": {"type": "array", "minItems": 1, "items": _metric(layout["metric"], question)},
        "decision": _table(layout["decision"]),
        "model": model,
        "sampler": _table(layout["sampler"]),
    }
    primary = {"properties": {"role": {"const": "primary"}}, "required": ["role"]}
    rule = {
        "if": {"properties": {"metric": {"contains": primary}}},
        "then": {"properties": {"decision": {"required": ["launch_if"]}}, "required": ["decision"]},
    }
    if question == "interaction":
        # It does not say whether to launch.
        rule = {}
        tables["decision"]["properties"].pop("launch_if")
    return {
        "title": f"{question}, scorecard",
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": MEANING["title"]},
            "question": {"const": question, "description": MEANING["question"]},
            **tables,
        },
        "required": ["title", "question", "data", "design", "metric"],
        "additionalProperties": False,
        **rule,
    }


def _design(layout: Mapping[str, Mapping[str, Any]], needed: Sequence[str]) -> dict[str, Any]:
    """Describe [design], where some keys have a short name: one of the two."""
    hints = layout["design"]
    short = {name: hints[whole] for name, whole in SHORT.items()}
    made = _table(dict(hints), needed)
    made["properties"] |= {name: _key(SHORT[name], hint) for name, hint in short.items()}
    return made | {"not": {"anyOf": [{"required": list(names)} for names in SHORT.items()]}}


def _metric(hints: Mapping[str, Any], question: str) -> dict[str, Any]:
    """Describe one metric of a scorecard: what a role, a ratio and a value before go together with."""
    # As of one metric: where groups are compared at one time.
    before = any("before_column" in form.keys for form in QUESTIONS[question] if not form.told_by)
    allowed = {key: hint for key, hint in hints.items() if key != "before_column" or before}

    decides = _where("role", ["primary", "guardrail"], {"required": list(DECIDED)})
    return _table(allowed, ("column", "role")) | {"allOf": [decides, *_kinds()]}


def _kinds() -> list[dict[str, Any]]:
    """Describe what the kinds of a metric go together with."""
    no_limits = {"properties": dict.fromkeys(("cap", "daily_cap", "upper_bound"), False)}
    no_bound = {"properties": {"upper_bound": False}}
    return [
        _where("kind", ["ratio"], {"required": ["denominator"]}),
        _where("kind", ["share", "count"], {"properties": {"denominator": False}}),
        _where("kind", ["share"], no_limits),
        _where("kind", ["ratio"], no_bound),
        {"if": {"required": ["denominator"]}, "then": no_bound},
    ]


def _where(key: str, values: Sequence[str], then: Mapping[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {key: {"enum": values}}, "required": [key]}, "then": then}


def _priors_key() -> dict[str, Any]:
    return {"description": MEANING["priors"], "anyOf": [{"enum": list(PRESETS)}, _priors()]}


def _judges(estimand: str) -> dict[str, Any]:
    return {"properties": {"decision": {"properties": {"estimand": {"const": estimand}}}}}


def _table(hints: Mapping[str, Any], needed: Sequence[str] = ()) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "object",
        "properties": {key: _key(key, hint) for key, hint in hints.items()},
        "additionalProperties": False,
    }
    return made | ({"required": list(needed)} if needed else {})


def _key(key: str, hint: Any) -> dict[str, Any]:
    special = {"cap": _CAP, "daily_cap": _CAP, "launch_if": _RULE}
    said = special.get(key) or {**_schema(hint), **_LIMITS.get(key, {})}
    return {"description": MEANING[key], **said}


def _priors() -> dict[str, Any]:
    widths = {key: _schema(hint) for key, hint in get_type_hints(Priors).items()}
    properties = {
        key: said | {"exclusiveMinimum": 0} if said == _PLAIN[float] else said for key, said in widths.items()
    }
    properties["name"] = {"type": "string", "not": {"enum": list(PRESETS)}}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _schema(hint: Any) -> dict[str, Any]:
    """Describe the values that `twobytwo.answer.read_keys` takes for a type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        members = [_schema(each) for each in arguments if each not in (NoneType, Metric)]
        return members[0] if len(members) == 1 else {"anyOf": members}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if origin is tuple:
        return {
            "type": "array",
            "items": _schema(arguments[0]),
            "minItems": len(arguments),
            "maxItems": len(arguments),
        }
    if origin is Sequence:
        return {"type": "array", "items": _schema(arguments[0])}
    return dict(_PLAIN.get(hint, {}))
