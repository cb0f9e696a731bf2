"""Every check of an answer, by what a refusal of it is about."""

from twobytwo.check.gate import THRESHOLDS, Gate, Threshold, judge, refused
from twobytwo.check.gates.data import data_gates
from twobytwo.check.gates.estimand import estimand_gates
from twobytwo.check.gates.family import family_gates, foreseen
from twobytwo.check.gates.prior import prior_gates, trend_gates
from twobytwo.check.gates.sampler import sampler_gates

__all__ = [
    "THRESHOLDS",
    "Gate",
    "Threshold",
    "data_gates",
    "estimand_gates",
    "family_gates",
    "foreseen",
    "judge",
    "prior_gates",
    "refused",
    "sampler_gates",
    "trend_gates",
]
