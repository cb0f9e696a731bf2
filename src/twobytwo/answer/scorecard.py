"""Every metric of an experiment, decided together: one reading, one table, one launch decision."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import stats

from twobytwo.answer.shrinkage import Shrinkage, shrunk
from twobytwo.ask.design import Aggregate, Design, Missing
from twobytwo.ask.metric import Metric
from twobytwo.data.several import read_several
from twobytwo.errors import DesignError, nearest
from twobytwo.infer.decisions import format_probability, verdict
from twobytwo.infer.priors import Priors
from twobytwo.infer.together import Estimates, Together, columns_of, effects_together, estimates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis

__all__ = ["Entry", "Launch", "Role", "Scorecard", "scorecard"]

Floats = npt.NDArray[np.float64]
Role = Literal["primary", "guardrail", "information"]
Verdict = Literal["harm", "no harm", "open", "not stated"]

# docs/methods.md, section 5: the gates of the full analysis that closed form can look at.
_SKEWED, _TOO_SKEWED, _FEW, _LARGE, _PRIOR = 0.06, 0.2, 10, 0.05, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One metric's row.

    Parameters
    ----------
    metric, role
        What is measured, and its part in the decision.
    median, ci
        Of the effect, in units of the metric.
    relative, relative_ci
        The same as a share of what is expected without the effect; None where that is not positive.
    p_improved, p_harm, p_material_harm
        Probability that the effect is in the good direction, in the bad one, and beyond the margin there.
    verdict
        ``"harm"``, ``"no harm"``, ``"open"``, or ``"not stated"`` where a few large values carry the effect.
    cautions
        What a reader must bear in mind, in clauses.
    estimate, se, p_value
        The companion: the contrast of means without a prior, and its two-sided p-value.
    discovery
        Whether Benjamini and Hochberg's procedure at 5 % calls the effect one.
    """

    metric: Metric
    role: Role
    median: float
    ci: tuple[float, float]
    relative: float | None
    relative_ci: tuple[float, float] | None
    p_improved: float
    p_harm: float
    p_material_harm: float
    verdict: Verdict
    cautions: tuple[str, ...]
    estimate: float
    se: float
    p_value: float
    discovery: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """The decision on all metrics together.

    Parameters
    ----------
    p_primary_up
        Probability that every primary metric moved in its good direction.
    p_any_guardrail_harmed
        Probability that at least one guardrail is harmed beyond its margin.
    p_launch
        Probability that every primary metric improved and no guardrail is harmed: one event of the joint
        draws.
    p_if_independent
        What the product of the metrics' own probabilities would say; it ignores that they move together.
    launch_if
        What `p_launch` must reach.
    verdict
        ``"launch"``; ``"do not launch"`` if it is at most one minus that; ``"open"``; or ``"not stated"``.
    """

    p_primary_up: float
    p_any_guardrail_harmed: float
    p_launch: float
    p_if_independent: float
    launch_if: float
    verdict: Literal["launch", "do not launch", "open", "not stated"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Scorecard:
    """Every metric of an experiment, read at once and decided together.

    Parameters
    ----------
    design
        The question, its levels resolved.
    entries
        One row a metric: primary ones, guardrails, information, each in the order given.
    launch
        The joint decision; None without a primary metric.
    draws
        Joint draws of the effects; shape (draws, metrics), in the order of the entries.
    users
        How many users (or rows) were read.
    queries
        How many queries were sent.
    ci_prob, max_probability
        Of the intervals, and of the verdicts.
    expected_false
        How many of the verdicts of harm and of no harm are expected to be false.
    shrinkage
        What the effects were shrunk by; None if they were not.
    """

    design: Design
    entries: tuple[Entry, ...]
    launch: Launch | None
    draws: Floats
    users: int
    queries: int
    ci_prob: float
    max_probability: float
    expected_false: float
    shrinkage: Shrinkage | None
    again: Callable[[Design], Analysis]
    _kept: dict[str, Analysis] = field(default_factory=dict, init=False)

    def __getitem__(self, name: str) -> Entry:
        """Give the row of a metric, by its column or label."""
        found = {entry.metric.name: entry for entry in self.entries}
        found |= {entry.metric.column: entry for entry in self.entries if entry.metric.denominator is None}
        if name not in found:
            listed = ", ".join(found)
            msg = f"metric {name!r} is not in the scorecard; there are {listed}.{nearest(name, found)}"
            raise DesignError(msg)
        return found[name]

    def analysis(self, name: str) -> Analysis:
        """Answer for one metric in full, with its family, draws and every check; made when first asked.

        Parameters
        ----------
        name
            The metric's column or label.
        """
        entry = self[name]
        if entry.metric.name not in self._kept:
            self._kept[entry.metric.name] = self.again(replace(self.design, metric=entry.metric))
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
        >>> card = scorecard(users, group="arm", metrics=["minutes", "visits"])
        >>> card.probability(lambda effect: effect["visits"] > effect["minutes"]) > 0.99
        True
        """
        by_name = {entry.metric.name: self.draws[:, j] for j, entry in enumerate(self.entries)}
        return float(np.mean(event(by_name)))

    @property
    def statement(self) -> str:
        """The decision in words."""
        if self.launch is None:
            named = [entry.metric.name for entry in self.entries if entry.verdict == "harm"]
            listed = f"Harm: {', '.join(named)}." if named else "No metric is harmed for certain."
            return f"{listed} No metric is primary, so there is no launch decision."
        said = {
            "launch": "Launch.",
            "do not launch": "Do not launch.",
            "open": "Open: the data do not decide.",
            "not stated": "Not stated: a few large values carry the effect on a metric that decides.",
        }
        launch = self.launch
        if launch.verdict == "not stated":
            return said[launch.verdict]
        return (
            f"{said[launch.verdict]} The probability that the primary metric improved and no guardrail is "
            f"harmed beyond its margin is {format_probability(launch.p_launch)} (needed: "
            f"{100 * launch.launch_if:g} %). Probability that any guardrail is harmed: "
            f"{format_probability(launch.p_any_guardrail_harmed)}."
        )

    @property
    def how(self) -> str:
        """How it is known."""
        said = [
            f"{self.users:,} {'users' if self.design.unit else 'rows'} and {len(self.entries)} metrics were "
            "read in one pass.",
            "Posteriors are in closed form (normal means; shares on log-odds, counts on logarithms, "
            "ratios as quotients of two means) and joint by the correlations of the users' values "
            "(Gaussian copula).",
            f"Of the verdicts of harm and no harm {self.expected_false:.2g} are expected to be false.",
        ]
        if self.shrinkage is not None:
            said.append(self.shrinkage.words)
        return " ".join(said)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw a forest of the relative effects; see `twobytwo.show.plots.plot_scorecard`."""
        return import_module("twobytwo.show.plots").plot_scorecard(self, ax)

    def report(self, path: str | Path) -> Path:
        """Write the scorecard as HTML, Markdown, JSON or text, by the file's suffix."""
        return import_module("twobytwo.show.scorecard").save(self, path)

    def __repr__(self) -> str:
        return import_module("twobytwo.show.scorecard").text(self)

    def _repr_html_(self) -> str:
        return import_module("twobytwo.show.scorecard").fragment(self)


def scorecard(  # noqa: PLR0913 - the public face: one keyword per thing that a reader would say
    data: Any,
    *,
    metrics: Sequence[str | Mapping[str, Any]],
    group: str | None = None,
    period: str | None = None,
    factors: Sequence[str] | None = None,
    control: Hashable = None,
    treatment: Hashable = None,
    before: Hashable = None,
    after: Hashable = None,
    levels: Mapping[str, tuple[Hashable, Hashable]] | None = None,
    unit: str | None = None,
    missing: Missing | None = None,
    agg: Aggregate | None = None,
    randomised: bool = False,
    launch_if: float = 0.9,
    shrink: Literal["normal", "fat"] | None = None,
    priors: str | Priors = "default",
    ci_prob: float = 0.95,
    max_probability: float = 0.05,
    draws: int = 4_000,
    random_seed: int = 20_240_229,
) -> Scorecard:
    """Read every metric of an experiment at once and decide on all of them together.

    Parameters
    ----------
    data
        A table, as for `did`; every metric is a column.
    metrics
        Names of columns, or tables of what `Metric` takes with ``column`` and ``role``: ``"primary"`` (must
        improve), ``"guardrail"`` (must not be harmed beyond its margin; its ``harm`` must be said) or
        ``"information"``, the default.
    group, control, treatment
        The groups, compared as by `compare`; with `period` as by `did`.
    period, before, after
        The periods of a difference-in-differences.
    factors, levels
        Instead of a group: the experiments of an interaction.
    unit, missing, agg, randomised
        As for `did`; ``missing="available"`` is not known here.
    launch_if
        Launch if the probability that all primary metrics improved and no guardrail is harmed is at least
        this; do not launch if it is at most one minus this.
    shrink
        Shrink the effects towards zero, for long lists: ``"normal"``, or ``"fat"`` for a
        distribution of effects with fat tails (t with 4 degrees of freedom).
    priors, ci_prob, max_probability
        As for `did`.
    draws, random_seed
        Of the joint posterior.

    Returns
    -------
    Scorecard
        Rows, joint decision, draws; `Scorecard.analysis` opens one metric in full.

    Raises
    ------
    DesignError
        For a metric twice, a guardrail without direction, an unknown key or role.
    DataError
        If the table cannot answer, see `twobytwo.data.several.read_several`.

    Examples
    --------
    >>> import pandas as pd, numpy as np
    >>> rng = np.random.default_rng(1)
    >>> users = pd.DataFrame({"arm": np.arange(4_000) % 2, "minutes": rng.gamma(1, 50, 4_000)})
    >>> users["minutes"] *= 1 + 0.1 * users["arm"]
    >>> users["crashed"] = rng.random(4_000) < 0.05
    >>> card = scorecard(
    ...     users,
    ...     group="arm",
    ...     metrics=[
    ...         {"column": "minutes", "role": "primary"},
    ...         {"column": "crashed", "kind": "share", "role": "guardrail", "harm": "increase", "margin": 3},
    ...     ],
    ... )
    >>> card.launch.verdict
    'launch'
    """
    measured, roles = _stated(metrics)
    design = _design(
        measured[0],
        {"group": group, "control": control, "treatment": treatment},
        {"period": period, "before": before, "after": after, "missing": missing, "randomised": randomised},
        {"factors": factors, "levels": levels},
        {"unit": unit, "agg": agg},
    )
    for name, share, low in (("launch_if", launch_if, 0.5), ("ci_prob", ci_prob, 0.0)):
        if not low < share < 1:
            msg = f"{name}={share!r} must be between {low:g} and 1, such as 0.9."
            raise DesignError(msg)
    several = read_several(data, design, columns_of(measured))
    found = estimates(several, measured)
    joint = effects_together(several, measured, found, Priors.of(priors), draws=draws, seed=random_seed)
    effects, how = (joint.effect, None) if shrink is None else shrunk(joint.effect, found.scale, shrink)
    scale = np.divide(effects, joint.effect, out=np.ones_like(effects), where=joint.effect != 0)
    joint = replace(joint, effect=effects, relative=joint.relative * scale)
    entries = _entries(measured, roles, found, joint, ci_prob=ci_prob, max_probability=max_probability)
    # Primary first, and within a role as given.
    order = sorted(range(len(entries)), key=lambda j: get_args(Role).index(roles[j]))
    entries = [entries[j] for j in order]
    stated = [entry for entry in entries if entry.verdict in ("harm", "no harm")]
    false = sum(
        1 - entry.p_material_harm if entry.verdict == "harm" else entry.p_material_harm for entry in stated
    )
    ordered = joint.effect[:, order]
    return Scorecard(
        design=several.design,
        entries=tuple(entries),
        launch=_launch(entries, ordered, launch_if),
        draws=ordered,
        users=int(several.n.sum()),
        queries=several.queries,
        ci_prob=ci_prob,
        max_probability=max_probability,
        expected_false=float(false),
        shrinkage=how,
        again=partial(_answered, data),
    )


def _answered(data: Any, design: Design) -> Analysis:
    # Loads PyMC, which a scorecard does not need.
    from twobytwo.answer.analyze import analyze

    return analyze(data, design)


def _stated(metrics: Sequence[str | Mapping[str, Any]]) -> tuple[list[Metric], list[Role]]:
    """Read what was said of the metrics, or refuse."""
    if isinstance(metrics, str | Mapping) or not metrics:
        msg = f"metrics={metrics!r} must be a list with one name, or one table of keys, for each metric."
        raise DesignError(msg)
    measured: list[Metric] = []
    roles: list[Role] = []
    known = ["role", *(entry.name for entry in fields(Metric))]
    for said in metrics:
        options = {"column": said} if isinstance(said, str) else dict(said)
        unknown = [key for key in options if key not in known]
        if unknown:
            near = nearest(unknown[0], known)
            msg = f"metric key {unknown[0]!r} is unknown; allowed are {', '.join(known)}.{near}"
            raise DesignError(msg)
        if "column" not in options:
            msg = f"A metric has no column: {options!r}."
            raise DesignError(msg)
        role: Any = options.pop("role", "information")
        if role not in get_args(Role):
            allowed = ", ".join(get_args(Role))
            msg = f"role={role!r} of {options['column']!r} is not allowed; use one of {allowed}."
            raise DesignError(msg)
        if role == "guardrail" and "harm" not in options:
            msg = (
                f'The guardrail {options["column"]!r} has no direction: say harm="decrease" or '
                'harm="increase", whichever is bad.'
            )
            raise DesignError(msg)
        measured.append(Metric(**options))
        roles.append(role)
    names = [metric.name for metric in measured]
    twice = [name for name in names if names.count(name) > 1]
    columns = [(metric.column, metric.denominator) for metric in measured]
    twice += [column for column, under in columns if columns.count((column, under)) > 1]
    if twice:
        msg = f"The metric {twice[0]!r} stands twice in metrics=; give each once."
        raise DesignError(msg)
    limited = next((metric for metric in measured if metric.capped or metric.upper_bound), None)
    if limited is not None:
        msg = (
            f"Caps and upper_bound= of {limited.name!r} are for a full analysis; a scorecard reads columns "
            "as they are."
        )
        raise DesignError(msg)
    return measured, roles


def _design(
    metric: Metric,
    groups: dict[str, Any],
    periods: dict[str, Any],
    experiments: dict[str, Any],
    users: dict[str, Any],
) -> Design:
    """Give the design that the keywords name."""
    # The first metric stands for all; another column's role is asked metric by metric.
    stated = {name: value for name, value in {**groups, **periods}.items() if value}
    if experiments["factors"] is not None:
        if stated:
            msg = f"factors= and {next(iter(stated))}= belong to different questions; leave one out."
            raise DesignError(msg)
        return Design.interaction(outcome=metric, **experiments, **users)
    if groups["group"] is None:
        msg = "group= is missing; name the column of the groups (or factors= for an interaction)."
        raise DesignError(msg)
    if periods["period"] is not None:
        return Design.did(outcome=metric, **groups, **periods, **users)
    if isinstance(groups["treatment"], list | tuple):
        msg = "A scorecard compares one treatment with the control group; make one for each treatment."
        raise DesignError(msg)
    return Design.compare(outcome=metric, **groups, **users)


def _entries(
    metrics: Sequence[Metric],
    roles: Sequence[Role],
    found: Estimates,
    joint: Together,
    *,
    ci_prob: float,
    max_probability: float,
) -> list[Entry]:
    sign = np.array([metric.harm_sign for metric in metrics])
    margin = np.array([metric.margin or 0.0 for metric in metrics])
    harm = sign * joint.effect
    p_harm, p_material = (harm > 0).mean(axis=0), (harm > margin).mean(axis=0)
    tails = [(1 - ci_prob) / 2, 0.5, (1 + ci_prob) / 2]
    effect, relative = (np.quantile(values, tails, axis=0) for values in (joint.effect, joint.relative))
    p_values = 2 * stats.norm.sf(np.abs(found.effect / found.se))
    discovered = stats.false_discovery_control(p_values) <= 0.05
    entries = []
    for j, metric in enumerate(metrics):
        withheld = found.skewness[j] > _TOO_SKEWED
        known = not np.isnan(relative[1, j])
        entries.append(
            Entry(
                metric=metric,
                role=roles[j],
                median=float(effect[1, j]),
                ci=(float(effect[0, j]), float(effect[2, j])),
                relative=float(relative[1, j]) if known else None,
                relative_ci=(float(relative[0, j]), float(relative[2, j])) if known else None,
                p_improved=float(1 - p_harm[j]),
                p_harm=float(p_harm[j]),
                p_material_harm=float(p_material[j]),
                verdict="not stated" if withheld else verdict(float(p_material[j]), max_probability),
                cautions=_cautions(found, joint, j),
                estimate=float(found.effect[j]),
                se=float(found.se[j]),
                p_value=float(p_values[j]),
                discovery=bool(discovered[j]),
            )
        )
    return entries


def _cautions(found: Estimates, joint: Together, j: int) -> tuple[str, ...]:
    made = []
    if found.events[j] < _FEW:
        made.append(f"a cell has {found.events[j]:.0f} events")
    if found.skewness[j] > _SKEWED:
        made.append("a few large values carry the difference")
    if found.largest[j] > _LARGE:
        made.append("one value makes up much of a cell's total")
    if joint.prior_weight[j] > _PRIOR:
        made.append("the prior has much of the weight")
    return tuple(made)


def _launch(entries: Sequence[Entry], draws: Floats, launch_if: float) -> Launch | None:
    """Decide from the joint draws; what is improved and harmed is one event a draw."""
    sign = np.array([entry.metric.harm_sign for entry in entries])
    margin = np.array([entry.metric.margin or 0.0 for entry in entries])
    primary, guardrail = (np.array([e.role == role for e in entries]) for role in get_args(Role)[:2])
    if not primary.any():
        return None
    up = (sign * draws)[:, primary] < 0
    harmed = (sign * draws)[:, guardrail] > margin[guardrail]
    p_launch = float((up.all(axis=1) & ~harmed.any(axis=1)).mean())
    product = float(np.prod(up.mean(axis=0)) * np.prod(1 - harmed.mean(axis=0)))
    found: Literal["launch", "do not launch", "open", "not stated"] = "open"
    if any(e.verdict == "not stated" for e in entries if e.role != "information"):
        found = "not stated"
    elif p_launch >= launch_if:
        found = "launch"
    elif p_launch <= 1 - launch_if:
        found = "do not launch"
    return Launch(
        p_primary_up=float(up.all(axis=1).mean()),
        p_any_guardrail_harmed=float(harmed.any(axis=1).mean()),
        p_launch=p_launch,
        p_if_independent=product,
        launch_if=launch_if,
        verdict=found,
    )
