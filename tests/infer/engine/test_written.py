"""Models as they are written: equal only where their densities are, whoever wrote them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
from pytensor.tensor.random.op import RandomVariable
from small import TWO, cells

from twobytwo.data.cells import compress
from twobytwo.infer.engine.compiled import values_of
from twobytwo.infer.engine.written import Written, _described
from twobytwo.infer.families import FAMILIES, family_of, mixing
from twobytwo.infer.families.mixing import mixture_of_rows
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors


def written(model: pm.Model) -> Written:
    return Written.of(model, list(values_of(model).data))


# Without those that need zeros, or strata.
OF_AMOUNTS = [
    name
    for name, family in FAMILIES.items()
    if "amount" in family.kinds and not name.startswith("hurdle") and not family.of_strata
]


@pytest.mark.parametrize("name", OF_AMOUNTS)
def test_models_of_one_family_are_equal_whatever_the_data(name: str) -> None:
    y = np.random.default_rng(0).lognormal(3, 1, 4_000)
    rows = pd.DataFrame({"a": np.arange(4_000) % 2, "b": np.arange(4_000) // 2 % 2})
    tables = [compress(rows.assign(y=unit * y), TWO) for unit in (1.0, 60.0)]
    one, two = (written(build_model(table, family_of(name), Priors())) for table in tables)
    assert one.equals(two)


def test_models_of_two_families_are_not() -> None:
    one, two = (written(build_model(cells(), family_of(name), Priors())) for name in ("normal", "lognormal"))
    assert not one.equals(two)


# Densities of one's own


def own(**stated: Any) -> Written:
    with pm.Model() as made:
        mean = pm.Normal("mean", 0, 1)
        pm.CustomDist("y", mean, observed=pm.Data("seen", np.ones(3)), **stated)
    return written(made)


def test_a_function_of_the_users_is_never_taken_for_the_same() -> None:
    """It may refer to what has changed since."""

    def density(value: Any, mean: Any) -> Any:
        return -((value - mean) ** 2) * scale

    scale = 1.0
    one = own(logp=density)
    scale = 2.0
    assert not one.equals(own(logp=density))


def test_nor_is_one_that_bears_the_name_of_a_library() -> None:
    wrapped = functools.wraps(pm.logp)(lambda value, mean: -((value - mean) ** 2))
    assert not own(logp=wrapped).equals(own(logp=wrapped))
    nowhere: dict[str, Any] = {}
    exec("def density(value, mean): return -(value - mean) ** 2", nowhere)
    assert not own(logp=nowhere["density"]).equals(own(logp=nowhere["density"]))


def test_a_density_that_follows_from_its_draws_is_compared_by_these() -> None:
    one, ten = (
        own(dist=lambda mean, size, factor=factor: pm.Normal.dist(factor * mean, 1, size=size))
        for factor in (1, 10)
    )
    assert not one.equals(ten)


def test_a_class_of_distributions_can_be_written_anew() -> None:
    """In a notebook its density changes while its operation stays."""

    class Operation(RandomVariable):
        name = "own"
        signature = "()->()"
        dtype = "floatX"

    operation = Operation()

    def model(factor: float) -> Written:
        class Own(pm.Continuous):
            rv_op = operation

            @classmethod
            def dist(cls, mean: Any, **options: Any) -> Any:
                return super().dist([mean], **options)

            def logp(value: Any, mean: Any) -> Any:  # noqa: N805 - as PyMC has it
                return -factor * (value - mean) ** 2

        with pm.Model() as made:
            Own("y", pm.Normal("mean", 0, 1), observed=pm.Data("seen", np.ones(3)))
        return written(made)

    assert not model(1.0).equals(model(2.0))


def test_a_function_of_the_package_is_the_same_where_what_it_computes_by_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = _described(mixture_of_rows(2, 5))
    assert known == _described(mixture_of_rows(2, 5))
    assert known != _described(mixture_of_rows(3, 5))
    assert known != _described(mixture_of_rows(2, 0))
    monkeypatch.setattr(mixing, "_ndtr", lambda x: x)
    assert known != _described(mixture_of_rows(2, 5))


def test_what_a_function_takes_by_keyword_and_looks_up_inside_counts() -> None:
    def made(by_keyword: int, inside: int) -> Any:
        names = {"__name__": "twobytwo.made", "inside": inside}
        exec(f"def f(x, *, k={by_keyword}): return [inside for _ in x]", names)
        return _described(names["f"])

    assert made(1, 1) == made(1, 1)
    assert made(1, 1) != made(2, 1)
    assert made(1, 1) != made(1, 2)


# What is no data


@pytest.mark.parametrize("kind", ["array", "shared"])
def test_a_constant_is_what_it_was_when_the_model_was_written(kind: str) -> None:
    """An array of the user's that is changed in place is not the one that was compiled."""
    offset = np.zeros(3)
    added = pytensor.shared(offset, borrow=True) if kind == "shared" else offset

    def model() -> Written:
        with pm.Model() as made:
            pm.Normal("y", pm.Normal("mean", 0, 1) + added, 1.0, observed=pm.Data("seen", np.ones(3)))
        return written(made)

    one = model()
    assert one.equals(model())
    offset += 10
    assert not one.equals(model())
