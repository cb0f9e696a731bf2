"""From draws of an effect to what a stakeholder acts on: probabilities, losses, one paragraph."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Literal

import arviz_stats
import numpy as np
import numpy.typing as npt
import xarray as xr

from twobytwo.ask.arguments import shown
from twobytwo.ask.design import Design
from twobytwo.ask.units import counted
from twobytwo.errors import DesignError

if TYPE_CHECKING:
    # How numbers are written is asked where no model is: the checks of a plan load no PyMC.
    from twobytwo.infer.effects import Effects

__all__ = [
    "Decision",
    "Probability",
    "decide",
    "format_number",
    "format_probability",
    "format_value",
    "probability",
    "probability_of_best",
    "resolution",
    "verdict",
    "winners",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probability:
    """A posterior probability with its Monte-Carlo standard error.

    Examples
    --------
    >>> str(Probability(value=0.1134, mcse=0.004))
    '11 %'
    """

    value: float
    mcse: float

    def __str__(self) -> str:
        return format_probability(self.value, self.mcse)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an effect means for the harm that was feared.

    Parameters
    ----------
    effect, label, unit
        Which effect, in words, and the unit of its size.
    harm
        The direction that is bad.
    margin
        Smallest harm that matters, in units of the outcome.
    p_harm, p_material_harm
        Probability that the effect is on the harm side of zero, and beyond the margin.
    p_negligible
        Probability that the effect is within ± margin (the region of practical equivalence).
    expected_loss
        Posterior mean of ``max(0, harm)``, in units of the outcome.
    """

    effect: str
    label: str
    unit: str
    harm: str
    margin: float
    p_harm: Probability
    p_material_harm: Probability
    p_negligible: Probability
    expected_loss: float

    @property
    def text(self) -> str:
        """One sentence; not a p-value, and not the share of users harmed."""
        beyond = f" by more than {counted(f'{self.margin:g}', self.unit)}" if self.margin else ""
        return (
            f"The probability of a{'n' if self.harm == 'increase' else ''} {self.harm}{beyond} "
            f"({self.label}) is {self.p_material_harm}; the expected loss is "
            f"{counted(f'{self.expected_loss:.3g}', self.unit)}."
        )

    def __str__(self) -> str:
        return self.text


def probability(event: xr.DataArray, draws: xr.DataArray) -> Probability:
    """Probability of an event, with ``MCSE = √(p (1 − p) / ESS)``.

    Parameters
    ----------
    event
        Booleans, dims ``chain`` and ``draw``.
    draws
        The quantity the event is about; its effective sample size is used where the event itself
        never or always happens.

    Returns
    -------
    Probability
        Share of draws and its standard error. With k events in n draws the error is computed at
        ``(k + ½)/(n + 1)``: a share of zero draws is not known without error.

    Raises
    ------
    DesignError
        If the event is not one boolean for each draw.
    """
    if not isinstance(event, xr.DataArray) or event.dtype != bool:
        msg = f'event={shown(event)} must be true or false for each draw, such as result.effects["did"] > 3.'
        raise DesignError(msg)
    share = float(event.mean())
    constant = share in (0.0, 1.0)
    ess = float(arviz_stats.ess(draws if constant else event.astype(float)))
    inner = (share * event.size + 0.5) / (event.size + 1)
    return Probability(value=share, mcse=math.sqrt(inner * (1 - inner) / ess))


def decide(
    effects: Effects, design: Design, *, margin: float | None = None, effect: str | None = None
) -> Decision:
    """State how likely and how large the harm is.

    Parameters
    ----------
    effects
        Labelled draws.
    design
        Says which direction is harmful, and the margin stated beforehand.
    margin
        Another margin, in units of the outcome; None takes the design's, or 0.
    effect
        Name of an additive effect; None takes the headline.

    Returns
    -------
    Decision
        Probabilities with Monte-Carlo errors and the expected loss.

    Raises
    ------
    DesignError
        If the margin is negative or the effect unknown or not additive.
    """
    name = effect or effects.headline
    draws = effects[name]
    if draws.attrs["scale"] != "additive":
        msg = f"effect={name!r} is on the {draws.attrs['scale']} scale; harm is judged on additive ones."
        raise DesignError(msg)
    margin = (design.metric.margin or 0.0) if margin is None else margin
    if not isinstance(margin, Real) or not margin >= 0:
        msg = f"margin={margin!r} must be at least 0: a number in units of the outcome."
        raise DesignError(msg)
    harm = design.metric.harm_sign * draws
    return Decision(
        effect=name,
        label=draws.attrs["label"],
        unit=draws.attrs["unit"],
        harm=design.metric.harm,
        margin=margin,
        p_harm=probability(harm > 0, draws),
        p_material_harm=probability(harm > margin, draws),
        p_negligible=probability(abs(draws) <= margin, draws),
        expected_loss=float(harm.clip(min=0).mean()),
    )


