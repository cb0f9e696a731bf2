"""The linear predictor: which effects make a cell's location, and how wide their priors are."""

from __future__ import annotations

import numpy as np

from twobytwo.ask.design import Design
from twobytwo.infer.predictors import coding

DID = Design.did(outcome="y", group="g", period="t", control=0, treatment=1, before=0, after=1)
TWO = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": (0, 1), "b": (0, 1)})


def test_the_last_effect_is_the_interaction_contrast() -> None:
    corners = np.array([1.0, -1.0, -1.0, 1.0])
    for design in (DID, TWO):
        matrix = coding(design).to_numpy().reshape(4, 4)
        np.testing.assert_allclose(corners @ matrix, [0, 0, 0, 1], atol=1e-12)
