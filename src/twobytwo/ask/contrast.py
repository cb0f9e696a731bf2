"""The contrasts of a design: which weights over the table of cells answer which question.

A contrast is one record, made here and used by everything after it: effects, other methods, checks,
bootstrap, sentences, tables and pictures look at its weights and words and ask for nothing else.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from twobytwo.ask.factor import Factor
from twobytwo.ask.listed import listed

__all__ = ["Contrast", "Form", "Kind", "Part", "Question", "contrasts_of"]

Question = Literal["did", "interaction", "comparison"]
Form = Literal["relative", "ratio", "multiplicative"]
Kind = Literal["effect", "interaction"]
Part = Literal["primary", "secondary", "pretrend"]
Place = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One question to a table of cells: weights that sum to zero, and the words for it.

    Parameters
    ----------
    name
        How results call it, such as ``"did"`` or ``"change[control]"``.
    label
        The same in words; ``{of}`` stands for what it is a contrast of, such as "mean minutes".
    weights
        One weight per cell that is not zero, by its place (a position along each factor).
    corners
        The cells of a difference (2), of a difference of differences (4) and so on, such that neighbours are
        subtracted first: ``m0, m1`` or ``m00, m01, m10, m11``. Empty for other weights. Ratios and relative
        forms exist only with corners.
    role
        ``"primary"`` for what was asked, ``"secondary"`` for what explains it, ``"pretrend"`` for what should
        be zero before anything happened.
    kind
        ``"interaction"`` if harm means that experiments take from each other, ``"effect"`` otherwise.
    agent
        Who does it, in sentences: "the treatment".
    forms
        The nonlinear forms that are shown with it, and their labels; ``{of}`` as in `label`, ``{those}`` for
        the estimands themselves, such as "means".
    changes_label
        Its label where a family describes users' changes instead of levels; empty if it is none of these.

    Examples
    --------
    >>> did = Contrast(name="did", label="", corners=((0, 0), (0, 1), (1, 0), (1, 1)))
    >>> did.array((2, 2)).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """

    name: str
    label: str
    corners: tuple[Place, ...] = ()
    weights: Mapping[Place, float] = field(default_factory=dict)
    role: Part = "secondary"
    kind: Kind = "effect"
    agent: str = "the treatment"
    forms: Mapping[Form, str] = field(default_factory=dict)
    changes_label: str = ""

    def __post_init__(self) -> None:
        if self.corners:
            # Fold a sign along every axis: the last corner counts positively.
            signs = np.array([1.0])
            while len(signs) < len(self.corners):
                signs = np.concatenate([-signs, signs])
            object.__setattr__(self, "weights", dict(zip(self.corners, signs.tolist(), strict=True)))
        if abs(sum(self.weights.values())) > 1e-12:
            msg = f"The weights of the contrast {self.name!r} must sum to zero: {dict(self.weights)}."
            raise ValueError(msg)

    @property
    def harm(self) -> str:
        """What its harm is called."""
        return "cannibalisation" if self.kind == "interaction" else "harm"

    def array(self, shape: Sequence[int]) -> npt.NDArray[np.float64]:
        """Give the weights as an array over the cells.

        Parameters
        ----------
        shape
            Number of levels of each factor; of the group alone for a contrast of changes.
        """
        made = np.zeros(tuple(shape))
        for place, weight in self.weights.items():
            made[place] = weight
        return made

    def value(self, cell: Callable[[Place], Any]) -> Any:
        """Compute the contrast of anything that can be added, such as draws of the cells.

        Parameters
        ----------
        cell
            Gives the value of the cell at a place.
        """
        if self.corners:
            return self.fold(cell, operator.sub)
        terms = [weight * cell(place) for place, weight in self.weights.items()]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    def fold(self, cell: Callable[[Place], Any], join: Callable[[Any, Any], Any], *, moving: int = -1) -> Any:
        """Join the corners pair by pair, along one axis first, then along the others.

        Neighbours are joined first, so that differences of large cells lose no digits.

        Parameters
        ----------
        cell
            Gives the value of the cell at a place.
        join
            Of the later and the earlier of two values.
        moving
            The axis that is joined first.
        """
        values = [cell(place) for place in self.along(moving)]
        while len(values) > 1:
            values = [join(values[k + 1], values[k]) for k in range(0, len(values), 2)]
        return values[0]

    def along(self, axis: int = -1) -> list[Place]:
        """Order the corners so that neighbours differ along one axis."""
        axes = len(self.corners).bit_length() - 1
        order = np.moveaxis(np.arange(len(self.corners)).reshape((2,) * axes), axis, -1).ravel()
        return [self.corners[k] for k in order]

    @property
    def axes(self) -> int:
        """Number of factors between which the corners differ."""
        return len(self.corners).bit_length() - 1 if self.corners else 0

    def of_changes(self) -> Contrast | None:
        """Give the same contrast of users' changes, the last factor taken out; None if it is not one."""
        if not self.changes_label:
            return None
        corners = tuple(place[:-1] for place in self.along(-1)[1::2])
        return replace(self, label=self.changes_label, corners=corners, forms={})


def contrasts_of(question: Question, factors: Sequence[Factor]) -> tuple[Contrast, ...]:
    """List the contrasts of a question, the headline's first.

    Parameters
    ----------
    question
        As of a design.
    factors
        Its factors, with their levels resolved.

    Returns
    -------
    tuple of Contrast
        Primary ones, then what explains them.
    """
    return _CONTRASTS[question](factors)


def _as_is(name: str) -> str:
    """Give a name whose braces stay as they are when a label is filled in."""
    return name.replace("{", "{{").replace("}", "}}")