def probability_of_best(effects: Effects, design: Design) -> dict[str, float]:
    """Probability, for each group of a comparison, that no other group has a better mean.

    Parameters
    ----------
    effects
        Labelled draws, with an effect against the control group for each of the others.
    design
        A comparison; its `harm` says which direction is better.

    Returns
    -------
    dict
        By level, the control group first; they sum to 1.
    """
    over_control = np.stack([effects[contrast.name].to_numpy().ravel() for contrast in design.primary])
    return dict(zip(design.factors[0].labels, winners(over_control, design.metric.harm_sign), strict=True))


def winners(over_control: npt.NDArray[np.float64], harm_sign: int) -> list[float]:
    """Give the share of the draws in which a group has the best mean, the control group first.

    Parameters
    ----------
    over_control
        Effects against the control group; shape (treatments, draws).
    harm_sign
        1 if more is worse, -1 if less is.

    Examples
    --------
    >>> winners(np.array([[1.0, -1.0, 2.0, -3.0], [0.5, 2.0, 1.0, -1.0]]), -1)
    [0.25, 0.5, 0.25]
    """
    # The control group's effect against itself.
    better = -harm_sign * np.vstack([np.zeros(over_control.shape[1]), over_control])
    won = np.bincount(better.argmax(axis=0), minlength=len(better))
    return [float(share) for share in won / better.shape[1]]


def verdict(p_material_harm: float, max_probability: float = 0.05) -> Literal["harm", "no harm", "open"]:
    """Decide as a guardrail does.

    Parameters
    ----------
    p_material_harm
        Probability of harm beyond the margin.
    max_probability
        No harm up to this probability, harm from one minus it on.

    Examples
    --------
    >>> verdict(0.97), verdict(0.5), verdict(0.01)
    ('harm', 'open', 'no harm')
    """
    if p_material_harm >= 1 - max_probability:
        return "harm"
    return "no harm" if p_material_harm <= max_probability else "open"


def format_probability(value: float, mcse: float = 0.0) -> str:
    """Write a probability in per cent, with no more digits than it is known to.

    Examples
    --------
    >>> format_probability(0.11), format_probability(0.0), format_probability(0.9999)
    ('11 %', '< 0.1 %', '> 99.9 %')
    >>> format_probability(0.0042, mcse=0.001), format_probability(0.0042, mcse=0.01)
    ('0.4 %', '< 1 %')
    >>> format_probability(0.0097), format_probability(0.0103)
    ('1 %', '1 %')
    """
    if value < 0.001:
        return "< 0.1 %"
    if value > 0.999:
        return "> 99.9 %"
    # What rounds to 1.0 % is written as 1 %, like everything above it.
    if 0.0095 <= value <= 0.9905:
        return f"{100 * value:.0f} %"
    if mcse < 0.005:
        return f"{100 * value:.1f} %"
    # Rounded to whole per cents it would be 0 or 100, which no share of draws can show.
    return "< 1 %" if value < 0.5 else "> 99 %"


def resolution(draws: xr.DataArray) -> float:
    """Give the size below which an effect's digits tell nothing; all its numbers are rounded by it.

    Parameters
    ----------
    draws
        Of the effect, dims ``chain`` and ``draw``.

    Returns
    -------
    float
        A twentieth of the posterior's standard deviation, or the Monte-Carlo error where that is larger. With
        `format_number` the estimate, its interval and what other methods say then have as many decimals as
        leave the standard deviation one or two digits.

    Examples
    --------
    >>> draws = xr.DataArray(np.random.default_rng(1).normal(24.5, 7.0, (4, 1000)), dims=("chain", "draw"))
    >>> format_number(24.53, resolution(draws))
    '25'
    """
    return max(float(draws.std(ddof=1)) / 20, float(arviz_stats.mcse(draws)))


def format_number(value: float, error: float, *, sign: bool = False) -> str:
    """Write a number with no more decimals than its error allows.

    Parameters
    ----------
    value
        The number.
    error
        What it is known to, in the same unit; see `resolution`.
    sign
        Whether to write a plus sign.

    Examples
    --------
    >>> format_number(223.178, 0.35, sign=True), format_number(-3.0042, 0.0014)
    ('+223', '-3.00')
    """
    decimals = max(0, -math.floor(math.log10(error)) - 1) if error > 0 else 2
    plus = "+" if sign else ""
    if decimals > 6 or abs(value) >= 1e7:
        return f"{value:{plus}.3g}"
    # Adding 0 takes the sign from a negative number that is rounded to nothing.
    return f"{round(value, decimals) + 0.0:{plus},.{decimals}f}"


def format_value(value: float, *, sign: bool = False) -> str:
    """Write a number whose error nobody told to four digits, and never with a power of ten: people read it.

    Examples
    --------
    >>> format_value(39_381.6), format_value(0.012345), format_value(5.0, sign=True)
    ('39,380', '0.01235', '+5')
    """
    return f"{float(f'{value:.4g}'):{'+' if sign else ''},.15g}"
