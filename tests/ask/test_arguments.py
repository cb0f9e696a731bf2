"""What arguments may be: any wrong type is an error of the package that names the argument."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from twobytwo import Cells, Design, DesignError, Options, Priors, SamplerOptions, TwoByTwoError, did, load
from twobytwo.ask.arguments import flag, is_level, shown, size
from twobytwo.ask.metric import Metric
from twobytwo.infer.priors import PRESETS

# None of these is a name, a flag, a number in range or a word of a list.
WRONG: list[Any] = [
    b"x",
    float("nan"),
    float("inf"),
    [],
    ["y"],
    ("y",),
    {"a": 1},
    object(),
    np.array([1]),
    np.array([1, 2]),
    pd.NA,
    2**2000,
    int,
    abs,
    {1},
    1j,
]
COLUMNS = {"outcome": "y", "group": "g", "period": "t"}


@pytest.mark.parametrize("wrong", [*WRONG, 0, 1.5, True, Decimal(1), ""], ids=lambda value: shown(value)[:20])
@pytest.mark.parametrize("argument", ["outcome", "group", "period", "unit"])
def test_a_column_is_named_by_text(argument: str, wrong: Any) -> None:
    with pytest.raises(DesignError, match=rf"{argument}=.*must be the name of a column"):
        Design.did(**{**COLUMNS, argument: wrong})


@pytest.mark.parametrize("wrong", [*WRONG, 0, 1.5, True, ""], ids=lambda value: shown(value)[:20])
@pytest.mark.parametrize("argument", ["before_column", "after_column", "group", "unit", "outcome"])
def test_a_column_of_a_wide_table_is_named_by_text(argument: str, wrong: Any) -> None:
    named = {"before_column": "a", "after_column": "b", "group": "g", "unit": "u", "outcome": "m"}
    with pytest.raises(DesignError, match=rf"{argument}=.*must be the name of a column"):
        Design.did_wide(**{**named, argument: wrong})


@pytest.mark.parametrize(
    "wrong", [value for value in WRONG if not is_level(value)], ids=lambda value: shown(value)[:20]
)
@pytest.mark.parametrize("argument", ["control", "treatment", "before", "after"])
def test_a_level_is_one_value(argument: str, wrong: Any) -> None:
    with pytest.raises(DesignError, match=rf"{argument}=.*is not a level"):
        Design.did(**COLUMNS, **{argument: wrong})


@pytest.mark.parametrize("wrong", [*WRONG, 0, 1, "no", "yes", None], ids=lambda value: shown(value)[:20])
def test_a_flag_is_true_or_false(wrong: Any) -> None:
    """randomised="no" was taken for a yes by nobody, but 1 was taken for True."""
    with pytest.raises(DesignError, match=r"randomised=.*is not allowed; use True or False"):
        Design.did(**COLUMNS, randomised=wrong)
    if wrong is not None:
        with pytest.raises(DesignError, match=r"progressbar=.*is not allowed; use True or False"):
            SamplerOptions(progressbar=wrong)


@pytest.mark.parametrize("wrong", [*WRONG, "5", True, -1, Decimal(1)], ids=lambda value: shown(value)[:20])
@pytest.mark.parametrize("argument", ["margin", "upper_bound", "cap"])
def test_a_size_is_a_finite_number(argument: str, wrong: Any) -> None:
    # A cap may be a share in words, "99.9%", so text that is none is called that.
    text = argument == "cap" and isinstance(wrong, str)
    why = "is neither a number nor a share of the values" if text else "must be"
    with pytest.raises(DesignError, match=rf"{argument}=.*{why}"):
        Metric(column="y", **{argument: wrong})


@pytest.mark.parametrize("wrong", [*WRONG, 3, True], ids=lambda value: shown(value)[:20])
@pytest.mark.parametrize("argument", ["label", "measure", "harm"])
def test_words_are_text(argument: str, wrong: Any) -> None:
    with pytest.raises(DesignError, match=rf"{argument}="):
        Metric(column="y", **{argument: wrong})


@pytest.mark.parametrize("wrong", [*WRONG, "x", 3], ids=lambda value: shown(value)[:20])
@pytest.mark.parametrize("argument", ["missing", "agg"])
def test_a_policy_is_one_of_a_list(argument: str, wrong: Any) -> None:
    with pytest.raises(DesignError, match=rf"{argument}=.*is not allowed; use one of None"):
        Design.did(**COLUMNS, unit="u", **{argument: wrong})


@pytest.mark.parametrize("wrong", [*WRONG, "x", True, None], ids=lambda value: shown(value)[:20])
@pytest.mark.parametrize("argument", ["family", "priors", "ci_prob", "max_probability"])
def test_options_are_checked(argument: str, wrong: Any) -> None:
    with pytest.raises(DesignError, match=r"="):
        Options(**{argument: wrong})


@pytest.mark.parametrize("wrong", [*WRONG, "x", True, None, 1.5, -1], ids=lambda value: shown(value)[:20])
@pytest.mark.parametrize("argument", ["draws", "tune", "chains", "random_seed"])
def test_the_sampler_is_given_whole_numbers(argument: str, wrong: Any) -> None:
    with pytest.raises(DesignError, match=rf"{argument}=.*must be a whole number"):
        SamplerOptions(**{argument: wrong})


@pytest.mark.parametrize("wrong", [*WRONG, "x", True, None, 0, -1], ids=lambda value: shown(value)[:20])
def test_priors_are_positive_numbers(wrong: Any) -> None:
    for field in fields(Priors):
        if field.name != "name":
            with pytest.raises(DesignError, match=rf"{field.name}=.*must be positive and finite"):
                Priors(**{field.name: wrong})


@pytest.mark.parametrize("preset", list(PRESETS))
def test_the_name_of_a_preset_stands_for_its_values(preset: str) -> None:
    """Priors(name="default", effect=3) was shown as the default."""
    with pytest.raises(DesignError, match=rf"name={preset!r} is the preset whose .* is .*another name"):
        Priors(name=preset, effect=3.0)
    assert Priors.of(preset) == PRESETS[preset]


@pytest.mark.parametrize("wrong", [*WRONG, 3, True, None], ids=lambda value: shown(value)[:20])
def test_a_path_is_text_or_a_path(wrong: Any) -> None:
    for read in (load, Cells.load):
        with pytest.raises(DesignError, match="path="):
            read(wrong)


@pytest.mark.parametrize(
    "formula",
    [
        *WRONG,
        "y ~ g * poly(t, 2)",
        "y ~ np.log(g) * t",
        "np.log(y) ~ g * t",
        "y ~ g * t + (1 | u)",
        "y ~ {g} * t",
        "y ~ bs(g) * t",
        "y ~ g * t)",
        "y ~ C(g, Treatment(1)) * t",
        "y ~ .",
        "~",
        "\0",
    ],
    ids=lambda value: shown(value)[:20],
)
def test_a_formula_that_cannot_be_read_is_an_error_of_the_package(formula: Any) -> None:
    with pytest.raises(DesignError, match="formula="):
        did(pd.DataFrame({"y": [1.0]}), formula=formula)


@pytest.mark.parametrize("wrong", [*WRONG, 3, "g"], ids=lambda value: shown(value)[:20])
@pytest.mark.parametrize("argument", ["factors", "levels"])
def test_factors_and_their_levels_are_lists(argument: str, wrong: Any) -> None:
    stated = {"outcome": "y", "factors": ("a", "b")} | {argument: wrong}
    with pytest.raises(TwoByTwoError, match=argument):
        Design.interaction(**stated)


def test_no_groups_to_compare_are_refused() -> None:
    with pytest.raises(DesignError, match=r"treatment=\[\] names no group"):
        Design.compare(outcome="y", group="g", control="a", treatment=[])


def test_what_is_shown_is_short_and_never_fails() -> None:
    class Silent:
        def __repr__(self) -> str:
            raise RuntimeError

    assert shown(Silent()) == "a Silent"
    assert len(shown("x" * 10_000)) == 60


def test_sizes_and_flags() -> None:
    assert size(np.float32(2)) == 2.0
    assert size(2**5000) == float("inf")
    assert flag("f", value=False) is False