def _did(factors: Sequence[Factor]) -> tuple[Contrast, ...]:
    group, period = factors
    headline = Contrast(
        name="did",
        label="difference-in-differences of {of}",
        corners=((0, 0), (0, 1), (1, 0), (1, 1)),
        role="primary",
        agent=group.actor(1),
        forms={
            "relative": "difference-in-differences, share of the counterfactual",
            "ratio": "ratio of ratios of {those}",
            "multiplicative": "difference from the counterfactual of multiplicative trends, {of}",
        },
        changes_label="difference in {of}",
    )
    changes = [
        Contrast(
            name=f"change[{label}]",
            label=f"change of {{of}}: {_as_is(group.name)} {_as_is(label)}",
            corners=((k, 0), (k, 1)),
        )
        for k, label in enumerate(group.labels)
    ]
    gaps = [
        Contrast(
            name=f"gap[{label}]",
            label=f"gap in {{of}}: {_as_is(period.name)} {_as_is(label)}",
            corners=((0, k), (1, k)),
            role="secondary" if k else "pretrend",
        )
        for k, label in enumerate(period.labels)
    ]
    return (headline, *changes, *gaps)


def _comparison(factors: Sequence[Factor]) -> tuple[Contrast, ...]:
    arms = factors[0]
    # With a value before, the groups are compared after it.
    after = (1,) if len(factors) > 1 else ()
    treated = arms.labels[1:]

    def against(low: int, high: int, name: str) -> Contrast:
        both = _as_is(f"{arms.name} {arms.labels[high]} against {arms.labels[low]}")
        return Contrast(
            name=name,
            label=f"difference in {{of}}: {both}",
            corners=((low, *after), (high, *after)),
            role="secondary" if low else "primary",
            agent=arms.actor(high),
            forms={
                "relative": f"relative difference: {both}",
                "ratio": "ratio of {those}",
            },
        )

    single = len(treated) == 1
    made = [against(0, k, "effect" if single else f"effect[{label}]") for k, label in enumerate(treated, 1)]
    others = combinations(range(1, len(arms.labels)), 2)
    return (*made, *(against(a, b, f"effect[{arms.labels[b]} - {arms.labels[a]}]") for a, b in others))


_WORDS = {2: "two", 3: "three"}
_ORDINALS = ("first", "second", "third")


def _interaction(factors: Sequence[Factor]) -> tuple[Contrast, ...]:
    names = [_as_is(factor.name) for factor in factors]
    count = len(names)
    together = "both" if count == 2 else f"all {_WORDS[count]}"
    forms: dict[Form, str] = {
        "ratio": "ratio of ratios of {those}",
        "multiplicative": "difference from what multiplying effects would give, {of}",
    }
    agent = f"the {_WORDS[count]} experiments"
    none, all_of = (0,) * count, (1,) * count
    alone = [tuple(int(k == j) for j in range(count)) for k in range(count)]
    headline = Contrast(
        name="interaction",
        label=f"interaction of {listed(names)}{{on}}",
        role="primary",
        kind="interaction",
        agent=agent,
    )
    if count == 2:
        headline = replace(headline, corners=tuple(product((0, 1), repeat=2)), forms=forms)
        explained: list[Contrast] = []
    else:
        # All together against the sum of the separate effects; of two experiments that is their interaction.
        weights = {all_of: 1.0, none: count - 1.0} | dict.fromkeys(alone, -1.0)
        headline = replace(
            headline,
            label=f"{listed(names)} together over what each alone adds up to{{on}}",
            weights=weights,
        )
        explained = _interactions(factors, agent)
    simple = [
        Contrast(
            name="both" if count == 2 else "all",
            label=f"{together} together over {'neither' if count == 2 else 'none'}",
            corners=(none, all_of),
        )
    ]
    for k, name in enumerate(names):
        others = [other for j, other in enumerate(names) if j != k]
        without = f"{name} without {listed(others)}"
        with_all = tuple(int(j != k) for j in range(count))
        simple += [
            Contrast(name=f"{_ORDINALS[k]}_alone", label=without, corners=(none, alone[k])),
            Contrast(
                name=f"{_ORDINALS[k]}_with_{_ORDINALS[1 - k] if count == 2 else 'others'}",
                label=f"{name} with {listed(others)}",
                corners=(with_all, all_of),
            ),
        ]
    return (headline, *explained, *simple)


def _interactions(factors: Sequence[Factor], agent: str) -> list[Contrast]:
    """Every two-way interaction, averaged over the other experiments, and the interaction of all."""
    made = []
    count, called = len(factors), [_as_is(factor.name) for factor in factors]
    for order in range(2, count + 1):
        for chosen in combinations(range(count), order):
            rest = [k for k in range(count) if k not in chosen]
            share = 0.5 ** len(rest)
            weights = {
                place: share * float(np.prod([2 * place[k] - 1 for k in chosen]))
                for place in product((0, 1), repeat=count)
            }
            names = listed(called[k] for k in chosen)
            averaged = f", averaged over {listed(called[k] for k in rest)}" if rest else ""
            made.append(
                Contrast(
                    name=":".join(factors[k].column for k in chosen),
                    label=f"interaction of {names}{averaged}{{on}}",
                    corners=() if rest else tuple(product((0, 1), repeat=count)),
                    weights=weights,
                    kind="interaction",
                    agent=agent,
                    forms={} if rest else {"ratio": "ratio of ratios of ratios of {those}"},
                )
            )
    return made


_CONTRASTS: Mapping[Question, Callable[[Sequence[Factor]], tuple[Contrast, ...]]] = {
    "did": _did,
    "interaction": _interaction,
    "comparison": _comparison,
}
