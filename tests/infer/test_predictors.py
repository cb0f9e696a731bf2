"""The linear predictor: which effects make a cell's location, and how wide their priors are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.cells import compress
from twobytwo.infer.predictors import Reference, add_predictor, coding
from twobytwo.infer.priors import Priors

DID = Design.did(outcome="y", group="g", period="t", control=0, treatment=1, before=0, after=1)
TWO = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": (0, 1), "b": (0, 1)})


def test_the_last_effect_is_the_interaction_contrast() -> None:
    corners = np.array([1.0, -1.0, -1.0, 1.0])
    for design in (DID, TWO):
        matrix = coding(design).to_numpy().reshape(4, 4)
        np.testing.assert_allclose(corners @ matrix, [0, 0, 0, 1], atol=1e-12)


def test_effects_measured_from_elsewhere_have_their_prior() -> None:
    """At the same effects the densities are equal, wherever other parameters put the middle."""
    frame = pd.DataFrame(
        {"y": [1.0, 2.0, 3.0, 4.0] * 4, "a": np.arange(16) // 8, "b": np.arange(16) // 4 % 2}
    )
    cells = compress(frame, TWO)
    reference = Reference.identity(cells, cells.moments()["mean"])
    coords = {"a": ["0", "1"], "b": ["0", "1"], "effect": range(4)}
    with pm.Model(coords=coords) as plain:
        pm.Normal("z")
        add_predictor("location", cells, reference, Priors())
    with pm.Model(coords=coords) as moved:
        middle = pm.Normal("z") ** 2 * np.array([[1.0, 2.0], [-3.0, 4.0]])
        add_predictor("location", cells, reference, Priors(), middle)
    away, z = np.array([0.3, -0.2, 0.5, 0.1]), 1.7
    inputs = {"z": np.array(z), "effects_away": away}
    graphs = moved.replace_rvs_by_values([moved["effects"], moved["location"]])
    found = moved.compile_fn(graphs, inputs=moved.value_vars, mode="FAST_COMPILE")
    effects, location = found(inputs)
    there = z**2 * np.array([[1.0, 2.0], [-3.0, 4.0]])
    np.testing.assert_allclose(location - there, reference.scale * (coding(TWO).to_numpy() * away).sum(-1))
    own = plain.compile_logp(mode="FAST_COMPILE")({"z": np.array(z), "effects": effects})
    assert float(moved.compile_logp(mode="FAST_COMPILE")(inputs)) == pytest.approx(float(own), rel=1e-12)
