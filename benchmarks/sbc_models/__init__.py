"""Models of simulation-based calibration: how parameters and rows are drawn, written a second time.

Nothing here is taken from the package but its names and the constants of its priors. What the package centres
and scales by the data (prior means, thresholds of tails, edges of strata) is fixed, so that parameters can be
drawn before there are data.
"""

from __future__ import annotations

from collections.abc import Mapping

from sbc_models.base import RANKS, ROWS, Drawn, Floats, Model, location, rank
from sbc_models.plain import Gamma, LogNormal, Normal, StudentT
from sbc_models.scorecard import Scorecard
from sbc_models.strata import Stratified
from sbc_models.tails import Mixture, MixturePairs, Tail
from sbc_models.zeros import (
    Binomial,
    HurdleGamma,
    HurdleLogNormal,
    HurdleNegativeBinomial,
    NegativeBinomial,
)

__all__ = ["MODELS", "RANKS", "ROWS", "Drawn", "Floats", "Model", "Scorecard", "location", "rank"]

# Rows of a cell, users of a group.
SIZES: Mapping[str, Mapping[type[Model], int]] = {
    "rows": {
        Normal: 30,
        LogNormal: 30,
        Gamma: 30,
        StudentT: 40,
        HurdleLogNormal: 50,
        HurdleGamma: 50,
        Binomial: 50,
        NegativeBinomial: 40,
        HurdleNegativeBinomial: 60,
        Mixture: 120,
        Tail: 300,
    },
    "pairs": {
        Normal: 30,
        LogNormal: 30,
        Gamma: 40,
        StudentT: 60,
        HurdleLogNormal: 120,
        HurdleGamma: 120,
        Binomial: 60,
        MixturePairs: 150,
        Tail: 300,
    },
    "randomised pairs": {Normal: 30, Stratified: 400},
}
MODELS: dict[str, Model | Scorecard] = {
    f"{getattr(kind.family, 'name', kind.family)}, {words}": kind(words, n)
    for words, sizes in (SIZES | {"factorial": SIZES["rows"]}).items()
    for kind, n in sizes.items()
} | {"joint normal, scorecard": Scorecard(1_000)}
