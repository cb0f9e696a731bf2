"""Who gains: the relative effect by strata of the value before, as a table and in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from twobytwo.errors import DesignError
from twobytwo.infer.decisions import format_number, format_probability

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis

__all__ = ["strata_finding", "strata_in_words", "strata_table"]

# From this probability on, heavy users' effect is said to differ from the others'.
_CLEAR = 0.9


def strata_table(analysis: Analysis) -> pd.DataFrame:
    """Summarise the relative effect of every stratum of the value before.

    Parameters
    ----------
    analysis
        An answered question whose family has strata.

    Returns
    -------
    pandas.DataFrame
        A row per stratum, labelled by its range of values before, lightest users first: ``median``,
        ``lower`` and ``upper`` in % of the stratum's mean after, and the stratum's ``users`` and ``total``
        (of the values after) in % of all.

    Raises
    ------
    DesignError
        If the family has no strata.
    """
    draws, strata = _relative(analysis), analysis.cells.strata()
    tail = (1 - analysis.options.ci_prob) / 2
    lower, median, upper = draws.quantile([tail, 0.5, 1 - tail], ["chain", "draw"]).to_numpy()
    users = strata["n"].sum("group").to_numpy()
    total = (strata["n"] * strata["y"]).sum("group").to_numpy()
    return pd.DataFrame(
        {
            "median": 100 * median,
            "lower": 100 * lower,
            "upper": 100 * upper,
            "users": 100 * users / users.sum(),
            "total": 100 * total / total.sum(),
        },
        index=pd.Index(draws["stratum"].to_numpy().tolist(), name="stratum"),
    )


def strata_finding(analysis: Analysis) -> str:
    """Say whether heavy users' effect differs from that of the others.

    Parameters
    ----------
    analysis
        An answered question whose family has strata.

    Returns
    -------
    str
        One sentence. Heavy are the strata from the top down that have half of the total together; their
        effect and that of the others are on the total of their strata.

    Raises
    ------
    DesignError
        If the family has no strata.
    """
    draws, strata = _relative(analysis), strata_table(analysis)
    total = strata["total"].to_numpy()
    above = total[::-1].cumsum()[::-1] - total
    heavy = (above < 50) & (np.arange(len(total)) > 0)
    top, rest = (
        (draws * xr.DataArray(np.where(part, total, 0.0) / total[part].sum(), dims="stratum")).sum("stratum")
        for part in (heavy, ~heavy)
    )
    higher = float((top > rest).mean())
    sure = max(higher, 1 - higher)
    who = f"the heaviest {strata['users'].to_numpy()[heavy].sum():.2g} % of users"
    if sure < _CLEAR:
        return f"No clear difference: {who} {_percent(top)}, the others {_percent(rest)}."
    better = (higher > 0.5) == (analysis.design.metric.harm_sign < 0)
    return (
        f"{who.capitalize()} do {'better' if better else 'worse'} than the others: {_percent(top)} against "
        f"{_percent(rest)} (probability {format_probability(sure)})."
    )


def strata_in_words(analysis: Analysis) -> str:
    """Say what the picture of the strata shows, for who cannot see it."""
    measure = analysis.design.metric.measure or analysis.design.metric.column
    rows = []
    for label, row in strata_table(analysis).iterrows():
        median, lower, upper = (_percent(row[name] / 100) for name in ("median", "lower", "upper"))
        rows.append(f"{label}: {median} ({lower} to {upper})")
    return (
        f"{strata_finding(analysis)} Effect in per cent of the stratum's mean, by {measure} before: "
        f"{'; '.join(rows)}."
    )


def _percent(part: float | xr.DataArray) -> str:
    return f"{format_number(100 * float(np.median(part)), 1.0, sign=True)} %"


def _relative(analysis: Analysis) -> xr.DataArray:
    family = analysis.fit.family
    if not family.of_strata:
        msg = (
            f"family={family.name!r} has no strata of the value before; they need groups drawn at random, a "
            'value before and family="stratified".'
        )
        raise DesignError(msg)
    return analysis.fit.tree["posterior"].to_dataset()["relative_effect"]
