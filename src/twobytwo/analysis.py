"""The two questions, from a table to a statement: the only place where the rooms meet."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import pymc as pm
import xarray as xr
from arviz_stats import mcse

from twobytwo import crosscheck as checks
from twobytwo import gates as gating
from twobytwo.cells import Cells, compress
from twobytwo.decisions import Decision, Probability, decide, format_number, probability
from twobytwo.design import Design, Harm, parse_formula
from twobytwo.effects import Effects
from twobytwo.errors import DesignError
from twobytwo.families import Family, Normal, family_of
from twobytwo.fit import Fit, fit
from twobytwo.gates import Gate
from twobytwo.priors import Priors
from twobytwo.sampling import SamplerOptions
from twobytwo.sensitivity import PriorAnswer, across_priors, table

__all__ = ["Analysis", "Headline", "Options", "analyze", "did", "interaction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to answer, as opposed to what is asked.

    Parameters
    ----------
    family
        Name of a family, or a family.
    priors
        ``"default"``, ``"flat"``, ``"sceptical"``, or priors.
    ci_prob
        Probability of every interval.
    sampler
        Draws, chains, seed, progress bar.

    Raises
    ------
    DesignError
        If `ci_prob` is not between 0 and 1, or a name is unknown.

    Examples
    --------
    >>> Options(priors="flat").ci_prob
    0.95
    """

    family: str | Family = "normal"
    priors: str | Priors = "default"
    ci_prob: float = 0.95
    sampler: SamplerOptions = SamplerOptions()

    def __post_init__(self) -> None:
        if not 0 < self.ci_prob < 1:
            msg = f"ci_prob={self.ci_prob!r} must be between 0 and 1, such as 0.95."
            raise DesignError(msg)
        family_of(self.family)
        Priors.of(self.priors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The one answer that is stated.

    Parameters
    ----------
    status
        ``"ok"``; ``"fallback"`` if the family asked for was refused and the normal answers instead; or
        ``"refused"``, and then every number is None.
    statement
        What a stakeholder reads.
    """

    status: Literal["ok", "fallback", "refused"]
    family: str
    estimand: str
    effect: str
    scale: str
    unit: str
    mean: float | None
    median: float | None
    sd: float | None
    ci_prob: float
    ci: tuple[float, float] | None
    margin: float
    p_harm: float | None
    p_harm_mcse: float | None
    p_material_harm: float | None
    expected_loss: float | None
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """An answered question.

    Parameters
    ----------
    design, cells, options
        What was asked, of which data, and how.
    fit
        The fit that the headline is made of.
    refused_fit
        The fit of the family asked for, where its gates refused it and `fit` replaced it.
    gates
        Every check, of the headline's fit and of the data; a refused family's come first.
    priors
        The headline under each preset.
    headline
        The answer.
    """

    design: Design
    cells: Cells
    options: Options
    fit: Fit
    refused_fit: Fit | None
    gates: tuple[Gate, ...]
    priors: tuple[PriorAnswer, ...]
    headline: Headline

    @property
    def effects(self) -> Effects:
        """Labelled draws of every effect."""
        return self.fit.effects

    @property
    def posterior(self) -> xr.DataTree:
        """Draws with sampler statistics and data; any ArviZ function takes it."""
        return self.fit.tree

    @property
    def model(self) -> pm.Model:
        """The PyMC model."""
        return self.fit.model

    @property
    def statement(self) -> str:
        """What a stakeholder reads."""
        return self.headline.statement

    def summary(self, ci_prob: float | None = None) -> pd.DataFrame:
        """Summarise every effect; see `twobytwo.effects.Effects.summary`."""
        return self.effects.summary(self.options.ci_prob if ci_prob is None else ci_prob)

    def harm(self, margin: float | None = None, effect: str | None = None) -> Decision:
        """State how likely and how large the harm is; see `twobytwo.decisions.decide`."""
        return decide(self.effects, self.design, margin=margin, effect=effect)

    def probability(self, event: xr.DataArray) -> Probability:
        """Probability of any event stated on the effects' draws, such as ``effects["did"] > 3``."""
        return probability(event, self.effects[self.effects.headline])

    def crosscheck(self) -> checks.Crosscheck:
        """Set the posterior beside least squares and the bootstrap."""
        return _crosscheck(self.fit, self.options)

    def sensitivity(self) -> pd.DataFrame:
        """Show the headline under other priors, one row a prior."""
        return table(self.priors)

    def __str__(self) -> str:
        return self.statement


def did(  # noqa: PLR0913 - the public face: one keyword per thing that a reader would say
    data: Any,
    *,
    outcome: str | None = None,
    group: str | None = None,
    period: str | None = None,
    formula: str | None = None,
    control: Hashable = None,
    treatment: Hashable = None,
    before: Hashable = None,
    after: Hashable = None,
    unit: str | None = None,
    harm: Harm = "decrease",
    margin: float | None = None,
    measure: str = "",
    family: str | Family = "normal",
    priors: str | Priors = "default",
    ci_prob: float = 0.95,
    **sampler: Any,
) -> Analysis:
    """Ask whether the treated group changed more than the control group.

    Parameters
    ----------
    data
        pandas or polars DataFrame, Arrow table, DuckDB relation, Ibis table, or a path or glob to
        Parquet or CSV files; one row per user and period.
    outcome, group, period
        Names of the columns.
    formula
        Instead of these three: ``"outcome ~ group * period"``, group first.
    control, treatment, before, after
        Levels of the group and the period, where their names leave any doubt.
    unit
        Column that identifies the user.
    harm
        Which direction of the outcome is bad.
    margin
        Smallest harm that matters, in units of the outcome.
    measure
        The outcome's unit, such as ``"minutes"``.
    family
        ``"normal"`` (safe for the mean), ``"lognormal"``, ``"student_t"``, or a family.
    priors
        ``"default"``, ``"flat"``, ``"sceptical"``, or priors.
    ci_prob
        Probability of every interval.
    **sampler
        Of `twobytwo.SamplerOptions`: ``draws``, ``tune``, ``chains``, ``random_seed``,
        ``progressbar``.

    Returns
    -------
    Analysis
        Posterior, effects, decision, checks.

    Raises
    ------
    DesignError
        If the question cannot be asked this way.
    DataError
        If these rows cannot answer it.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> result = tbt.did(
    ...     tbt.simulate.active_minutes(), outcome="minutes", group="variant", period="period", margin=5
    ... )
    >>> str(result.harm().p_harm)
    '< 0.1 %'
    """
    if formula is not None:
        outcome, group, period = _from_formula(formula, outcome, group, period)
    design = Design.did(
        outcome=_required("outcome", outcome),
        group=_required("group", group),
        period=_required("period", period),
        control=control,
        treatment=treatment,
        before=before,
        after=after,
        unit=unit,
        harm=harm,
        margin=margin,
        measure=measure,
    )
    return analyze(data, design, _options(family, priors, ci_prob, sampler))


def interaction(  # noqa: PLR0913 - the public face: one keyword per thing that a reader would say
    data: Any,
    *,
    outcome: str | None = None,
    factors: Sequence[str] | None = None,
    formula: str | None = None,
    levels: Mapping[str, tuple[Hashable, Hashable]] | None = None,
    unit: str | None = None,
    harm: Harm = "decrease",
    margin: float | None = None,
    measure: str = "",
    family: str | Family = "normal",
    priors: str | Priors = "default",
    ci_prob: float = 0.95,
    **sampler: Any,
) -> Analysis:
    """Ask whether two concurrent experiments help or cannibalise each other.

    Parameters
    ----------
    data
        A table, as for `did`; one row per user.
    outcome, factors
        Names of the metric's column and of the two experiments' columns.
    formula
        Instead of these: ``"outcome ~ a * b"``.
    levels
        For each experiment whose level names leave any doubt: (without it, with it).
    unit, harm, margin, measure, family, priors, ci_prob, **sampler
        As for `did`.

    Returns
    -------
    Analysis
        Posterior, effects, decision, checks.

    Raises
    ------
    DesignError
        If the question cannot be asked this way.
    DataError
        If these rows cannot answer it.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> result = tbt.interaction(
    ...     tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    ... )
    >>> result.summary().loc["interaction", "upper"] < -2.5
    np.True_
    """
    if formula is not None:
        first, second = factors if factors is not None else (None, None)
        outcome, first, second = _from_formula(formula, outcome, first, second)
        factors = (first, second)
    design = Design.interaction(
        outcome=_required("outcome", outcome),
        factors=_required("factors", factors),
        levels=levels,
        unit=unit,
        harm=harm,
        margin=margin,
        measure=measure,
    )
    return analyze(data, design, _options(family, priors, ci_prob, sampler))


def analyze(data: Any, design: Design, options: Options | None = None) -> Analysis:
    """Answer a question that is stated as a `Design`.

    Parameters
    ----------
    data
        A table, as for `did`; or `Cells` compressed earlier for the same design.
    design
        The question.
    options
        How to answer it.

    Returns
    -------
    Analysis
        Posterior, effects, decision, checks.

    Raises
    ------
    DesignError, DataError
        As for `did`.

    Examples
    --------
    >>> from twobytwo import simulate
    >>> design = Design.interaction(outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"))
    >>> analyze(simulate.cannibalisation(), design).headline.status
    'ok'
    """
    options = options or Options()
    cells = data if isinstance(data, Cells) else compress(data, design)
    family, priors = family_of(options.family), Priors.of(options.priors)
    chosen = fit(cells, family, priors, options.sampler)
    gates = _fit_gates(chosen)
    refused_fit = None
    if gating.refused(gates, "family") and not isinstance(family, Normal):
        refused_fit, chosen = chosen, fit(cells, Normal(), priors, options.sampler)
        gates = gating.refused(gates, "family") + _fit_gates(chosen)
    answers = across_priors(chosen, ci_prob=options.ci_prob, options=options.sampler)
    gates += gating.prior_gates(chosen.prior_weight, [answer.p_harm for answer in answers])
    gates += gating.data_gates(cells)
    return Analysis(
        design=cells.design,
        cells=cells,
        options=options,
        fit=chosen,
        refused_fit=refused_fit,
        gates=tuple(gates),
        priors=answers,
        headline=_headline(chosen, refused_fit, gates, answers, options),
    )


def _fit_gates(chosen: Fit) -> list[Gate]:
    _, robust = checks.least_squares(chosen.cells)
    fidelity = gating.family_gates(
        chosen.cells,
        chosen.means,
        chosen.effects,
        prior_weight=chosen.prior_weight,
        robust_se=robust.se,
    )
    return gating.sampler_gates(chosen.tree, chosen.effects) + fidelity


def _crosscheck(chosen: Fit, options: Options) -> checks.Crosscheck:
    draws = chosen.effects[chosen.effects.headline]
    row = chosen.effects.summary(options.ci_prob).loc[chosen.effects.headline]
    posterior = checks.Check(
        method="posterior",
        estimate=float(draws.mean()),
        se=float(draws.std(ddof=1)),
        lower=float(row["lower"]),
        upper=float(row["upper"]),
        assumes=f"{chosen.family.name} cells, {chosen.priors.name} priors",
    )
    classical, robust = checks.least_squares(chosen.cells, options.ci_prob)
    resampled = checks.bootstrap(chosen.cells, options.ci_prob, seed=options.sampler.random_seed)
    reasons = []
    if chosen.means is None:
        reasons.append(
            f"They answer different questions: the {chosen.family.name} effect is on a "
            f"{draws.attrs['estimand']}, least squares on the mean."
        )
    if chosen.prior_weight > 0.05:
        reasons.append(f"The prior has {chosen.prior_weight:.0%} of the weight and pulls towards zero.")
    reasons += [
        gate.message
        for gate in _fit_gates(chosen)
        if gate.subject == "family" and gate.status in ("warn", "refuse")
    ]
    return checks.compare(posterior, (classical, robust, resampled), robust=robust, reasons=reasons)


def _headline(
    chosen: Fit,
    refused_fit: Fit | None,
    gates: Sequence[Gate],
    answers: Sequence[PriorAnswer],
    options: Options,
) -> Headline:
    effects, design = chosen.effects, chosen.cells.design
    row = effects.summary(options.ci_prob).loc[effects.headline]
    decision = decide(effects, design)
    named = {
        "family": chosen.family.name,
        "estimand": row["estimand"],
        "effect": effects.headline,
        "scale": row["scale"],
        "unit": row["unit"],
        "ci_prob": options.ci_prob,
        "margin": decision.margin,
    }
    # A refused family that was replaced no longer stands in the way.
    own = [gate for gate in gating.refused(gates) if not (refused_fit and gate.subject == "family")]
    if refused_fit is not None:
        own += [gate for gate in gating.refused(_fit_gates(chosen), "family")]
    if own:
        reasons = " ".join(gate.message for gate in own)
        numbers = dict.fromkeys(_NUMBERS)
        statement = f"No statement is made. {reasons}"
        return Headline(status="refused", statement=statement, **named, **numbers)
    numbers = {
        "mean": float(row["mean"]),
        "median": float(row["median"]),
        "sd": float(row["sd"]),
        "ci": (float(row["lower"]), float(row["upper"])),
        "p_harm": decision.p_harm.value,
        "p_harm_mcse": decision.p_harm.mcse,
        "p_material_harm": decision.p_material_harm.value,
        "expected_loss": decision.expected_loss,
    }
    sentences = [
        *_replaced(refused_fit, gates),
        *(_did_sentences if design.question == "did" else _interaction_sentences)(chosen, decision, options),
        *_company(chosen, answers, options),
    ]
    status: Literal["ok", "fallback"] = "fallback" if refused_fit else "ok"
    return Headline(status=status, statement=" ".join(sentences), **named, **numbers)


_NUMBERS = ("mean", "median", "sd", "ci", "p_harm", "p_harm_mcse", "p_material_harm", "expected_loss")


def _replaced(refused_fit: Fit | None, gates: Sequence[Gate]) -> list[str]:
    if refused_fit is None:
        return []
    why = " ".join(gate.message for gate in gating.refused(gates, "family"))
    return [
        f"The {refused_fit.family.name} family was refused and the normal on the cell means, which is safe "
        f"for the mean, answers instead. {why}"
    ]


def _estimate(effects: Effects, name: str, ci_prob: float, *, unit: bool = True) -> str:
    """Write median and interval, such as ``+1.4 minutes (95 % credible interval −1.3 to +4.2)``."""
    draws = effects[name]
    row = effects.summary(ci_prob).loc[name]
    error = float(mcse(draws))
    best, lower, upper = (format_number(row[key], error, sign=True) for key in ("median", "lower", "upper"))
    measure = f" {draws.attrs['unit']}" if unit and draws.attrs["unit"] else ""
    return f"{best}{measure} ({100 * ci_prob:g} % credible interval {lower} to {upper})"


def _subject(chosen: Fit) -> str:
    estimand = str(chosen.effects[chosen.effects.headline].attrs["estimand"])
    return f"{estimand.replace('_', ' ')} {chosen.cells.design.outcome}"


def _beyond(decision: Decision) -> str:
    unit = f" {decision.unit}" if decision.unit else ""
    return f" by more than {decision.margin:g}{unit}" if decision.margin else ""


def _did_sentences(chosen: Fit, decision: Decision, options: Options) -> list[str]:
    design = chosen.cells.design
    verb = "lowers" if design.harm == "decrease" else "raises"
    return [
        "Given these data, the model and the stated prior, the probability that the treatment "
        f"{verb} {_subject(chosen)}{_beyond(decision)} is {decision.p_material_harm}.",
        f"Best estimate {_estimate(chosen.effects, 'did', options.ci_prob)}.",
        "The rows are treated as independent (repeated cross-sections): if the same users were measured "
        "before and after, the interval is wider than it need be.",
    ]


def _interaction_sentences(chosen: Fit, decision: Decision, options: Options) -> list[str]:
    effects, design = chosen.effects, chosen.cells.design
    sign = design.harm_sign
    neither = probability(sign * effects["both"] > 0, effects["both"])
    better = probability(sign * effects["both_over_better"] > 0, effects["both_over_better"])
    return [
        "Given these data, the model and the stated prior, the probability that the two experiments "
        f"cannibalise each other (together they do less for {_subject(chosen)} than the sum of what each "
        f"does alone{', ' + _beyond(decision).strip() if decision.margin else ''}) is "
        f"{decision.p_material_harm}.",
        f"Best estimate of the interaction {_estimate(effects, 'interaction', options.ci_prob)}.",
        "Whether they cannibalise and whether to launch both are separate questions: both together change "
        f"{_subject(chosen)} by {_estimate(effects, 'both', options.ci_prob)} over neither; the probability "
        f"that both are worse than neither is {neither}, and than the better single one {better}.",
        *_opposite_signs(effects),
    ]


def _opposite_signs(effects: Effects) -> list[str]:
    if "interaction_ratio" not in effects:
        return []
    additive = float(effects["interaction"].median())
    ratio = float(effects["interaction_ratio"].median())
    if additive * (ratio - 1) >= 0:
        return []
    return [
        f"On the ratio scale the interaction has the opposite sign (ratio of ratios {ratio:.3g}): the answer "
        "depends on whether effects are thought to add or to multiply."
    ]


def _company(chosen: Fit, answers: Sequence[PriorAnswer], options: Options) -> list[str]:
    """Say what least squares and the other priors say."""
    sentences = []
    _, robust = checks.least_squares(chosen.cells, options.ci_prob)
    error = float(mcse(chosen.effects[chosen.effects.headline]))
    lower, upper = (format_number(value, error, sign=True) for value in (robust.lower, robust.upper))
    if chosen.means is not None:
        sentences.append(f"The robust (HC2) least-squares interval is {lower} to {upper}.")
    low, high = (
        str(Probability(value=pick(a.p_material_harm for a in answers), mcse=0.0)) for pick in (min, max)
    )
    sentences.append(
        f"Across priors the probability stays within {low} to {high}."
        if low != high
        else f"Across priors the probability stays at {low}."
    )
    return sentences


def _from_formula(formula: str, *given: str | None) -> tuple[str, str, str]:
    if any(name is not None for name in given):
        msg = f"formula={formula!r} already names the columns; leave out the separate arguments."
        raise DesignError(msg)
    parsed = parse_formula(formula)
    return (parsed.outcome, *parsed.factors)


def _required(name: str, value: Any) -> Any:
    if value is None:
        msg = f"{name}= is missing; name the column (or give formula=)."
        raise DesignError(msg)
    return value


def _options(
    family: str | Family, priors: str | Priors, ci_prob: float, sampler: Mapping[str, Any]
) -> Options:
    try:
        options = SamplerOptions(**sampler)
    except TypeError as error:
        msg = f"Unknown argument among {sorted(sampler)}: {error}."
        raise DesignError(msg) from error
    return Options(family=family, priors=priors, ci_prob=ci_prob, sampler=options)
