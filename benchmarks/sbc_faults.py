"""Faults planted in the package, which simulation-based calibration must find."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from twobytwo.ask.contrast import Contrast
from twobytwo.data.bins import Bins
from twobytwo.infer import predictors
from twobytwo.infer.families import gaussian as gaussian_module
from twobytwo.infer.families import normal as normal_module
from twobytwo.infer.families import stratified as stratified_module
from twobytwo.infer.families.lognormal import LogNormal


@contextmanager
def patched(where: Any, name: str, by: Any) -> Iterator[None]:
    """Put something else in place of a function for a while."""
    kept = getattr(where, name)
    setattr(where, name, by)
    try:
        yield
    finally:
        setattr(where, name, kept)


@dataclass(frozen=True)
class Fault:
    """What is put in place of what, and the model that it is looked for in."""

    model: str
    where: Any
    name: str
    by: Any


_observe, _value = normal_module.observe_gaussian, Contrast.value
_prior_sd, _points = predictors.prior_sd, Bins.points
_adjusted = stratified_module.adjusted


def _without_the_mean_of_the_tail(_: Any, posterior: Any) -> Any:
    return {"mean": np.exp(posterior["location"])}


def _variance_for_sd(cells: Any, kind: Any, location: Any, sd: Any) -> Any:
    return _observe(cells, kind, location, sd**0.5)


def _flipped(self: Contrast, cell: Any) -> Any:
    return -_value(self, cell)


def _ten_times_wider(*arguments: Any, **named: Any) -> Any:
    return [10 * width for width in _prior_sd(*arguments, **named)]


def _without_the_fullest_bin(self: Bins, *arguments: Any) -> Any:
    """Lose the bin of the treated after that has most rows."""
    points = _points(self, *arguments).copy(deep=True)
    weight = points["weight"].to_numpy()[-1, -1]
    weight[weight.argmax()] = 0.0
    return points


def own_variation(strata: Any) -> Any:
    """Take the error of a stratum's effect from each arm's own coefficient of variation."""
    found = _adjusted(strata)
    n, y, xx, xy, yy = (strata[name].to_numpy() for name in ("n", "y", "xx", "xy", "yy"))
    slope = (xy.sum(axis=1) / xx.sum(axis=1))[:, None]
    own = (yy - 2 * slope * xy + slope**2 * xx) / (n - 1) / y**2
    common = found["cv"].to_numpy()[:, None] ** 2
    return found.assign(hat=found["hat"] * (own / n).sum(axis=1) / (common / n).sum(axis=1))


def _unrelated(_: Any, j: int) -> dict[int, Any]:
    """Take a user's second value as if it knew nothing of the first."""
    return dict.fromkeys(range(j), 0.0)


FAULTS = {
    "σ²/2 dropped from the lognormal mean": Fault(
        "lognormal, rows", LogNormal, "values", _without_the_mean_of_the_tail
    ),
    "variance taken for the standard deviation": Fault(
        "normal, rows", normal_module, "observe_gaussian", _variance_for_sd
    ),
    "sign of the contrast flipped": Fault("normal, rows", Contrast, "value", _flipped),
    "prior ten times too wide": Fault("normal, rows", predictors, "prior_sd", _ten_times_wider),
    "pairing ignored": Fault("normal, pairs", gaussian_module, "_coefficients", _unrelated),
    "a bin's weight lost": Fault("negative_binomial, rows", Bins, "points", _without_the_fullest_bin),
}
# Found by a law of its own, `strata_law.lean`.
OWN_VARIATION = "a coefficient of variation for each arm"
