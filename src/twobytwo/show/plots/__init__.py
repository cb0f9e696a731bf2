"""Pictures, one function each, that return matplotlib's own axes so that users can go on."""

from __future__ import annotations

from twobytwo.show.plots.card_slide import card_slide
from twobytwo.show.plots.cells import plot_cells
from twobytwo.show.plots.diagnostics import plot_ecdf, plot_prior_posterior, plot_rank
from twobytwo.show.plots.effect import plot_effect, plot_harm
from twobytwo.show.plots.predictive import plot_predictive
from twobytwo.show.plots.robustness import plot_crosscheck, plot_sensitivity, sensitivity_height
from twobytwo.show.plots.scorecard import plot_scorecard
from twobytwo.show.plots.slide import slide
from twobytwo.show.plots.strata import plot_strata
from twobytwo.show.plots.style import blank, encode, render
from twobytwo.show.plots.validation import plot_validation

__all__ = [
    "blank",
    "card_slide",
    "encode",
    "plot_cells",
    "plot_crosscheck",
    "plot_ecdf",
    "plot_effect",
    "plot_harm",
    "plot_predictive",
    "plot_prior_posterior",
    "plot_rank",
    "plot_scorecard",
    "plot_sensitivity",
    "plot_strata",
    "plot_validation",
    "render",
    "sensitivity_height",
    "slide",
]
