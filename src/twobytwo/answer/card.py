"""A scorecard: every metric of an experiment, answered; its words, and ways to look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from twobytwo.answer.card_statement import how_known, statement
from twobytwo.answer.entries import Entry
from twobytwo.answer.joint import LaunchDecision
from twobytwo.answer.scoring import Scoring
from twobytwo.ask.arguments import shown
from twobytwo.check.gate import Gate
from twobytwo.errors import DesignError, nearest
from twobytwo.infer.decisions import winners

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis
    from twobytwo.answer.shrinkage import Shrinkage
    from twobytwo.ask.design import Design
    from twobytwo.ask.metric import Metric

__all__ = ["Scorecard"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Scorecard:
    """Every metric of an experiment, read at once and decided together.

    Parameters
    ----------
    asked
        What was asked, with levels resolved.
    entries
        One row per metric: primary ones, guardrails, information, each in the order given; of several
        treatments the rows of the first come first.
    launches
        The joint decision, one for each treatment; empty where there is none to make.
    gates
        Checks of who is in which group; one that refuses withholds every verdict.
    draws
        Joint draws of the effects; shape (draws, rows), in the order of the entries.
    users
        How many users (or rows) were read.
    queries
        How many queries were sent.
    shrinkage
        What the effects were shrunk by; None if they were not.
    """

    asked: Scoring
    entries: tuple[Entry, ...]
    launches: tuple[LaunchDecision, ...]
    gates: tuple[Gate, ...]
    draws: Floats
    users: int
    queries: int
    shrinkage: Shrinkage | None
    again: Callable[[Design], Analysis]
    _kept: dict[str, Analysis] = field(default_factory=dict, init=False)

    @property
    def control(self) -> str:
        """Label of the control group."""
        return self.asked.design.factors[0].labels[0]

    @property
    def treatments(self) -> tuple[str, ...]:
        """Labels of the treatments, each compared with the control group; empty where there is one."""
        return tuple(dict.fromkeys(entry.treatment for entry in self.entries if entry.treatment is not None))

    @property
    def launch(self) -> LaunchDecision | None:
        """The joint decision; None where there is none to make.

        Raises
        ------
        DesignError
            If there are several treatments, each with a decision of its own.
        """
        if len(self.launches) > 1:
            raise DesignError(f"Each treatment has a decision: {self._of_each('.launch')}, or card.launches.")
        return self.launches[0] if self.launches else None

    def of(self, treatment: str) -> Scorecard:
        """Give the scorecard of one of several treatments: its rows, its decision, its draws.

        Parameters
        ----------
        treatment
            Its label.

        Raises
        ------
        DesignError
            If there is no such treatment.
        """
        if not isinstance(treatment, str) or treatment not in self.treatments:
            there = ", ".join(map(repr, self.treatments)) or "one, and the card is its own"
            msg = f"treatment {shown(treatment)} is not in the scorecard; there is {there}."
            raise DesignError(f"{msg}{nearest(str(treatment), self.treatments)}")
        mine = [entry.treatment == treatment for entry in self.entries]
        return replace(
            self,
            entries=tuple(entry for entry in self.entries if entry.treatment == treatment),
            launches=tuple(launch for launch in self.launches if launch.treatment == treatment),
            draws=self.draws[:, mine],
        )

    @property
    def parts(self) -> Mapping[str, Scorecard]:
        """The scorecard of each treatment under its heading; itself, under none, where there is one."""
        if len(self.treatments) < 2:
            return {"": self}
        return {f"{treatment} against {self.control}": self.of(treatment) for treatment in self.treatments}

    def best(self, name: str) -> dict[str, float]:
        """Probability, for each group, that no other group is better in a metric; they sum to 1.

        Parameters
        ----------
        name
            The metric's label or, where that is one metric's, its column.

        Raises
        ------
        DesignError
            If there is no such metric, or one treatment only.
        """
        if len(self.treatments) < 2:
            msg = "Which is best is asked of several treatments; of one, see card.entry(...).p_improved."
            raise DesignError(msg)
        metric = self._metric(name)
        mine = [entry.metric == metric for entry in self.entries]
        shares = winners(self.draws[:, mine].T, metric.harm_sign)
        return dict(zip((self.control, *self.treatments), shares, strict=True))

    def entry(self, name: str) -> Entry:
        """Give the row of a metric.

        Parameters
        ----------
        name
            The metric's label or, where that is one metric's, its column.

        Raises
        ------
        DesignError
            If there is no such metric, or a row of it for each of several treatments.
        """
        metric = self._metric(name)
        if len(self.treatments) > 1:
            raise DesignError(f"Each treatment has a row: {self._of_each(f'.entry({name!r})')}.")
        return next(entry for entry in self.entries if entry.metric == metric)

    def _metric(self, name: str) -> Metric:
        metrics = [line.metric for line in dict.fromkeys(entry.line for entry in self.entries)]
        columns = [metric.column for metric in metrics]
        found = {
            metric.column: metric
            for metric in metrics
            if columns.count(metric.column) == 1 and metric.denominator is None
        }
        found |= {metric.name: metric for metric in metrics}
        if not isinstance(name, str) or name not in found:
            msg = (
                f"metric {shown(name)} is not in the scorecard; there are {', '.join(found)}."
                f"{nearest(name, found)}"
            )
            raise DesignError(msg)
        return found[name]

    def _of_each(self, what: str) -> str:
        return ", ".join(f"card.of({treatment!r}){what}" for treatment in self.treatments)

    def __getitem__(self, name: str) -> Analysis:
        """Open a metric to the full analysis, with its family, draws and every check; made when first asked.

        Raises
        ------
        DesignError
            If there is no such metric, or the rows are not there (a card that was loaded).
        """
        metric = self._metric(name)
        if metric.name not in self._kept:
            line = next(entry.line for entry in self.entries if entry.metric == metric)
            self._kept[metric.name] = self.again(self.asked.design_of(line))
        return self._kept[metric.name]

    def probability(self, event: Callable[[Mapping[Any, Floats]], npt.NDArray[np.bool_]]) -> float:
        """Probability of any event of the effects on several metrics.

        Parameters
        ----------
        event
            Takes the draws by metric, gives true or false for each; of several treatments by metric and
            treatment, such as ``effect["minutes", "blue"]``.

        Examples
        --------
        >>> import pandas as pd, numpy as np
        >>> rng = np.random.default_rng(0)
        >>> users = pd.DataFrame({"arm": np.arange(4_000) % 2, "minutes": rng.normal(50, 9, 4_000)})
        >>> users["visits"] = users["minutes"] + rng.normal(0, 3, 4_000) + users["arm"]
        >>> card = tbt.scorecard(users, group="arm", metrics=["minutes", "visits"])
        >>> card.probability(lambda effect: effect["visits"] > effect["minutes"]) > 0.99
        True
        """
        several = len(self.treatments) > 1
        by_name = {
            (entry.metric.name, entry.treatment) if several else entry.metric.name: self.draws[:, j]
            for j, entry in enumerate(self.entries)
        }
        return float(np.mean(event(by_name)))

    @property
    def refused(self) -> tuple[Gate, ...]:
        """The checks that withhold every verdict."""
        return tuple(gate for gate in self.gates if gate.status == "refuse")

    @property
    def expected_false(self) -> float:
        """How many of the verdicts of harm and of no harm are expected to be false."""
        return float(sum(entry.p_false for entry in self.entries))

    @property
    def statement(self) -> str:
        """The decision in words."""
        return statement(self)

    @property
    def how(self) -> str:
        """How it is known."""
        return how_known(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw a forest of the relative effects; see `twobytwo.show.plots.plot_scorecard`."""
        return import_module("twobytwo.show.plots").plot_scorecard(self, ax)

    def slide(self, path: str | Path) -> Path:
        """Write the decision as one picture of 16:9; see `twobytwo.show.plots.card_slide`."""
        return import_module("twobytwo.show.plots").card_slide(self, path)

    def save(self, path: str | Path) -> Path:
        """Write the scorecard to a folder, without the rows; see `twobytwo.load_scorecard`."""
        return import_module("twobytwo.answer.card_store").save_scorecard(self, path)

    def report(self, path: str | Path) -> Path:
        """Write the scorecard as HTML, Markdown, JSON or text, by the file's suffix."""
        return import_module("twobytwo.show.scorecard").save(self, path)

    def __repr__(self) -> str:
        return import_module("twobytwo.show.scorecard").text(self)

    def _repr_html_(self) -> str:
        return import_module("twobytwo.show.scorecard").fragment(self)
