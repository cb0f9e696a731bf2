"""What would change the answer: other priors, families, caps, users and trends, on the same data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import pandas as pd

from twobytwo.ask.contrast import Contrast
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.gate import refused
from twobytwo.check.gates.family import family_gates
from twobytwo.check.gates.sampler import sampler_gates
from twobytwo.check.prior_sensitivity import answer_under, named_effect, power_scaling, under_priors
from twobytwo.data.cells import Cells
from twobytwo.errors import TwoByTwoError
from twobytwo.infer.decisions import format_probability, verdict
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import Family, families_for
from twobytwo.infer.fit import Fit, fit
from twobytwo.progress import track

__all__ = ["Sensitivity", "panel"]

# A panel compares answers, whose Monte-Carlo error may be larger than the headline's.
_PANEL_DRAWS = 500
# How trends may add up, and what that is called after the headline's name.
_TRENDS = {"additive": "", "multiplicative": "_multiplicative"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sensitivity:
    """The answer under every combination of reasonable choices.

    Parameters
    ----------
    table
        One row per specification: the choices ``family``, ``prior``, ``values`` (all, capped, without the
        largest) and ``trend``; ``median``, ``lower``, ``upper`` (units of the outcome), ``p_harm``,
        ``p_material_harm``, ``verdict`` (see `twobytwo.infer.decisions.verdict`), ``fidelity`` (whether the
        gates would let the family answer), ``method``. The analysis itself is the first row.
    flips
        Choices that alone change the verdict of the analysis, such as ``"family: tail"``.
    left_out
        What was not tried, and why.
    prior_weight, power_scaling
        Share of the answer that is the prior's (κ), and how much the answer moves when the prior is raised
        to a power (above 0.05 the prior is informative).
    agent
        Whose effect it is where several treatments were compared, such as "arm b"; else empty.
    """

    table: pd.DataFrame
    flips: tuple[str, ...]
    left_out: tuple[str, ...]
    prior_weight: float
    power_scaling: float
    agent: str = ""

    @property
    def text(self) -> str:
        """Say in words which choices change the decision."""
        trusted = self.table[self.table["fidelity"] == "ok"]
        if trusted.empty:
            return f"{len(self.table)} specifications, and none of them passes its checks."
        low, high = trusted["p_material_harm"].min(), trusted["p_material_harm"].max()
        shares = dict.fromkeys((format_probability(low), format_probability(high)))
        stays = " to ".join(shares)
        whose = f"Of {self.agent}: " if self.agent else ""
        first = (
            f"{whose}{len(self.table)} specifications; where the family passes its checks the probability of "
            f"harm is {stays}. The prior has {self.prior_weight:.1%} of the weight (power-scaling "
            f"sensitivity {self.power_scaling:.2g})."
        )
        if not self.flips:
            return f"{first} No single choice changes the decision ({self.table['verdict'].iloc[0]})."
        return f"{first} The decision ({self.table['verdict'].iloc[0]}) changes with {'; '.join(self.flips)}."

    def __str__(self) -> str:
        shown = self.table.to_string(index=False, float_format="{:.4g}".format)
        return "\n".join([shown, self.text, *self.left_out])


def panel(  # noqa: PLR0913 - one keyword per choice
    base: Fit,
    variants: Mapping[str, Callable[[], Cells]],
    contrast: Contrast | None = None,
    *,
    values: str = "all",
    ci_prob: float = 0.95,
    max_probability: float = 0.05,
    options: SamplerOptions | None = None,
    families: Sequence[Family] | None = None,
) -> Sensitivity:
    """Answer under every combination of family, prior, values and trend.

    Parameters
    ----------
    base
        The analysis' own fit.
    variants
        Other tables of cells of the same rows, by what was done to the values; made when needed.
    contrast
        Which effect; None takes the headline's.
    values
        What was done to the values of the fit itself.
    ci_prob
        Probability of the credible intervals.
    max_probability
        Of the verdicts; see `twobytwo.infer.decisions.verdict`.
    options
        Of the sampler.
    families
        Which to try beside the fit's own; None takes every family of the package for means whose support
        the data are in and that is not slow.

    Returns
    -------
    Sensitivity
        One row per specification.

    Notes
    -----
    Each family is fitted once per table of cells. Priors are reweighted, not refitted, where their weights
    can be trusted, and both trends come from the same draws.
    """
    options = options or SamplerOptions()
    options = replace(options, draws=min(options.draws, _PANEL_DRAWS))
    candidates = [
        base.family,
        *(families if families is not None else _usual(base.cells)),
    ]
    unique = {family.name: family for family in reversed(candidates)}
    unique = {base.family.name: base.family} | unique
    rows, left_out, unsuitable = [], [], set()
    tables: dict[str, Cells] = {}
    for name, make in {values: lambda: base.cells, **variants}.items():
        try:
            tables[name] = make()
        except TwoByTwoError as error:
            left_out.append(f"Values {name} were not tried: {error}")
    steps = [(name, family) for name in tables for family in unique.values()]
    for name, family in track(steps, "sensitivity"):
        if family.estimand != base.family.estimand:
            left_out.append(f"{family.name} was not tried: its effect is on a {family.estimand}.")
            continue
        try:
            own = name == values and family is base.family
            with warnings.catch_warnings(action="ignore"):
                fitted = base if own else fit(tables[name], family, base.priors, options)
        except TwoByTwoError as error:
            if name == values or family.name not in unsuitable:
                on = "" if name == values else f" on values {name}"
                left_out.append(f"{family.name} was not tried{on}: {error}")
            unsuitable.add(family.name)
            continue
        made = _rows(fitted, contrast, name, ci_prob, max_probability, options)
        rows += made
        tried = {trend: [row["prior"] for row in made if row["trend"] == trend] for trend in _TRENDS}
        absent = [str(prior) for prior in tried["additive"] if prior not in tried["multiplicative"]]
        if name == values and absent and len(base.cells.design.headline.corners) == 4:
            under = f" ({', '.join(absent)} prior)" if tried["multiplicative"] else ""
            left_out.append(
                f"Multiplicative trends were not tried for {family.name}{under}: it has no positive levels."
            )
    table, design = pd.DataFrame(rows), base.cells.design
    return Sensitivity(
        table=table,
        flips=_flips(table),
        left_out=tuple(dict.fromkeys(left_out)),
        prior_weight=base.prior_weight(robust_check(base.cells, ci_prob, contrast).se, contrast),
        power_scaling=power_scaling(base, contrast),
        agent=(contrast or design.headline).agent if len(design.primary) > 1 else "",
    )


def _usual(cells: Cells) -> list[Family]:
    return [family for family in families_for(cells.design.metric.kind) if not family.slow]


def _rows(
    fitted: Fit,
    contrast: Contrast | None,
    values: str,
    ci_prob: float,
    max_probability: float,
    options: SamplerOptions,
) -> list[dict[str, object]]:
    checks = [
        *family_gates(fitted, robust_check(fitted.cells, ci_prob, contrast), contrast),
        *sampler_gates(fitted.tree, fitted.effects, [contrast or fitted.cells.design.headline]),
    ]
    # The panel has fewer draws than the headline needs; that alone is no reason against a family.
    against = [gate for gate in refused(checks) if gate.name not in ("ess_bulk", "ess_tail")]
    found = under_priors(fitted, options)
    rows = []
    for trend, suffix in _TRENDS.items():
        effect = named_effect(fitted, contrast) + suffix
        for answer in (
            answer_under(under, effect, ci_prob) for under in found if effect in under.fitted.effects
        ):
            about = {"family": fitted.family.name, "prior": answer.prior, "values": values, "trend": trend}
            numbers = {key: value for key, value in asdict(answer).items() if key not in ("prior", "method")}
            rows.append(
                about
                | numbers
                | {
                    "verdict": verdict(answer.p_material_harm, max_probability),
                    "fidelity": ", ".join(gate.name for gate in against) or "ok",
                    "method": answer.method,
                }
            )
    return rows


def _flips(table: pd.DataFrame) -> tuple[str, ...]:
    choices = ["family", "prior", "values", "trend"]
    first = table.iloc[0]
    found = []
    for choice in choices:
        others = [name for name in choices if name != choice]
        alone = table[(table[others] == first[others]).all(axis=1) & (table["fidelity"] == "ok")]
        found += [
            f"{choice}: {row[choice]} ({row['verdict']})"
            for _, row in alone.iterrows()
            if row["verdict"] != first["verdict"]
        ]
    return tuple(found)
