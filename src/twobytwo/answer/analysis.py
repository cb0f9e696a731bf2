"""An answered question: what a notebook holds, and every way to look at it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from twobytwo.answer.headline import Headline
from twobytwo.answer.options import Options
from twobytwo.ask.arguments import flag, shown, size, text
from twobytwo.ask.design import Design
from twobytwo.check.arrays import stated_cells
from twobytwo.check.comparison import Comparison, compare_families
from twobytwo.check.crosscheck import Check, Crosscheck, companions, compare, robust_check
from twobytwo.check.gate import Gate
from twobytwo.check.least_squares import statsmodels_least_squares
from twobytwo.check.prior_sensitivity import PriorAnswer
from twobytwo.check.sensitivity import Sensitivity, panel
from twobytwo.data.cells import Cells
from twobytwo.errors import DesignError
from twobytwo.infer.decisions import Decision, Probability, decide, probability
from twobytwo.infer.effects import Effects
from twobytwo.infer.families import Family, family_of
from twobytwo.infer.families.points import largest_quantile
from twobytwo.infer.fit import Fit
from twobytwo.infer.pointwise import pointwise
from twobytwo.infer.predictive import group as predictive_group

if TYPE_CHECKING:
    import pymc as pm
    from matplotlib.axes import Axes

__all__ = ["Analysis"]

# Gates whose warning explains why the posterior and least squares differ.
_REASONS = ("mean_fidelity", "contrast_fidelity", "prior_weight")


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
    name_largest
        Asks the same rows whose values are the largest; None if they are not at hand.
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
    name_largest: Callable[..., pd.DataFrame] | None = None
    _kept: dict[Any, Any] = field(default_factory=dict, init=False)

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
            `az.loo`, `az.psense_summary` and the predictive plots ask for. The log-likelihood is one array
            of rows or users, see `twobytwo.infer.pointwise`; ``"log_likelihood_parts"`` has the factors that
            the model observes.

        Returns
        -------
        xarray.DataTree
            The tree of `posterior`; a group once made stays in it, and the seed makes it the same again.

        Raises
        ------
        DesignError
            If there is no such group, or a saved posterior is of another version's model.
        """
        tree, seed = self.fit.tree, self.options.sampler.random_seed
        for name in groups:
            if name not in tree.children:
                made = (
                    pointwise(self.fit)
                    if name == "log_likelihood"
                    else predictive_group(self.fit.model, tree, name, seed)
                )
                tree[name] = xr.DataTree(made)
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
        ci_prob = self.options.ci_prob if ci_prob is None else ci_prob
        if not 0 < size(ci_prob) < 1:
            msg = f"ci_prob={shown(ci_prob)} must be between 0 and 1, such as 0.95."
            raise DesignError(msg)
        # Every table and picture looks at it; a copy, so that nobody changes what the others see.
        made: pd.DataFrame = self._once(("summary", ci_prob), lambda: self.effects.summary(ci_prob))
        return made.copy()

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Make what several tables and pictures look at once; nothing here ever changes."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

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
        if effect is not None:
            text("effect", effect)
        return decide(self.effects, self.design, margin=margin, effect=effect)

    def probability(self, event: xr.DataArray) -> Probability:
        """Probability of any event stated on the effects' draws, such as ``effects["did"] > 3``."""
        return probability(event, self.effects[self.effects.headline])

    def crosscheck(self, *, statsmodels: bool = True) -> Crosscheck:
        """Set the posterior beside least squares and the bootstrap, with a verdict; computed once.

        Parameters
        ----------
        statsmodels
            Whether least squares is fitted by statsmodels, whose import takes longer than all the rest. What
            is printed takes the closed form instead, which is the same but for rounding.
        """
        flag("statsmodels", statsmodels)
        told: Crosscheck = self._once("crosscheck", self._crosscheck)
        if not statsmodels:
            return told
        made: Crosscheck = self._once("crosscheck by statsmodels", lambda: told.replacing(self._fitted()))
        return made

    def _fitted(self) -> tuple[Check, ...]:
        return statsmodels_least_squares(self.cells, self.options.ci_prob)

    def _crosscheck(self) -> Crosscheck:
        draws = self.effects[self.effects.headline]
        row = self.summary().loc[self.effects.headline].to_dict()
        posterior = Check(
            method="posterior",
            estimate=row["median"],
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
            A table with one row per specification, and which choices alone change the decision. Takes some
            seconds for each family and table of values.
        """
        sized = self.design.metric.kind in ("amount", "count")
        names = ("uncapped" if self.design.metric.capped else "capped", "without the top 0.1 %")
        return panel(
            self.fit,
            {name: partial(self._variant, name) for name in names if sized or name == "uncapped"},
            values="capped" if self.design.metric.capped else "all",
            ci_prob=self.options.ci_prob,
            max_probability=self.options.max_probability,
            options=self.options.sampler,
            families=_families(families),
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

    def largest_users(self, n: int = 3) -> pd.DataFrame:
        """Name the users with the largest values of every cell; see `twobytwo.data.largest.largest_users`.

        No report, JSON or saved result holds ids: they are asked for here, by one query.

        Parameters
        ----------
        n
            How many of each cell.

        Returns
        -------
        pandas.DataFrame
            Ids, levels, values and their shares of their cell's total, largest share first.

        Raises
        ------
        DesignError
            If the rows are not at hand: cells, and results that were saved, hold no ids.
        """
        if self.name_largest is None:
            msg = (
                "The rows are not at hand, and cells hold no ids; analyse the table itself to see whose "
                "values are the largest."
            )
            raise DesignError(msg)
        return self.name_largest(self.design, n=n, cells=stated_cells(self.cells))

    def compare_families(self, families: Sequence[str | Family] | None = None) -> Comparison:
        """Compare how well families describe the outcomes; see `twobytwo.check.comparison`.

        Parameters
        ----------
        families
            Which to fit beside the headline's; None takes all of the package that suit.

        Returns
        -------
        Comparison
            Expected log predictive densities by PSIS-LOO, and posterior predictive checks.
        """
        return compare_families(
            self.fit,
            _families(families),
            self.options.sampler,
        )

    def plot_effect(self, ax: Axes | None = None) -> Axes:
        """Draw the posterior of the headline; see `twobytwo.show.plots.plot_effect`."""
        return _above("show.plots").plot_effect(self, ax)

    def plot_cells(self, ax: Axes | None = None) -> Axes:
        """Draw the cells and what would be expected of them; see `twobytwo.show.plots.plot_cells`."""
        return _above("show.plots").plot_cells(self, ax)

    def plot_strata(self, ax: Axes | None = None) -> Axes:
        """Draw who gains, light or heavy users; see `twobytwo.show.plots.plot_strata`."""
        return _above("show.plots").plot_strata(self, ax)

    def report(self, path: str | Path, panel: Sensitivity | None = None) -> Path:
        """Write a report in the format of the file's suffix; see `twobytwo.show.report.save_report`."""
        return _above("show.report").save_report(self, path, panel=panel)

    def slide(self, path: str | Path) -> Path:
        """Write verdict and picture as a PNG of 16:9; see `twobytwo.show.plots.slide`."""
        made: Path = _above("show.plots").slide(self, path)
        return made

    def save(self, path: str | Path) -> Path:
        """Write what is needed to answer again without the rows; see `twobytwo.answer.store.save`."""
        return _above("answer.store").save(self, path)

    def __repr__(self) -> str:
        """Show the statement, and below it how it is known, wrapped."""
        how = fill(f"How we know: {' '.join(self.headline.how)}", width=88) if self.headline.how else ""
        written = "\n\n".join(part for part in (fill(self.statement, width=88), how) if part)
        return str(_above("show.words").visible(written))

    def __str__(self) -> str:
        """Show the statement and tables, for a terminal."""
        return _above("show.text").brief(self, to=sys.stdout)

    def _repr_html_(self) -> str:
        return _above("show.html.notebook").notebook(self)


def _families(stated: Sequence[str | Family] | None) -> list[Family] | None:
    if stated is None:
        return None
    if isinstance(stated, str) or not isinstance(stated, Sequence):
        msg = f'families={stated!r} must be a list of families, such as families=["normal", "lognormal"].'
        raise DesignError(msg)
    return [family_of(family) for family in stated]


def _above(module: str) -> Any:
    # Writing and drawing stand above the analysis and know it; only these methods, which are there for the
    # user's convenience, look up, and only when called. See docs/design.md.
    return import_module(f"twobytwo.{module}")
