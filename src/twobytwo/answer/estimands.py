"""A plan's family and its estimand must go together; checked without loading PyMC."""

from __future__ import annotations

from collections.abc import Mapping

from twobytwo.answer.keys import MisstatedError, Named, listed
from twobytwo.errors import nearest
from twobytwo.infer.known import estimands

__all__ = ["ESTIMANDS", "refuse_other_estimand"]

# ``"auto"`` tries families that estimate means only.
ESTIMANDS: Mapping[str, str] = {"auto": "mean", **estimands()}


def refuse_other_estimand(family: str, estimand: str, named: Named) -> None:
    """Refuse an unknown family, and an estimand that is not the family's (`MisstatedError`).

    Parameters
    ----------
    family
        Its name.
    estimand
        As the plan states it.
    named
        Gives a table's key the name that messages use.
    """
    if family not in ESTIMANDS:
        near = nearest(family, ESTIMANDS)
        known = listed(ESTIMANDS)
        msg = f"{named('model', 'family')} = {family!r} is unknown; use one of {known}.{near}"
        raise MisstatedError(msg)
    if estimand != ESTIMANDS[family]:
        suitable = [name for name, its in ESTIMANDS.items() if its == estimand]
        fix = f"write {ESTIMANDS[family]!r}"
        if suitable:
            fix = f"for that estimand use family {' or '.join(map(repr, suitable))}"
        msg = (
            f"{named('decision', 'estimand')} = {estimand!r}, but the family {family!r} estimates the "
            f"{ESTIMANDS[family]}; {fix}."
        )
        raise MisstatedError(msg)
