"""Weakly informative priors on effects, scaled by the metric's mean so that units do not matter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from twobytwo.ask.arguments import shown, size, text
from twobytwo.errors import DesignError, nearest

__all__ = ["PRESETS", "Priors"]


# What the presets say instead of the defaults.
_PRESETS: Mapping[str, Mapping[str, float]] = {
    "default": {},
    "flat": {
        "baseline": 10.0,
        "effect": 10.0,
        "gap": 10.0,
        "interaction": 5.0,
        "activity": 5.0,
        "activity_interaction": 2.5,
    },
    "sceptical": {"effect": 0.3, "interaction": 0.15, "activity": 0.15, "activity_interaction": 0.075},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Priors:
    """Standard deviations of the effects' normal priors, as multiples of the pooled mean.

    An effect of 1 is as large as the metric's mean itself (for families with a log link: a factor of
    e). Scaling by the standard deviation instead would, for a metric whose standard deviation is four
    times its mean, allow effects of many times the mean.

    Parameters
    ----------
    name
        How results call these priors.
    baseline
        Of the baseline mean, around the pooled mean.
    effect
        Of main effects, of the trend, and of the difference-in-differences.
    gap, randomised_gap
        Of the gap between the groups before the treatment, and what it becomes where the groups were
        drawn at random. A free gap is difference-in-differences; a gap of practically zero is analysis
        of covariance (CUPED): one model, one dial (Coffman et al. 2016).
    interaction
        Of the interaction of two experiments; half of a main effect's by default.
    activity, activity_interaction
        Of the effects on the log-odds that an outcome is not zero, for families with zeros, or that it is 1,
        for shares; and of the interaction of two experiments on them.
    spread
        Of a cell's log standard deviation (log scale, Student-t), around the pooled one.

    Raises
    ------
    DesignError
        If a standard deviation is not positive and finite.

    Examples
    --------
    >>> Priors.of("sceptical").effect
    0.3
    >>> Priors(name="ours", effect=0.1, interaction=0.05).baseline
    1.0
    """

    name: str = "own"
    baseline: float = 1.0
    effect: float = 1.0
    gap: float = 1.0
    randomised_gap: float = 0.002
    interaction: float = 0.5
    activity: float = 0.5
    activity_interaction: float = 0.25
    spread: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "name" and not 0 < size(value) < math.inf:
                msg = f"Prior standard deviation {field.name}={shown(value)} must be positive and finite."
                raise DesignError(msg)
        preset = _PRESETS.get(text("name", self.name))
        if preset is None:
            return
        for field in fields(self):
            wanted = preset.get(field.name, field.default)
            if field.name != "name" and getattr(self, field.name) != wanted:
                msg = (
                    f"name={self.name!r} is the preset whose {field.name} is {wanted:g}, not "
                    f"{getattr(self, field.name):g}; give priors of your own another name."
                )
                raise DesignError(msg)

    @classmethod
    def of(cls, priors: str | Priors) -> Priors:
        """Give a preset by name, or the priors themselves.

        Parameters
        ----------
        priors
            ``"default"``, ``"flat"`` (ten times wider), ``"sceptical"`` (effects of 0.3), or priors.

        Returns
        -------
        Priors
            The priors.

        Raises
        ------
        DesignError
            If there is no preset of that name.
        """
        if isinstance(priors, Priors):
            return priors
        if not isinstance(priors, str) or priors not in PRESETS:
            known = ", ".join(map(repr, PRESETS))
            msg = f"priors={priors!r} is unknown; use one of {known} or a Priors.{nearest(priors, PRESETS)}"
            raise DesignError(msg)
        return PRESETS[priors]


PRESETS: Mapping[str, Priors] = {name: Priors(name=name, **widths) for name, widths in _PRESETS.items()}
