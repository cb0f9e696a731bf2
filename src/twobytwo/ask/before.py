"""The value before of a comparison: the metric itself or another quantity, of users with one row each."""

from __future__ import annotations

from twobytwo.ask.arguments import column_name
from twobytwo.ask.metric import Metric
from twobytwo.errors import DesignError

__all__ = ["value_before"]


def value_before(
    metric: Metric,
    before_column: str | None,
    covariate: str | None,
    *,
    unit: str | None,
    agg: str | None,
    missing: str | None,
) -> tuple[str, str] | None:
    """Name the column of the value before, and that of the users.

    Parameters
    ----------
    metric
        What is compared.
    before_column
        Column of the same metric before, if it is that.
    covariate
        Column of another quantity, if it is that.
    unit, agg, missing
        What was said of the users; see `twobytwo.compare`.

    Returns
    -------
    tuple of str or None
        The column of the value and that of the users; None where no value before is named.

    Raises
    ------
    DesignError
        If there are two of them, a ratio has one of its own, or the users are not named with one row each;
        if `missing` is said of none.

    Examples
    --------
    >>> value_before(Metric(column="y"), None, "age", unit="user", agg=None, missing=None)
    ('age', 'user')
    """
    for argument, column in (("before_column", before_column), ("covariate", covariate)):
        if column is not None:
            column_name(argument, column)
    if before_column is not None and covariate is not None:
        msg = "before_column= and covariate= both name a value before; give one of them."
        raise DesignError(msg)
    if before_column is not None and metric.denominator is not None:
        msg = (
            f"before_column={before_column!r} would be the ratio before, which has two columns; name one "
            "number known before with covariate=, or ask did() with period= and randomised=True."
        )
        raise DesignError(msg)
    first = before_column or covariate
    if first is None:
        if missing is not None:
            msg = (
                f"missing={missing!r} says what an absent value before means; there is none without "
                "before_column= or covariate=."
            )
            raise DesignError(msg)
        return None
    if unit is None or agg is not None:
        msg = "A value before belongs to a user: name the users with unit=, one row each, without agg=."
        raise DesignError(msg)
    column_name("unit", unit)
    return first, unit
