"""Effects are arithmetic on draws of cell values; each carries its estimand and its scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

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
        if not 0 < ci_prob < 1:
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
        Cell values by estimand, the headline's first; dims ``chain``, ``draw`` and the factors, or the
        group alone if the values are changes. Of the others: ``P(active)`` and ``mean_among_active``,
        whose product the mean is, split the contrast; ``geometric_mean`` gives its ratio of ratios.
    design
        The question, resolved.

    Returns
    -------
    Effects
        Cell values, simple effects, the interaction contrast and, where no draw of a cell value is
        zero or negative, its relative and ratio forms.

    Notes
    -----
    Relative difference-in-differences: ``m11 / (m11 − DiD) − 1``, the share of the counterfactual
    under additive parallel trends (Puhani 2012).
    """
    (estimand, cells), *others = values.items()
    if design.question == "interaction":
        made = _interaction(cells, estimand, design)
    else:
        build = _did if design.dims[1] in cells.dims else _did_of_changes
        made = build(cells, estimand, design)
    by_estimand = dict(others)
    if "P(active)" in by_estimand:
        made |= _split(by_estimand["P(active)"], by_estimand["mean_among_active"], design)
    if "geometric_mean" in by_estimand:
        ratio = _ratio_of_ratios(_corners(by_estimand["geometric_mean"], design))
        label = "ratio of ratios of geometric means"
        if "P(active)" in by_estimand and design.unit is not None and design.question == "did":
            label += " of users active in both periods"
        made["ratio_of_geometric_means"] = _tag(ratio, label, "geometric_mean", "ratio", "")
    headline = "did" if design.question == "did" else "interaction"
    if design.metric.cap is not None:
        # The mean of capped outcomes is another estimand and is never called the mean.
        capped = f"of min({design.metric.column}, {design.metric.cap:g})"
        made = {
            name: draws.assign_attrs(estimand=f"{_words(draws.attrs['estimand'])} {capped}")
            for name, draws in made.items()
        }
    # No attribute survives arithmetic, so every variable is built with its own; made at once, because
    # aligning three dozen labelled arrays costs more than computing them.
    variables = {name: draws.variable for name, draws in made.items()}
    return Effects(
        draws=xr.Dataset(variables, {dim: cells[dim] for dim in ("chain", "draw") if dim in cells.coords}),
        headline=headline,
    )


def _words(estimand: Estimand) -> str:
    return estimand.replace("_", " ")


def _capped(estimand: str, design: Design) -> str:
    """Name an estimand for itself: "mean", "mean of min(minutes, 600)"."""
    return design.metric.named(estimand)


def _of_outcome(estimand: Estimand, design: Design) -> str:
    """Name what the effect is on: "mean minutes", "mean of min(minutes, 600)"."""
    if design.metric.cap is not None:
        return f"{_words(estimand)} of min({design.metric.column}, {design.metric.cap:g})"
    return f"{_words(estimand)} {design.metric.column}"


def _tag(draws: xr.DataArray, label: str, estimand: Estimand, scale: Scale, unit: str) -> xr.DataArray:
    attributes = {"label": label, "estimand": estimand, "scale": scale, "unit": unit}
    return draws.reset_coords(drop=True).assign_attrs(attributes)


def _corners(cells: xr.DataArray, design: Design) -> tuple[tuple[xr.DataArray, ...], ...]:
    first, second = design.dims
    return tuple(tuple(cells.isel({first: i, second: j}, drop=True) for j in (0, 1)) for i in (0, 1))


def _ratio_of_ratios(corners: tuple[tuple[xr.DataArray, ...], ...]) -> xr.DataArray:
    (m00, m01), (m10, m11) = corners
    return (m11 / m10) / (m01 / m00)


def _cell_values(
    corners: tuple[tuple[xr.DataArray, ...], ...], estimand: Estimand, design: Design
) -> dict[str, xr.DataArray]:
    first, second = design.factors
    return {
        f"{estimand}[{a}, {b}]": _tag(
            corners[i][j],
            f"{_capped(estimand, design)}: {first.column} {a}, {second.column} {b}",
            estimand,
            "additive",
            design.metric.measure,
        )
        for i, a in enumerate(first.labels)
        for j, b in enumerate(second.labels)
    }


def _did(cells: xr.DataArray, estimand: Estimand, design: Design) -> dict[str, xr.DataArray]:
    group, period = design.factors
    corners = _corners(cells, design)
    (m00, m01), (m10, m11) = corners
    did = (m11 - m10) - (m01 - m00)
    unit, what = design.metric.measure, _of_outcome(estimand, design)

    def additive(draws: xr.DataArray, label: str) -> xr.DataArray:
        return _tag(draws, label, estimand, "additive", unit)

    made = {"did": additive(did, f"difference-in-differences of {what}")}
    if all(bool((m > 0).all()) for row in corners for m in row):
        # Under additive parallel trends the counterfactual can be negative where no cell is.
        if bool((m11 - did > 0).all()):
            label = "difference-in-differences, share of the counterfactual"
            made["did_relative"] = _tag(m11 / (m11 - did) - 1, label, estimand, "relative", "")
        label = f"ratio of ratios of {_capped(estimand + 's', design)}"
        made["did_ratio"] = _tag(_ratio_of_ratios(corners), label, estimand, "ratio", "")
        label = f"difference from the counterfactual of multiplicative trends, {what}"
        made["did_multiplicative"] = additive(m11 - m10 * m01 / m00, label)
    for index, label in enumerate(group.labels):
        change = corners[index][1] - corners[index][0]
        made[f"change[{label}]"] = additive(change, f"change of {what}: {group.column} {label}")
    for index, label in enumerate(period.labels):
        gap = corners[1][index] - corners[0][index]
        made[f"gap[{label}]"] = additive(gap, f"gap in {what}: {period.column} {label}")
    return made | _cell_values(corners, estimand, design)


