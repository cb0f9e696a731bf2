"""Whether the sampler explored, and what the data added to the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twobytwo.infer.effects import contrasts
from twobytwo.show.plots.style import (
    MUTED,
    SAFE,
    SEVERAL,
    as_written,
    axes,
    legend,
    require_statement,
    titled,
    unit,
)
from twobytwo.show.tables import prior_share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis

__all__ = ["plot_ecdf", "plot_prior_posterior", "plot_rank"]


@as_written
def plot_prior_posterior(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """Draw what was thought possible of the headline beside what the data left of it.

    Parameters
    ----------
    analysis
        An answered question.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        Histograms of prior and posterior draws, over the middle 95 % of the prior.

    Raises
    ------
    DesignError
        If the headline was refused.
    """
    require_statement(analysis)
    ax = axes(ax, 7, 3.6)
    name = analysis.headline.effect
    values = analysis.fit.family.values(analysis.posterior["prior"].to_dataset())
    prior = contrasts(values, analysis.design)[name].to_numpy().ravel()
    posterior = analysis.effects[name].to_numpy().ravel()
    low, high = np.quantile(prior, [0.025, 0.975])
    span = (min(low, posterior.min()), max(high, posterior.max()))
    # A prior is often a hundred times wider: as many bins as let the posterior have some twenty.
    bins = int(np.clip(20 * (span[1] - span[0]) / np.ptp(posterior), 40, 2_000))
    edges = np.linspace(*span, bins + 1)
    for draws, colour, label, count in (
        (prior, MUTED, f"prior ({analysis.fit.priors.name})", 40),
        (posterior, SAFE, "posterior", bins),
    ):
        cut = edges if count == bins else np.linspace(*span, count + 1)
        heights, _ = np.histogram(draws, cut)
        # Each as high as the other: the posterior's density would dwarf the prior's.
        ax.stairs(heights / heights.max(), cut, fill=True, color=colour, alpha=0.7, label=label)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set(
        xlabel=unit(str(analysis.effects[name].attrs["label"]), analysis.headline.unit),
        ylabel="density, highest = 1",
        yticks=[],
    )
    titled(ax, f"The prior has {100 * prior_share(analysis):.2g} % of the weight in the answer")
    legend(ax)
    return ax


@as_written
def plot_rank(analysis: Analysis, var_names: str | list[str] = "effects", **options: Any) -> Any:
    """Draw the ranks of each chain's draws among all: flat within the band if the chains agree.

    Parameters
    ----------
    analysis
        An answered question; a refused one too.
    var_names
        Variables of the posterior.
    **options
        Of `arviz_plots.plot_rank_dist`.

    Returns
    -------
    arviz_plots.PlotCollection
        The picture.
    """
    import arviz_plots

    options = {"compact": False} | _STYLE | options
    return _roomy(arviz_plots.plot_rank_dist(analysis.fit.tree, var_names=var_names, **options))


@as_written
def plot_ecdf(analysis: Analysis, var_names: str | list[str] = "effects", **options: Any) -> Any:
    """Draw each chain's cumulative ranks less the uniform ones, with a simultaneous band.

    Parameters
    ----------
    analysis
        An answered question; a refused one too.
    var_names
        Variables of the posterior.
    **options
        Of `arviz_plots.plot_rank` (Säilynoja, Bürkner & Vehtari 2022).

    Returns
    -------
    arviz_plots.PlotCollection
        The picture.
    """
    import arviz_plots

    return _roomy(arviz_plots.plot_rank(analysis.fit.tree, var_names=var_names, **(_STYLE | options)))


_STYLE: dict[str, Any] = {"backend": "matplotlib", "color": SEVERAL}


def _roomy(picture: Any) -> Any:
    """Make room for titles of two lines, which arviz-plots cuts off."""
    picture.viz["figure"].item().set_layout_engine("constrained")
    return picture
