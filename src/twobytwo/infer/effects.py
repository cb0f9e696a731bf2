"""Effects are arithmetic on draws of cell values; each carries its estimand and its scale."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from twobytwo.ask.arguments import size
from twobytwo.ask.contrast import Contrast
from twobytwo.ask.design import Design
from twobytwo.errors import DesignError, nearest
from twobytwo.infer.families import Estimand

__all__ = ["Effects", "contrasts"]

Scale = Literal["additive", "relative", "ratio"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """Labelled draws of every effect of an analysis.

    Parameters
    ----------
    draws
        One variable an effect, dims ``chain`` and ``draw``; attributes ``label``, ``estimand``,
        ``scale`` (``"additive"``: units of the outcome; ``"relative"``: a share of the expectation
        without the effect; ``"ratio"``) and ``unit``.
    headline
        Name of the interaction contrast.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> values = xr.DataArray(np.array([[[[10.0, 12.0], [20.0, 25.0]]]]), dims=("chain", "draw", "a", "b"))
    >>> design = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": (0, 1), "b": (0, 1)})
    >>> contrasts({"mean": values}, design)["interaction"].item()
    3.0
    """

    draws: xr.Dataset
    headline: str

    def __getitem__(self, name: str) -> xr.DataArray:
        """Draws of one effect."""
        if name not in self.draws:
            msg = f"effect={name!r} is unknown; there are {', '.join(self)}.{nearest(name, self)}"
            raise DesignError(msg)
        return self.draws[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the effects."""
        return (str(name) for name in self.draws.data_vars)

    def summary(self, ci_prob: float = 0.95) -> pd.DataFrame:
        """Summarise every effect.

        Parameters
        ----------
        ci_prob
            Probability of the equal-tailed credible interval.

        Returns
        -------
        pandas.DataFrame
            Index ``effect``; columns ``label``, ``mean``, ``median``, ``sd``, ``lower``, ``upper``,
            ``estimand``, ``scale``, ``unit``.

        Raises
        ------
        DesignError
            If `ci_prob` is not between 0 and 1.
        """
        if not 0 < size(ci_prob) < 1:
            msg = f"ci_prob={ci_prob!r} must be between 0 and 1."
            raise DesignError(msg)
        tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
        rows = []
        for name in self:
            values = self.draws[name].to_numpy()
            lower, median, upper = np.quantile(values, [tails[0], 0.5, tails[1]])
            numbers = {"mean": values.mean(), "median": median, "sd": values.std(ddof=1)}
            attributes = self.draws[name].attrs
            rows.append(
                {"effect": name, "label": attributes["label"], **numbers, "lower": lower, "upper": upper}
                | {key: attributes[key] for key in ("estimand", "scale", "unit")}
            )
        return pd.DataFrame(rows).set_index("effect")


def contrasts(values: Mapping[Estimand, xr.DataArray], design: Design) -> Effects:
    """Turn draws of cell values into labelled effects.

    Parameters
    ----------
    values
        Cell values by estimand, the headline's first; dims ``chain``, ``draw`` and the factors, or all but
        the period if the values are changes. Of the others: ``P(active)`` and ``mean_among_active``, whose
        product the mean is, split the contrast; ``geometric_mean`` gives its ratio of ratios.
    design
        The question, resolved.

    Returns
    -------
    Effects
        Every contrast of the design, the headline's first with its nonlinear forms, where no draw of a cell
        value is zero or negative; then the cell values.

    Notes
    -----
    Relative difference-in-differences: ``m11 / (m11 − DiD) − 1``, the share of the counterfactual
    under additive parallel trends (Puhani 2012).
    """
    (estimand, cells), *others = values.items()
    by_estimand = dict(others)
    of_changes = not set(design.dims) <= set(cells.dims)
    words = _Words(design, estimand, of_changes=of_changes)
    asked = [contrast.of_changes() for contrast in design.contrasts] if of_changes else design.contrasts
    headline, *explained = [contrast for contrast in asked if contrast is not None]
    table = _Table(cells, design)
    made = {headline.name: words.additive(headline, table.contrast(headline))}
    for contrast in (headline, *explained):
        made.setdefault(contrast.name, words.additive(contrast, table.contrast(contrast)))
        made |= _forms(contrast, table, words)
    if headline.kind == "interaction":
        made |= _together(table, words, design)
    if "P(active)" in by_estimand:
        made |= _split(headline, by_estimand, design)
    if "geometric_mean" in by_estimand and headline.corners:
        ratio = headline.fold(_Table(by_estimand["geometric_mean"], design).cell, operator.truediv)
        label = f"{_ratio_name(headline)} of geometric means"
        if "P(active)" in by_estimand and design.paired:
            label += " of users active in both periods"
        made["ratio_of_geometric_means"] = _tag(ratio, label, "geometric_mean", "ratio", "")
    made |= _cell_values(table, estimand, words, design.metric.measure)
    for name, unit in (("P(active)", ""), ("mean_among_active", design.metric.measure)):
        if name in by_estimand:
            made |= _cell_values(_Table(by_estimand[name], design), name, words, unit)
    if design.metric.capped:
        # The mean of capped outcomes is another estimand and is never called the mean.
        for draws in made.values():
            draws.attrs["estimand"] = design.metric.named(draws.attrs["estimand"])
    # Labels of chains and draws at the end, for all at once: aligning them at every operation costs more than
    # the operations.
    return Effects(
        draws=xr.Dataset(made, {dim: cells[dim] for dim in ("chain", "draw") if dim in cells.coords}),
        headline=headline.name,
    )


