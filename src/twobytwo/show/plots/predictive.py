"""The rows that the model would expect, cell by cell, on a scale fit for skewed outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt

from twobytwo.show.plots.style import MUTED, SAFE, as_written, unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis
    from twobytwo.infer.fit import Fit

__all__ = ["plot_predictive"]

_DRAWS, _ROWS = 60, 4_000


@as_written
def plot_predictive(analysis: Analysis, *, random_seed: int = 1) -> npt.NDArray[np.object_]:
    """Draw each cell's rows beside what the model would expect.

    Positive values stand on a logarithmic axis; zeros and values below zero stand apart on its left,
    because a logarithm has no place for them. Outcomes that can be negative get a linear axis.

    Parameters
    ----------
    analysis
        An answered question; a refused one too, since the picture may show why.
    random_seed
        Of the simulated rows.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
        One axes a cell, shaped like the table of cells: bars for the share of the data's rows in each
        bin, and a band that holds 95 % of the simulated shares.
    """
    fit = analysis.fit
    bins = fit.cells.changes if fit.of_changes else fit.cells.bins
    points = bins.points()
    shape = tuple(points.sizes[dim] for dim in bins.dims)
    figure, panels = plt.subplots(
        shape[0],
        int(np.prod(shape[1:])),
        figsize=(4.2 * int(np.prod(shape[1:])), 2.9 * shape[0]),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    scale = _Scale.of(points["value"].to_numpy(), points["weight"].to_numpy())
    rng = np.random.default_rng(random_seed)
    names = [factor.name for factor in analysis.design.factors]
    for place, ax in zip(np.ndindex(shape), panels.flat, strict=True):
        at = dict(zip(bins.dims, place, strict=True))
        cell = points.isel(at)
        observed = scale.shares(cell["value"].to_numpy(), cell["weight"].to_numpy())
        simulated = [
            scale.shares(fit.family.simulate(parameters, _ROWS, rng)) for parameters in _draws(fit, at)
        ]
        low, high = np.quantile(simulated, [0.025, 0.975], axis=0)
        labels = [
            f"{name} {bins.coords[dim][k]}" for name, dim, k in zip(names, bins.dims, place, strict=False)
        ]
        _draw(ax, scale, 100 * observed, 100 * low, 100 * high)
        ax.set_title(", ".join(labels), fontsize=10)
    metric = analysis.design.metric
    # Users of a ratio have values whose mean it is; see `twobytwo.data.ratio`.
    of_users = metric.column if metric.denominator is None else f"values whose mean is {metric.said}"
    what = f"change of {of_users}" if fit.of_changes else of_users
    for ax in panels[-1]:
        ax.set_xlabel(unit(what, analysis.design.metric.measure))
    for ax in panels[:, 0]:
        ax.set_ylabel("rows in %")
    handles, names = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return panels


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """Bins of the picture: edges of ordinary bins, and how many stand apart on the left."""

    edges: npt.NDArray[np.float64]
    logarithmic: bool

    @classmethod
    def of(cls, value: npt.NDArray[np.float64], weight: npt.NDArray[np.float64]) -> _Scale:
        kept = value[weight > 0]
        positive = kept[kept > 0]
        if kept.min() >= 0 and positive.size:
            low, high = np.log10(positive.min()), np.log10(positive.max())
            # Values far below the bulk would squeeze it; two thousandths of the largest are the left end.
            low = max(low, high - 5)
            return cls(edges=np.logspace(low, high + 0.15, 41), logarithmic=True)
        order = np.argsort(value, axis=None)
        share = np.cumsum(weight.ravel()[order]) / weight.sum()
        low, high = value.ravel()[order][np.searchsorted(share, [0.001, 0.999])]
        return cls(edges=np.linspace(low, high, 41), logarithmic=False)

    def shares(
        self, value: npt.NDArray[np.float64], weight: npt.NDArray[np.float64] | None = None
    ) -> npt.NDArray[np.float64]:
        """Give the share of rows below zero, at zero, and in each bin; ends take what lies beyond."""
        weight = np.ones_like(value) if weight is None else weight
        inside = np.clip(value, self.edges[0], np.nextafter(self.edges[-1], -np.inf))
        counted = value > 0 if self.logarithmic else np.full(value.shape, fill_value=True)
        binned, _ = np.histogram(inside[counted], self.edges, weights=weight[counted])
        apart = [weight[value < 0].sum(), weight[value == 0].sum()] if self.logarithmic else []
        return np.concatenate([apart, binned]) / weight.sum()

    @property
    def places(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Left ends and widths of the bars, on the axis' own (perhaps logarithmic) coordinates."""
        if not self.logarithmic:
            return self.edges[:-1], np.diff(self.edges)
        ends = np.log10(self.edges)
        bar = (ends[-1] - ends[0]) / 16
        left = ends[0] - np.array([3.2, 1.6]) * bar
        return np.concatenate([left, ends[:-1]]), np.concatenate([[bar, bar], np.diff(ends)])


def _draw(
    ax: Axes,
    scale: _Scale,
    observed: npt.NDArray[np.float64],
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
) -> None:
    left, width = scale.places
    middle = left + width / 2
    ax.bar(left, observed, width, align="edge", color=MUTED, alpha=0.55, label="rows of the data")
    ax.bar(
        middle,
        np.where(high > 0, np.maximum(high - low, 0.15), 0),
        0.5 * width,
        bottom=low,
        color=SAFE,
        label="rows that the model expects (95 %)",
    )
    ax.spines[["top", "right"]].set_visible(False)
    if scale.logarithmic:
        ends = np.log10(scale.edges[[0, -1]])
        # Few decades leave room for 2 and 5.
        steps = (1, 2, 5) if np.ptp(ends) < 2.5 else (1,)
        values = [step * 10.0**power for power in range(int(ends[0]) - 2, int(ends[1]) + 1) for step in steps]
        shown = [value for value in values if ends[0] <= np.log10(value) <= ends[1]]
        ax.set_xticks([*middle[:2], *np.log10(shown)], ["< 0", "0", *(f"{value:,g}" for value in shown)])


def _draws(fit: Fit, place: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """Give what describes one cell, draw by draw, evenly over all chains."""
    parameters = fit.parameters(place)
    size = fit.tree["posterior"].sizes["chain"] * fit.tree["posterior"].sizes["draw"]
    posterior = fit.tree["posterior"]
    for draw in np.linspace(0, size - 1, _DRAWS).astype(int):
        yield {name: array[draw] if name in posterior else array for name, array in parameters.items()}
