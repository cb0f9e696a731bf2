"""What was drawn comes back with the model's names, dims and data."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow
from small import QUICK, cells

from twobytwo.infer.engine.sampling import sample
from twobytwo.infer.engine.tree import read_trace
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors


def test_the_tree_is_what_arviz_expects() -> None:
    tree = sample(build_model(cells(), Normal(), Priors()), QUICK)
    assert set(tree.children) == {"posterior", "sample_stats", "observed_data", "constant_data"}
    posterior = tree["posterior"]
    assert posterior.sizes == {"chain": 2, "draw": 300, "effect": 4, "a": 2, "b": 2}
    assert set(posterior.data_vars) == {"effects", "log_sd", "location"}
    assert set(tree["observed_data"].data_vars) == {"sample_mean", "sample_ss"}
    assert {"n", "effects_prior_sd"} <= set(tree["constant_data"].data_vars)
    for name in ("diverging", "energy", "lp", "tree_depth", "n_steps", "step_size", "acceptance_rate"):
        assert tree["sample_stats"][name].sizes == {"chain": 2, "draw": 300}
    attributes = tree["sample_stats"].attrs
    assert attributes["inference_library"] == "nutpie"
    assert attributes["seconds_sampling"] > 0


def test_deterministic_variables_follow_from_the_free_ones() -> None:
    model = build_model(cells(), Normal(), Priors())
    posterior = sample(model, QUICK)["posterior"].to_dataset()
    (m00, m01), (m10, m11) = (
        [posterior["location"].isel(a=a, b=b, drop=True) for b in (0, 1)] for a in (0, 1)
    )
    contrast = ((m11 - m10) - (m01 - m00)) / float(model["scale"].get_value())
    np.testing.assert_allclose(contrast, posterior["effects"].isel(effect=-1), rtol=1e-9)


def test_of_an_interrupted_sampler_every_chain_gives_what_the_slowest_has() -> None:
    """Without the warm-up, which is as long in each."""
    names = ("diverging", "energy", "logp", "depth", "n_steps", "step_size", "mean_tree_accept")

    def chain(draws: int) -> tuple[pyarrow.RecordBatch, pyarrow.RecordBatch]:
        step = np.arange(2 + draws, dtype=float)
        vectors = pyarrow.FixedSizeListArray.from_arrays(np.repeat(step, 3), 3)
        statistics = {"tuning": step < 2} | dict.fromkeys(names, step)
        return pyarrow.record_batch({"x": vectors}), pyarrow.record_batch(statistics)

    draws, statistics = zip(chain(5), chain(4), strict=True)
    x, stats = read_trace(SimpleNamespace(get_arrow_trace=lambda: (list(draws), list(statistics))))
    assert x.shape == (2, 4, 3)
    np.testing.assert_array_equal(x[..., 0], [[2, 3, 4, 5]] * 2)
    np.testing.assert_array_equal(stats["lp"], x[..., 1])
    assert set(stats) >= {"lp", "tree_depth", "acceptance_rate"}

    draws, statistics = zip(chain(5), chain(0), strict=True)
    x, _ = read_trace(SimpleNamespace(get_arrow_trace=lambda: (list(draws), list(statistics))))
    assert x.shape[:2] == (2, 0)