class _Table:
    """Draws of the cells, by place."""

    def __init__(self, values: xr.DataArray, design: Design) -> None:
        self.dims = [dim for dim in design.dims if dim in values.dims]
        self.factors = [f for dim, f in zip(design.dims, design.factors, strict=True) if dim in values.dims]
        self.values = values.variable

    def cell(self, place: tuple[int, ...]) -> xr.Variable:
        return self.values.isel(dict(zip(self.dims, place, strict=True)))

    def contrast(self, contrast: Contrast) -> xr.Variable:
        made: xr.Variable = contrast.value(self.cell)
        return made

    @property
    def places(self) -> list[tuple[int, ...]]:
        return list(product(*(range(len(factor.labels)) for factor in self.factors)))


class _Words:
    """What effects are called, given what they are effects on."""

    def __init__(self, design: Design, estimand: Estimand, *, of_changes: bool) -> None:
        metric, named = design.metric, estimand.replace("_", " ")
        self.metric, self.estimand, self.of_changes = metric, estimand, of_changes
        self.fill = {
            "of": f"{named} of the change of {metric.variable}" if of_changes else metric.of(estimand),
            "those": metric.named(f"{estimand}s"),
            "on": f", on the {metric.of(estimand)}" if metric.capped else "",
        }

    def additive(self, contrast: Contrast, draws: xr.Variable) -> xr.Variable:
        label = contrast.label.format(**self.fill)
        return _tag(draws, label, self.estimand, "additive", self.metric.measure)


def _tag(draws: xr.Variable, label: str, estimand: Estimand, scale: Scale, unit: str) -> xr.Variable:
    attributes = {"label": label, "estimand": estimand, "scale": scale, "unit": unit}
    return xr.Variable(draws.dims, draws.data, attributes)


def _forms(contrast: Contrast, table: _Table, words: _Words) -> dict[str, xr.Variable]:
    """Give a contrast of positive cells as a share, as a ratio, and as if effects multiplied."""
    if not contrast.forms or not all(bool((table.cell(place) > 0).all()) for place in contrast.corners):
        return {}
    last, difference = table.cell(contrast.corners[-1]), table.contrast(contrast)
    ratio = contrast.fold(table.cell, operator.truediv)
    made = {}
    for form, template in contrast.forms.items():
        label = template.format(**words.fill)
        name = f"{contrast.name}_{form}"
        if form == "ratio":
            made[name] = _tag(ratio, label, words.estimand, "ratio", "")
        elif form == "multiplicative":
            effect = last - _counterfactual_of_ratios(contrast, table)
            made[name] = _tag(effect, label, words.estimand, "additive", words.metric.measure)
        # Under additive parallel trends the counterfactual can be negative where no cell is.
        elif bool((last - difference > 0).all()):
            made[name] = _tag(last / (last - difference) - 1, label, words.estimand, "relative", "")
    return made


def _counterfactual_of_ratios(contrast: Contrast, table: _Table) -> xr.Variable:
    """Give the last corner as it would be if the ratio between the others held: ``m10 · m01 / m00``."""
    (m00, m01, m10, _) = (table.cell(place) for place in contrast.corners)
    return m10 * m01 / m00


