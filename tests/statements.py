"""Statements made from draws that a test makes up: nothing is sampled and the right answer is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from twobytwo import Cells, Design, compress
from twobytwo.answer.headline import Headline
from twobytwo.answer.statement import headline
from twobytwo.check.crosscheck import Check
from twobytwo.check.gate import Gate, judge
from twobytwo.check.prior_sensitivity import PriorAnswer
from twobytwo.infer.effects import contrasts
from twobytwo.infer.families import family_of
from twobytwo.infer.fit import Fit
from twobytwo.infer.predictors import coding
from twobytwo.infer.priors import Priors

__all__ = [
    "ROBUST",
    "factorial",
    "gate",
    "how",
    "made_up",
    "paired",
    "prior_answers",
    "sections",
    "stated",
    "wide",
]

ROBUST = Check(method="welch_change", estimate=1.5, se=1.0, lower=-0.5, upper=3.5, assumes="")


def wide(n: int = 60, seed: int = 1, absent: int = 0) -> pd.DataFrame:
    """Half of the users in each arm; the last `absent` ones of the treated are seen before only."""
    rng = np.random.default_rng(seed)
    pre = rng.normal(100, 10, n)
    post = pre + rng.normal(2, 4, n)
    post[n - absent :] = np.nan
    return pd.DataFrame({"user": range(n), "arm": np.repeat([0, 1], n // 2), "pre": pre, "minutes": post})


@cache
def paired(**changes: Any) -> Cells:
    table = wide(absent=changes.pop("absent", 0))
    columns = {"before_column": "pre", "after_column": "minutes", "group": "arm", "unit": "user"}
    return compress(table, Design.did_wide(**(columns | {"measure": "min"} | changes)))


@cache
def sections(**changes: Any) -> Cells:
    rows = wide().melt(["user", "arm"], ["pre", "minutes"], var_name="when", value_name="y")
    columns = {"outcome": "y", "group": "arm", "period": "when", "before": "pre", "after": "minutes"}
    return compress(rows, Design.did(**(columns | changes)))


@cache
def factorial(**changes: Any) -> Cells:
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"user": range(80), "a": np.arange(80) % 2, "b": np.arange(80) // 40})
    rows["minutes"] = rng.normal(50, 5, 80)
    return compress(rows, Design.interaction(**({"outcome": "minutes", "factors": ("a", "b")} | changes)))


def made_up(cells: Cells, did: Any = None, family: str = "normal") -> Fit:
    """A fit with draws of our own: cells around 100, and the contrast as given."""
    rng = np.random.default_rng(3)
    did = rng.normal(1.5, 1.0, (4, 1000)) if did is None else did
    shape = (4, 1000)
    changes = family == "student_t" and cells.joint.size > 1
    if changes:
        control = rng.normal(2, 0.5, shape)
        values, dims = np.stack([control, control + did], axis=-1), cells.dims[:1]
    else:
        c0, c1, t0 = (rng.normal(100 + k, 0.5, shape) for k in range(3))
        values = np.stack([np.stack([c0, c1], -1), np.stack([t0, t0 + c1 - c0 + did], -1)], axis=-2)
        dims = cells.dims
    posterior = xr.Dataset(
        {"location": (("chain", "draw", *dims), values)},
        coords={dim: list(cells.coords[dim]) for dim in dims},
    )
    if family == "lognormal":
        posterior["location"] = np.log(posterior["location"])
        posterior["sigma"] = xr.zeros_like(posterior["location"])
    labels = ["trend", "did"] if changes else list(coding(cells.design)["effect"].to_numpy())
    posterior["effects"] = (("chain", "draw", "effect"), np.zeros((*shape, len(labels))))
    posterior = posterior.assign_coords(effect=labels)
    likelihood = family_of(family)
    return Fit(
        family=likelihood,
        priors=Priors(),
        cells=cells,
        model=None,  # type: ignore[arg-type] - a statement reads no model
        tree=xr.DataTree.from_dict({"posterior": posterior}),
        effects=contrasts(likelihood.values(posterior), cells.design),
    )


def prior_answers(*probabilities: float) -> list[PriorAnswer]:
    same = {"mean": 0.0, "lower": -1.0, "upper": 1.0, "p_harm": 0.5, "method": "fitted"}
    return [PriorAnswer(prior=f"prior {k}", p_material_harm=p, **same) for k, p in enumerate(probabilities)]


def stated(chosen: Fit, *gates: Gate, **changes: Any) -> Headline:
    arguments = {"robust": ROBUST, "priors": prior_answers(0.09, 0.13, 0.11), "ci_prob": 0.95} | changes
    # The same for every effect that is stated, unless they are told apart.
    for name in ("robust", "priors"):
        if not isinstance(arguments[name], dict):
            arguments[name] = {each.name: arguments[name] for each in chosen.cells.design.primary}
    return headline(chosen, gates, **arguments)


def how(found: Headline) -> str:
    return " ".join(found.how)


def gate(name: str, subject: Any, value: float, family: str | None = None) -> Gate:
    messages = {"pass": f"{name} is fine.", "fail": f"{name} is not fine."}
    return replace(judge(name, subject, value, messages), family=family)
