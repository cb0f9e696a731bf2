"""Whether strata know enough of their users: how many there are, how they spread, whose effect it is."""

from __future__ import annotations

import math

import numpy as np

from twobytwo.check.gate import Gate, judge
from twobytwo.infer.by_stratum import spread_of_groups
from twobytwo.infer.decisions import format_probability
from twobytwo.infer.fit import Fit

__all__ = ["strata_gates"]


def strata_gates(chosen: Fit) -> list[Gate]:
    """Judge a family of strata: enough users in the smaller group, spreads alike, an effect of one sign.

    Parameters
    ----------
    chosen
        The fit of the family.

    Returns
    -------
    list of Gate
        ``stratum_users``, ``stratum_spread`` and ``stratum_signs``.
    """
    return [_users(chosen), _spread(chosen), _signs(chosen)]


def _users(chosen: Fit) -> Gate:
    fewest = int(chosen.cells.strata()["n"].sum("stratum").min())
    messages = {
        "pass": f"The smaller group has {fewest:,} users.",
        "fail": f"The smaller group has only {fewest:,} users: the strata hardly know its effect.",
    }
    return judge("stratum_users", "family", fewest, messages)


def _spread(chosen: Fit) -> Gate:
    log_ratio, error = spread_of_groups(chosen.cells.strata())
    # The end of the interval that is nearest to no difference.
    apart = math.exp(max(0.0, abs(log_ratio) - 1.96 * error))
    messages = {
        "pass": "Inside the strata the groups vary as their means do.",
        "fail": (
            f"Inside the strata one group's coefficient of variation is at least {apart:.2f} times "
            "the other's: the treatment does not do the same to all users of a stratum, or a few "
            'values decide. Compare with the normal (family="normal").'
        ),
    }
    return judge("stratum_spread", "family", apart, messages)


def _signs(chosen: Fit) -> Gate:
    top = chosen.tree["posterior"]["relative_effect"].isel(stratum=-1)
    effect = chosen.effects[chosen.effects.headline]
    other = float((np.sign(top) != np.sign(float(effect.median()))).mean())
    messages = {
        "pass": "The heaviest users' effect does not have the other sign.",
        "fail": (
            "The heaviest users' effect probably has the other sign than the effect over all "
            f"(probability {format_probability(other)}): look at the strata before deciding."
        ),
    }
    return judge("stratum_signs", "family", other, messages)