def _ratio_name(contrast: Contrast) -> str:
    return "ratio" + " of ratios" * (contrast.axes - 1)


def _cell_values(table: _Table, estimand: Estimand, words: _Words, unit: str) -> dict[str, xr.Variable]:
    made = {}
    for place in table.places:
        at = [(factor.name, factor.labels[k]) for factor, k in zip(table.factors, place, strict=True)]
        where = ", ".join(f"{name} {label}" for name, label in at)
        if words.of_changes:
            name, label = f"change[{at[0][1]}]", f"{words.fill['of']}: {where}"
        else:
            name = f"{estimand}[{', '.join(label for _, label in at)}]"
            label = f"{words.metric.named(estimand)}: {where}"
        made[name] = _tag(table.cell(place), label, estimand, "additive", unit)
    return made


def _together(table: _Table, words: _Words, design: Design) -> dict[str, xr.Variable]:
    """Give what all experiments do together, beside the best of them and beside what they add up to."""
    count = len(design.factors)
    none, all_of = table.cell((0,) * count), table.cell((1,) * count)
    alone = [table.cell(tuple(int(k == j) for j in range(count))) for k in range(count)]
    better = alone[0]
    for other in alone[1:]:
        better = _better(better, other, design)
    together = "both" if count == 2 else "all"
    single = "better" if count == 2 else "best"
    label = f"{together} together over the {single} single one"
    measure = words.metric.measure
    made = {f"{together}_over_{single}": _tag(all_of - better, label, words.estimand, "additive", measure)}
    expected = sum((cell - none for cell in alone[1:]), start=alone[0] - none)
    # A share of something that may be nothing, or of either sign, is no share.
    if bool((expected > 0).all()) or bool((expected < 0).all()):
        label = f"share that remains of what {together} would add without interaction"
        made["share_remaining"] = _tag((all_of - none) / expected, label, words.estimand, "ratio", "")
    return made


def _split(
    contrast: Contrast, by_estimand: Mapping[Estimand, xr.DataArray], design: Design
) -> dict[str, xr.Variable]:
    """Split the contrast into participation (who is active) and intensity (how much the active do).

    A difference of products splits exactly at the midpoints,
    ``p₁m₁ − p₀m₀ = (p₁ − p₀)(m₀ + m₁)/2 + (m₁ − m₀)(p₀ + p₁)/2``. For difference-in-differences the two
    products are a group's after and before; for experiments, which play the same part, the splits along each
    of them are averaged.
    """
    if not contrast.corners:
        return {}
    active, among = (_Table(by_estimand[name], design) for name in ("P(active)", "mean_among_active"))
    axes = [*range(contrast.axes)][::-1] if contrast.kind == "interaction" else [-1]

    def along(axis: int) -> tuple[xr.Variable, xr.Variable]:
        places = contrast.along(axis)
        participation, intensity = [], []
        for before, after in zip(places[::2], places[1::2], strict=True):
            (p0, p1), (m0, m1) = ((x.cell(before), x.cell(after)) for x in (active, among))
            participation.append((p1 - p0) * (m0 + m1) / 2)
            intensity.append((m1 - m0) * (p0 + p1) / 2)
        return _differences(participation), _differences(intensity)

    made = {}
    for part, label, parts in zip(
        ("participation", "intensity"),
        ("through more or fewer active users", "through what active users do"),
        zip(*(along(axis) for axis in axes), strict=True),
        strict=True,
    ):
        draws = sum(parts[1:], start=parts[0]) / len(parts)
        name = f"{contrast.name}_{part}"
        made[name] = _tag(draws, f"{part}: {label}", "mean", "additive", design.metric.measure)
    return made


def _differences(values: list[xr.Variable]) -> xr.Variable:
    while len(values) > 1:
        values = [values[k + 1] - values[k] for k in range(0, len(values), 2)]
    return values[0]


def _better(first: xr.Variable, second: xr.Variable, design: Design) -> xr.Variable:
    """Take the better single experiment draw by draw: which one it is is itself uncertain."""
    if design.metric.harm == "decrease":
        return xr.ufuncs.maximum(first, second)
    return xr.ufuncs.minimum(first, second)