def _did_of_changes(changes: xr.DataArray, estimand: Estimand, design: Design) -> dict[str, xr.DataArray]:
    group = design.factors[0]
    what, unit = f"{_words(estimand)} of the change of {design.metric.variable}", design.metric.measure
    control, treated = (changes.isel({design.dims[0]: index}, drop=True) for index in (0, 1))
    made = {"did": _tag(treated - control, f"difference in {what}", estimand, "additive", unit)}
    for label, change in zip(group.labels, (control, treated), strict=True):
        made[f"change[{label}]"] = _tag(change, f"{what}: {group.column} {label}", estimand, "additive", unit)
    return made


def _interaction(cells: xr.DataArray, estimand: Estimand, design: Design) -> dict[str, xr.DataArray]:
    a, b = (factor.column for factor in design.factors)
    corners = _corners(cells, design)
    (m00, m01), (m10, m11) = corners
    effect = (m11 - m10) - (m01 - m00)

    def additive(draws: xr.DataArray, label: str) -> xr.DataArray:
        return _tag(draws, label, estimand, "additive", design.metric.measure)

    on = "" if design.metric.cap is None else f", on the {_of_outcome(estimand, design)}"
    made = {
        "interaction": additive(effect, f"interaction of {a} and {b}{on}"),
        "both": additive(m11 - m00, "both together over neither"),
        "first_alone": additive(m10 - m00, f"{a} without {b}"),
        "first_with_second": additive(m11 - m01, f"{a} with {b}"),
        "second_alone": additive(m01 - m00, f"{b} without {a}"),
        "second_with_first": additive(m11 - m10, f"{b} with {a}"),
        "both_over_better": additive(
            m11 - _better(m10, m01, design), "both together over the better single one"
        ),
    }
    if all(bool((m > 0).all()) for row in corners for m in row):
        label = f"ratio of ratios of {_capped(estimand + 's', design)}"
        made["interaction_ratio"] = _tag(_ratio_of_ratios(corners), label, estimand, "ratio", "")
        label = f"difference from what multiplying effects would give, {_of_outcome(estimand, design)}"
        made["interaction_multiplicative"] = additive(m11 - m10 * m01 / m00, label)
    expected = (m10 - m00) + (m01 - m00)
    # A share of something that may be nothing, or of either sign, is no share.
    if bool((expected > 0).all()) or bool((expected < 0).all()):
        label = "share that remains of what both would add without interaction"
        made["share_remaining"] = _tag((m11 - m00) / expected, label, estimand, "ratio", "")
    return made | _cell_values(corners, estimand, design)


def _split(active: xr.DataArray, among: xr.DataArray, design: Design) -> dict[str, xr.DataArray]:
    """Split the contrast into participation (who is active) and intensity (how much the active do).

    A difference of products splits exactly at the midpoints,
    ``p₁m₁ − p₀m₀ = (p₁ − p₀)(m₀ + m₁)/2 + (m₁ − m₀)(p₀ + p₁)/2``. For difference-in-differences the two
    products are a group's after and before; for two experiments, which play the same part, the splits
    along the one and along the other are averaged.
    """
    first, second = design.dims

    def along(moving: str, fixed: str) -> tuple[xr.DataArray, xr.DataArray]:
        sides = [tuple(x.isel({moving: k}, drop=True) for k in (0, 1)) for x in (active, among)]
        (p0, p1), (m0, m1) = sides
        parts = ((p1 - p0) * (m0 + m1) / 2, (m1 - m0) * (p0 + p1) / 2)
        participation, intensity = (
            part.isel({fixed: 1}, drop=True) - part.isel({fixed: 0}, drop=True) for part in parts
        )
        return participation, intensity

    orders = [along(second, first)]
    if design.question == "interaction":
        orders.append(along(first, second))
    name = "did" if design.question == "did" else "interaction"
    made = {}
    for part, label, parts in zip(
        ("participation", "intensity"),
        ("through more or fewer active users", "through what active users do"),
        zip(*orders, strict=True),
        strict=True,
    ):
        draws = sum(parts[1:], start=parts[0]) / len(parts)
        made[f"{name}_{part}"] = _tag(draws, f"{part}: {label}", "mean", "additive", design.metric.measure)
    for cells, estimand, unit in (
        (active, "P(active)", ""),
        (among, "mean_among_active", design.metric.measure),
    ):
        of_cell = _cell_values(_corners(cells, design), estimand, design)  # type: ignore[arg-type]
        made |= {key: draws.assign_attrs(unit=unit) for key, draws in of_cell.items()}
    return made


def _better(first: xr.DataArray, second: xr.DataArray, design: Design) -> xr.DataArray:
    """Take the better single experiment draw by draw: which one it is is itself uncertain."""
    if design.metric.harm == "decrease":
        return xr.ufuncs.maximum(first, second)
    return xr.ufuncs.minimum(first, second)
