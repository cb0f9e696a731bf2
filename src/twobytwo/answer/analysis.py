"""The two questions, from a table to a statement: the only place where the rooms meet."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from twobytwo.answer.statement import Headline, headline
from twobytwo.ask.design import Aggregate, Design, Missing
from twobytwo.ask.formula import parse_formula
from twobytwo.ask.metric import Harm
from twobytwo.check.comparison import Comparison, compare_fits
from twobytwo.check.crosscheck import Check, Crosscheck, companions, compare, robust_check
from twobytwo.check.gates import (
    Gate,
    data_gates,
    family_gates,
    prior_gates,
    refused,
    sampler_gates,
    trend_gates,
)
from twobytwo.check.sensitivity import PriorAnswer, Sensitivity, across_priors, panel, power_scaling
from twobytwo.data.cells import Cells, compress
from twobytwo.errors import DesignError, TwoByTwoError, nearest
from twobytwo.infer.decisions import Decision, Probability, decide, probability
from twobytwo.infer.effects import Effects
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES, Family, Normal, family_for, family_of
from twobytwo.infer.families.points import largest_quantile
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.predictive import group as predictive_group
from twobytwo.infer.priors import Priors
from twobytwo.progress import track

if TYPE_CHECKING:
    import pymc as pm
    from matplotlib.axes import Axes

__all__ = ["Analysis", "Options", "analyze", "did", "interaction"]

# Gates whose warning explains why the posterior and least squares differ.
_REASONS = ("mean_fidelity", "contrast_fidelity", "prior_weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to answer, as opposed to what is asked.

    Parameters
    ----------
    family
        Name of a family, or a family; ``"auto"`` takes the one that fits the outcome's support, and the
        normal on the cell means where its means are not the data's.
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
    sampler: SamplerOptions = field(default_factory=SamplerOptions)

    def __post_init__(self) -> None:
        if not (isinstance(self.ci_prob, float) and 0 < self.ci_prob < 1):
            msg = f"ci_prob={self.ci_prob!r} must be between 0 and 1, such as 0.95."
            raise DesignError(msg)
        if self.family != "auto":
            family_of(self.family)
        Priors.of(self.priors)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
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
    uncapped
        The same fit without the design's cap; None if it has none.
    gates
        Every check: of the family, the sampler, the data and the prior; a refused family's come first.
    priors
        The headline under each preset.
    headline
        The answer.
    compress_again
        Makes cells of the same rows for a changed design; None if the rows are not at hand.
    """

    design: Design
    cells: Cells
    options: Options
    fit: Fit
    refused_fit: Fit | None
    uncapped: Fit | None
    gates: tuple[Gate, ...]
    priors: tuple[PriorAnswer, ...]
    headline: Headline
    compress_again: Callable[[Design], Cells] | None = None

    @property
    def effects(self) -> Effects:
        """Labelled draws of every effect."""
        return self.fit.effects

    @property
    def posterior(self) -> xr.DataTree:
        """Draws with prior draws, sampler statistics and data; any ArviZ function takes it."""
        return self.with_groups("prior")

    def with_groups(self, *groups: str) -> xr.DataTree:
        """Add to the posterior what takes longer to make.

        Parameters
        ----------
        *groups
            ``"prior"``, ``"posterior_predictive"``, ``"log_likelihood"``, ``"log_prior"``: what
            `az.loo`, `az.psense_summary` and the predictive plots ask for.

        Returns
        -------
        xarray.DataTree
            The tree of `posterior`; a group once made stays in it, and the seed makes it the same again.

        Raises
        ------
        DesignError
            If there is no such group.
        """
        tree, seed = self.fit.tree, self.options.sampler.random_seed
        for name in groups:
            if name not in tree.children:
                tree[name] = xr.DataTree(predictive_group(self.fit.model, tree, name, seed))
        return tree

    @property
    def model(self) -> pm.Model:
        """The PyMC model."""
        return self.fit.model

    @property
    def statement(self) -> str:
        """What a stakeholder reads."""
        return self.headline.statement

    def summary(self, ci_prob: float | None = None) -> pd.DataFrame:
        """Summarise every effect; see `twobytwo.infer.effects.Effects.summary`."""
        return self.effects.summary(self.options.ci_prob if ci_prob is None else ci_prob)

    def harm(self, margin: float | None = None, effect: str | None = None) -> Decision:
        """State how likely and how large the harm is; see `twobytwo.infer.decisions.decide`.

        Raises
        ------
        DesignError
            If the headline was refused: what the statement does not say is not said here either. Name an
            effect to look at it all the same.
        """
        if self.headline.status == "refused" and effect is None:
            raise DesignError(self.headline.statement)
        return decide(self.effects, self.design, margin=margin, effect=effect)

    def probability(self, event: xr.DataArray) -> Probability:
        """Probability of any event stated on the effects' draws, such as ``effects["did"] > 3``."""
        return probability(event, self.effects[self.effects.headline])

    def crosscheck(self) -> Crosscheck:
        """Set the posterior beside least squares and the bootstrap, with a verdict."""
        draws = self.effects[self.effects.headline]
        row = self.summary().loc[self.effects.headline].to_dict()
        posterior = Check(
            method="posterior",
            estimate=row["mean"],
            se=row["sd"],
            lower=row["lower"],
            upper=row["upper"],
            assumes=f"{self.fit.family.name} cells, {self.fit.priors.name} priors",
        )
        reasons = [gate.message for gate in self.gates if gate.name in _REASONS and gate.status == "warn"]
        if self.fit.means is None:
            reasons.insert(
                0,
                f"They answer different questions: the {self.fit.family.name} effect is on a "
                f"{draws.attrs['estimand']}, least squares on the mean.",
            )
        return compare(
            posterior,
            companions(self.cells, self.options.ci_prob, seed=self.options.sampler.random_seed),
            robust=robust_check(self.cells, self.options.ci_prob),
            reasons=reasons,
        )

    def sensitivity(self, families: Sequence[str | Family] | None = None) -> Sensitivity:
        """Answer under every combination of family, prior, cap, largest users and trend.

        Parameters
        ----------
        families
            Which to try beside the headline's; None takes all of the package that suit, an empty list none.

        Returns
        -------
        Sensitivity
            A table with a row a specification, and which choices alone change the decision. Takes some
            seconds for each family and table of values.
        """
        names = ("uncapped" if self.design.metric.cap is not None else "capped", "without the top 0.1 %")
        return panel(
            self.fit,
            {name: partial(self._variant, name) for name in names},
            values="all" if self.design.metric.cap is None else "capped",
            ci_prob=self.options.ci_prob,
            options=self.options.sampler,
            families=None if families is None else [family_of(family) for family in families],
        )

    def _variant(self, name: str) -> Cells:
        """Compress the rows again with large values capped or their users left out."""
        if name == "uncapped" and self.cells.uncapped is not None:
            return self.cells.uncapped
        if self.compress_again is None:
            msg = "the rows are not at hand; analyse the table itself instead of cells made earlier"
            raise DesignError(msg)
        if name == "capped":
            return self.compress_again(self.design.measuring(cap=largest_quantile(self.cells, 0.99)))
        return self.compress_again(replace(self.design, without_top=0.001))

    def compare_families(self, families: Sequence[str | Family] | None = None) -> Comparison:
        """Compare how well families describe the outcomes; see `twobytwo.check.comparison.compare_fits`.

        Parameters
        ----------
        families
            Which to fit beside the headline's; None takes all of the package that suit.

        Returns
        -------
        Comparison
            Expected log predictive densities by PSIS-LOO, and posterior predictive checks.
        """
        asked = FAMILIES.values() if families is None else [family_of(family) for family in families]
        fits = {self.fit.family.name: self.fit}
        for family in track(list(asked), "comparing families"):
            if family.name in fits:
                continue
            try:
                with warnings.catch_warnings(action="ignore"):
                    fits[family.name] = fit(self.cells, family, self.fit.priors, self.options.sampler)
            except TwoByTwoError:
                # A family asked for by name is not left out in silence.
                if families is not None:
                    raise
        return compare_fits(fits, random_seed=self.options.sampler.random_seed)

    def plot_effect(self, ax: Axes | None = None) -> Axes:
        """Draw the posterior of the headline; see `twobytwo.show.plots.plot_effect`."""
        return _above("show.plots").plot_effect(self, ax)

    def plot_cells(self, ax: Axes | None = None) -> Axes:
        """Draw the cells and what would be expected of them; see `twobytwo.show.plots.plot_cells`."""
        return _above("show.plots").plot_cells(self, ax)

    def report(self, path: str | Path, panel: Sensitivity | None = None) -> Path:
        """Write a report in the format of the file's suffix; see `twobytwo.show.page.save_report`."""
        return _above("show.page").save_report(self, path, panel=panel)

    def save(self, path: str | Path) -> Path:
        """Write what is needed to answer again without the rows; see `twobytwo.answer.store.save`."""
        return _above("answer.store").save(self, path)

    def __repr__(self) -> str:
        """Show the statement, wrapped."""
        return fill(self.statement, width=88)

    def __str__(self) -> str:
        """Show the statement and tables, for a terminal."""
        return _above("show.display").to_text(self)

    def _repr_html_(self) -> str:
        return _above("show.display").to_html(self)


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
    missing: Missing | None = None,
    agg: Aggregate | None = None,
    before_column: str | None = None,
    after_column: str | None = None,
    randomised: bool = False,
    harm: Harm = "decrease",
    margin: float | None = None,
    measure: str = "",
    upper_bound: float | None = None,
    cap: float | None = None,
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
        Column that identifies the user: the same users before and after are then compared as pairs.
        None takes the rows as independent (repeated cross-sections).
    missing
        What a user seen in one period only means; required as soon as there is one. ``"zero"``: the
        outcome was 0; ``"drop"``: leave such users out; ``"available"``: use every row, assuming that
        who is absent does not depend on what was missed.
    agg
        ``"sum"`` adds several rows of a user and period, such as days.
    before_column, after_column
        Instead of `period` and, if you like, `outcome`: the outcome's columns where a row is a user.
    randomised
        Whether the groups were drawn at random. Their gap before is then taken as practically zero
        (analysis of covariance, CUPED), which is narrower; see `twobytwo.Priors`.
    harm
        Which direction of the outcome is bad.
    margin
        Smallest harm that matters, in units of the outcome.
    measure
        The outcome's unit, such as ``"minutes"``.
    upper_bound
        Largest value that is possible (1,440 minutes times the days); values above are refused.
    cap
        What larger values count as; the effect is then one on the mean of ``min(Y, cap)``, and the answer
        without the cap is shown beside it.
    family
        ``"normal"`` (safe for the mean), ``"lognormal"``, ``"hurdle_lognormal"``, ``"gamma"``,
        ``"hurdle_gamma"``, ``"tail"``, ``"student_t"``, ``"auto"`` (by the outcome's support, if its means
        are the data's), or a family.
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
    shared: dict[str, Any] = {
        "group": _required("group", group),
        "control": control,
        "treatment": treatment,
        "missing": missing,
        "randomised": randomised,
        "harm": harm,
        "margin": margin,
        "measure": measure,
        "upper_bound": upper_bound,
        "cap": cap,
    }
    if before_column is not None or after_column is not None:
        for name, value in (("period", period), ("before", before), ("after", after), ("agg", agg)):
            if value is not None:
                msg = (
                    f"{name}={value!r} speaks of rows; with before_column= and after_column= a row is a user."
                )
                raise DesignError(msg)
        design = Design.did_wide(
            before_column=_required("before_column", before_column),
            after_column=_required("after_column", after_column),
            unit=_required("unit", unit),
            outcome=outcome,
            **shared,
        )
    else:
        design = Design.did(
            outcome=_required("outcome", outcome),
            period=_required("period", period),
            before=before,
            after=after,
            unit=unit,
            agg=agg,
            **shared,
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
    agg: Aggregate | None = None,
    harm: Harm = "decrease",
    margin: float | None = None,
    measure: str = "",
    upper_bound: float | None = None,
    cap: float | None = None,
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
    unit, agg, harm, margin, measure, family, priors, ci_prob, **sampler
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
        outcome, *factors = _from_formula(formula, outcome, *(factors or ()))
    design = Design.interaction(
        outcome=_required("outcome", outcome),
        factors=_required("factors", factors),
        levels=levels,
        unit=unit,
        agg=agg,
        harm=harm,
        margin=margin,
        measure=measure,
        upper_bound=upper_bound,
        cap=cap,
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
    cells = _of_design(data, design) if isinstance(data, Cells) else compress(data, design)
    priors = Priors.of(options.priors)
    family, note = family_for(cells) if options.family == "auto" else (family_of(options.family), "")
    robust = robust_check(cells, options.ci_prob)
    chosen = fit(cells, family, priors, options.sampler)
    checks, against = family_gates(chosen, robust), []
    refused_fit = None
    if refused(checks) and not family.raw_means:
        against = refused(checks)
        refused_fit, chosen = chosen, fit(cells, Normal(), priors, options.sampler)
        checks = family_gates(chosen, robust)
    uncapped = None if cells.uncapped is None else fit(cells.uncapped, chosen.family, priors, options.sampler)
    unsound = [] if uncapped is None else refused(_checks(uncapped))
    sampled = sampler_gates(chosen.tree, chosen.effects)
    # Draws that are refused are not worth reweighting, and their weights may not even exist.
    answers = across_priors(
        chosen, ci_prob=options.ci_prob, options=options.sampler, only_own=bool(refused(sampled))
    )
    checks = [*checks, *sampled, *data_gates(cells)]
    if not refused(checks):
        # An answer that is withheld depends on nothing, and a check must not tell it.
        weight, shares = chosen.prior_weight(robust.se), [answer.p_harm for answer in answers]
        checks += prior_gates(weight, shares, power_scaling(chosen))
        checks += trend_gates(chosen.effects, cells.design)
    gates = (*against, *checks)
    return Analysis(
        design=cells.design,
        cells=cells,
        options=options,
        fit=chosen,
        refused_fit=refused_fit,
        uncapped=uncapped,
        gates=gates,
        priors=answers,
        headline=headline(
            chosen,
            gates,
            robust=robust,
            priors=answers,
            ci_prob=options.ci_prob,
            refused_fit=refused_fit,
            uncapped=uncapped,
            unsound=unsound,
            note=note
            and f"The normal answers because the family of such outcomes does not take them. {note}",
        ),
        compress_again=None if isinstance(data, Cells) else partial(compress, data),
    )


def _above(module: str) -> Any:
    # Writing and drawing stand above the analysis and know it; only these methods, which are there for the
    # user's convenience, look up, and only when called. See docs/design.md.
    return import_module(f"twobytwo.{module}")


def _checks(fitted: Fit) -> list[Gate]:
    """Check a fit beside the headline's as strictly as the headline's own."""
    return [
        *family_gates(fitted, robust_check(fitted.cells)),
        *sampler_gates(fitted.tree, fitted.effects),
    ]


def _of_design(cells: Cells, design: Design) -> Cells:
    """Ask compressed data another question of the same columns: harm, margin, measure, randomised."""
    fixed = ("question", "unit", "missing", "agg", "wide", "covariate", "without_top")
    differ = [name for name in fixed if getattr(design, name) != getattr(cells.design, name)]
    # What the values are, as opposed to what is thought of them.
    measured = ("column", "upper_bound", "cap")
    differ += [
        name for name in measured if getattr(design.metric, name) != getattr(cells.design.metric, name)
    ]
    asked = replace(cells.design, metric=design.metric, randomised=design.randomised)
    levels = {factor.column: factor.levels for factor in cells.design.factors}
    if design.columns != cells.design.columns or any(
        factor.levels not in (None, levels[factor.column]) for factor in design.factors
    ):
        differ.append("factors")
    if differ:
        msg = f"These cells were compressed for another design; {', '.join(differ)} differ. Compress again."
        raise DesignError(msg)
    uncapped = cells.uncapped and replace(cells.uncapped, design=asked.measuring(cap=None))
    return replace(cells, design=asked, uncapped=uncapped)


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
    known = [option.name for option in fields(SamplerOptions)]
    for name in sampler:
        if name not in known:
            listed = ", ".join(known)
            msg = f"Unknown argument {name}=; of the sampler there are {listed}.{nearest(name, known)}"
            raise DesignError(msg)
    return Options(family=family, priors=priors, ci_prob=ci_prob, sampler=SamplerOptions(**sampler))
