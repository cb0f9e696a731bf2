"""A scorecard: every metric of an experiment, answered; its words, and ways to look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twobytwo.answer.entries import Entry
from twobytwo.answer.joint import LaunchDecision
from twobytwo.answer.scoring import Scoring
from twobytwo.check.gate import Gate
from twobytwo.errors import DesignError, nearest
from twobytwo.infer.decisions import format_probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis
    from twobytwo.answer.shrinkage import Shrinkage
    from twobytwo.ask.design import Design

__all__ = ["Scorecard"]

Floats = npt.NDArray[np.float64]

_VERDICTS = {
    "launch": "Launch.",
    "do not launch": "Do not launch.",
    "open": "Open: the data do not decide.",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Scorecard:
    """Every metric of an experiment, read at once and decided together.

    Parameters
    ----------
    asked
        What was asked, with levels resolved.
    entries
        One row per metric: primary ones, guardrails, information, each in the order given.
    launch
        The joint decision; None where there is none to make.
    gates
        Checks of who is in which group; one that refuses withholds every verdict.
    draws
        Joint draws of the effects; shape (draws, metrics), in the order of the entries.
    users
        How many users (or rows) were read.
    queries
        How many queries were sent.
    shrinkage
        What the effects were shrunk by; None if they were not.
    """

    asked: Scoring
    entries: tuple[Entry, ...]
    launch: LaunchDecision | None
    gates: tuple[Gate, ...]
    draws: Floats
    users: int
    queries: int
    shrinkage: Shrinkage | None
    again: Callable[[Design], Analysis]
    _kept: dict[str, Analysis] = field(default_factory=dict, init=False)

    def entry(self, name: str) -> Entry:
        """Give the row of a metric.

        Parameters
        ----------
        name
            The metric's label or, where that is one metric's, its column.

        Raises
        ------
        DesignError
            If there is no such metric.
        """
        columns = [entry.metric.column for entry in self.entries]
        found = {
            entry.metric.column: entry
            for entry in self.entries
            if columns.count(entry.metric.column) == 1 and entry.metric.denominator is None
        }
        found |= {entry.metric.name: entry for entry in self.entries}
        if name not in found:
            msg = (
                f"metric {name!r} is not in the scorecard; there are {', '.join(found)}."
                f"{nearest(name, found)}"
            )
            raise DesignError(msg)
        return found[name]

    def __getitem__(self, name: str) -> Analysis:
        """Open a row to the full analysis, with its family, draws and every check; made when first asked.

        Raises
        ------
        DesignError
            If there is no such metric, or the rows are not there (a card that was loaded).
        """
        entry = self.entry(name)
        if entry.metric.name not in self._kept:
            self._kept[entry.metric.name] = self.again(self.asked.design_of(entry.line))
        return self._kept[entry.metric.name]

    def probability(self, event: Callable[[Mapping[str, Floats]], npt.NDArray[np.bool_]]) -> float:
        """Probability of any event of the effects on several metrics.

        Parameters
        ----------
        event
            Takes the draws by metric, gives true or false for each.

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
        by_name = {entry.metric.name: self.draws[:, j] for j, entry in enumerate(self.entries)}
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
        if self.refused:
            return f"No verdict is stated. {' '.join(gate.message for gate in self.refused)}"
        if self.launch is None:
            named = [entry.metric.name for entry in self.entries if entry.verdict == "harm"]
            listed = f"Harm: {', '.join(named)}." if named else "No metric is harmed for certain."
            return f"{listed} No metric is primary, so there is no launch decision."
        if self.launch.verdict == "not stated":
            skewed = [
                entry.metric.name
                for entry in self.entries
                if entry.verdict == "not stated" and entry.role != "information"
            ]
            return (
                "The launch is not stated: a few large values carry the effect on "
                f"{', '.join(skewed)}, which decides; say cap=, or look at it alone."
            )
        conditions = "; ".join(condition.words for condition in self.launch.conditions)
        any_harmed = ""
        if any(entry.role == "guardrail" for entry in self.entries):
            harmed = format_probability(self.launch.p_any_guardrail_harmed)
            any_harmed = f" Probability that any guardrail is harmed: {harmed}."
        return f"{_VERDICTS[self.launch.verdict]} The probability {conditions}.{any_harmed}"

    @property
    def how(self) -> str:
        """How it is known."""
        said = [
            f"{self.users:,} {'users' if self.asked.design.unit else 'rows'} and {len(self.entries)} "
            f"metric{'s' if len(self.entries) > 1 else ''} were read in one pass.",
            "Posteriors are in closed form (normal means; shares on log-odds, counts on logarithms, "
            "ratios as quotients of two means) and joint by the correlations of the users' values "
            "(Gaussian copula).",
        ]
        launch = self.asked.design.factors[-1].launch
        if launch is not None:
            said.append(launch.sentence)
        adjusted = sum(entry.line.before_column is not None for entry in self.entries)
        if adjusted:
            said.append(
                f"{'One metric' if adjusted == 1 else f'{adjusted} metrics'} had a value before, and the gap "
                "in it was taken away (CUPED)."
            )
        if self.asked.design.randomised:
            said.append(
                "The groups were drawn at random, so their gap before was taken away in every metric."
            )
        said += [gate.message for gate in self.gates if gate.status != "refuse"]
        if not self.refused:
            said.append(
                f"Of the verdicts of harm and no harm {self.expected_false:.2g} are expected to be false."
            )
        if self.shrinkage is not None:
            said.append(self.shrinkage.words)
        return " ".join(said)

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
