"""The formula spelling of a 2×2 analysis: ``outcome ~ a * b``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from twobytwo.ask.arguments import shown
from twobytwo.errors import DesignError

__all__ = ["Formula", "parse_formula"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula's outcome and its two factors, in the order in which they are written."""

    outcome: str
    factors: tuple[str, str]


_ENCODED = re.compile(r"C\(\s*`?([^,()`]+?)`?\s*\)")


def parse_formula(formula: str) -> Formula:
    """Read the formula spelling of a 2×2 analysis.

    ``a * b``, ``a + b + a:b`` and ``a + b + a * b`` are one and the same analysis. Column names
    that are not plain words go between backticks; ``C(a)`` is read as ``a``.

    Parameters
    ----------
    formula
        For example ``"minutes ~ group * period"``.

    Returns
    -------
    Formula
        The outcome and the two factors.

    Raises
    ------
    DesignError
        For a transformed outcome, for ``a:b`` without its main effects, and for anything that is
        not the saturated model of two factors.

    Examples
    --------
    >>> parse_formula("minutes ~ group + period + group:period").factors
    ('group', 'period')
    """
    # Imported here, because only this spelling needs it.
    from formulaic.parser import DefaultFormulaParser

    shape = f"formula={shown(formula)} needs one outcome and two factors: write it as 'outcome ~ a * b'."
    if not isinstance(formula, str) or formula.count("~") != 1 or "|" in formula:
        raise DesignError(shape)
    try:
        terms = DefaultFormulaParser(include_intercept=True).get_terms(formula)
    except Exception as error:
        # The parser fails on odd texts with errors of any kind, and paints the place for a terminal.
        plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
        msg = f"formula={formula!r} cannot be read: {' '.join(plain.split())}"
        raise DesignError(msg) from error
    if len(getattr(terms, "lhs", ())) != 1:
        raise DesignError(shape)

    (outcome,) = terms.lhs
    if len(outcome.factors) != 1 or outcome.factors[0].eval_method.value != "lookup":
        msg = (
            f"formula={formula!r} transforms the outcome ({outcome}). An effect on a transformed "
            "outcome is not an effect on its mean; leave the outcome as it is and choose a family, "
            'such as family="lognormal".'
        )
        raise DesignError(msg)

    found = [frozenset(_column(formula, factor) for factor in term.factors) for term in terms.rhs]
    main = [next(iter(term)) for term in found if len(term) == 1 and term != {"1"}]
    pairs = [term for term in found if len(term) == 2]
    if len(pairs) == 1 and not pairs[0] <= set(main):
        a, b = sorted(pairs[0])
        msg = (
            f"formula={formula!r} has {a}:{b} without both main effects. Its coefficient is not the "
            f"interaction contrast (it compares one cell with the other three); write {a} * {b}."
        )
        raise DesignError(msg)
    if len(pairs) != 1 or len(found) != 4 or {"1"} not in found:
        msg = (
            f"formula={formula!r} is not the 2×2 model of two factors with intercept; "
            "write 'outcome ~ a * b'."
        )
        raise DesignError(msg)
    return Formula(outcome=outcome.factors[0].expr, factors=(main[0], main[1]))


def _column(formula: str, factor: object) -> str:
    expression = str(getattr(factor, "expr", factor))
    if getattr(factor, "eval_method").value != "python":  # noqa: B009 - formulaic is untyped here
        return expression
    encoded = _ENCODED.fullmatch(expression)
    if encoded is None:
        msg = f"formula={formula!r}: {expression!r} is not a column; make it one before the analysis."
        raise DesignError(msg)
    return encoded[1]
