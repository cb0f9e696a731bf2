"""What a table lacks of a question that is wrong in some other way, so that one error tells of both."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from twobytwo.answer.keys import required
from twobytwo.ask.design import Design
from twobytwo.ask.levels import LEVEL_ARGUMENTS
from twobytwo.ask.metric import MetricOptions
from twobytwo.data.absent import absent, absent_columns
from twobytwo.errors import TwoByTwoError

__all__ = ["COLUMNS", "misfits"]

# Arguments that name a column.
COLUMNS = ("outcome", "denominator", "group", "period", "unit", "before_column", "after_column", "covariate")
_LEVELS = ("factors", "levels", "launch", *LEVEL_ARGUMENTS["group"], *LEVEL_ARGUMENTS["period"])


def misfits(data: Any, ask: Callable[..., Design], stated: Mapping[str, Any]) -> list[str]:
    """Say which columns and levels of a call a table does not have.

    Parameters
    ----------
    data
        Any table that `twobytwo.did` takes.
    ask
        Makes the design.
    stated
        What the call says; arguments of any other kind are not looked at.

    Returns
    -------
    list of str
        A message for each. Levels are known only if the columns and levels alone make a question.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"minutes": [1.0, 2.0], "variant": [0, 1]})
    >>> misfits(frame, Design.compare, {"outcome": "minuts", "group": "variant", "margin": -5})
    ["Column 'minuts' is not in the table, which has 'minutes', 'variant'. Did you mean 'minutes'?"]
    """
    kept = {key: stated[key] for key in (*COLUMNS, *_LEVELS) if stated.get(key) is not None}
    if not set(required(ask)) - set(kept):
        # What the question does not take is told by the call itself, as what follows.
        taken = {*inspect.signature(ask).parameters, *MetricOptions.__annotations__}
        try:
            return absent(data, ask(**{key: value for key, value in kept.items() if key in taken}))
        except TwoByTwoError:
            pass
    factors = kept.get("factors", ())
    # With one row per user, the outcome is only what the metric is called.
    named = [
        kept[key] for key in COLUMNS if key in kept and not (key == "outcome" and "after_column" in kept)
    ]
    named += list(factors) if isinstance(factors, list | tuple) else []
    return absent_columns(data, list(dict.fromkeys(name for name in named if isinstance(name, str))))
