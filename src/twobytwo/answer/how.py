"""How an answer is known: the model, the data, what other methods and other priors say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twobytwo.check.crosscheck import Check
from twobytwo.check.gate import THRESHOLDS, Gate
from twobytwo.check.prior_sensitivity import PriorAnswer
from twobytwo.infer.decisions import format_number, format_probability, resolution
from twobytwo.infer.effects import Effects
from twobytwo.infer.fit import Fit

__all__ = ["how_known", "subject"]

_COMPANION = {
    "ols_hc2": "robust (HC2) least-squares",
    "welch_change": "by-user (Welch, CR2) least-squares",
    "ancova": "analysis-of-covariance",
    "fiml": "maximum-likelihood (FIML)",
}


def how_known(  # noqa: PLR0913 - one keyword per part of the answer
    chosen: Fit,
    *,
    robust: Mapping[str, Check],
    priors: Mapping[str, Sequence[PriorAnswer]],
    ci_prob: float,
    refused_fit: Fit | None = None,
    reasons: Sequence[str] = (),
    uncapped: Fit | None = None,
    unsound: Sequence[Gate] = (),
    note: str = "",
) -> tuple[str, ...]:
    """Say how the answer is known, a sentence for each part.

    Parameters
    ----------
    chosen
        The fit that answers.
    robust
        The companion named beside each effect that is stated, by the effect's name.
    priors
        The answers under other priors, by the effect's name.
    ci_prob
        Probability of the credible intervals.
    refused_fit, reasons
        The family asked for, if `chosen` replaced it, and why.
    uncapped, unsound
        The same fit without the design's cap, if it has one, and gates that would refuse it.
    note
        Why this family was chosen, if that needs saying.
    """
    return (
        _conditions(chosen),
        *_replacement(chosen, refused_fit, reasons),
        *([note] if note else []),
        *_split(chosen, ci_prob),
        _data_sentence(chosen),
        *_of_sums(chosen),
        *_days(chosen),
        *_company(chosen, robust, priors),
        *_opposite_signs(chosen.effects),
        *_without_cap(uncapped, unsound, ci_prob),
    )


def subject(chosen: Fit) -> str:
    """Name what is changed: "mean minutes per user", "the mean of minutes, capped at 600".

    Examples
    --------
    >>> subject(result.fit)
    'mean out'
    """
    design, estimand = chosen.cells.design, chosen.family.estimand.replace("_", " ")
    if chosen.of_changes:
        return f"the {estimand} of users' change of {design.metric.variable}"
    # "Mean minutes" is English; "location minutes" is not.
    plain = estimand == "mean" and (not design.metric.capped or design.metric.kind == "ratio")
    name = design.metric.of("mean") if plain else f"the {estimand} of {design.metric.variable}"
    return f"{name} per user" if design.unit is not None and design.metric.denominator is None else name


def _conditions(chosen: Fit) -> str:
    """Say what every probability is given."""
    return (
        "Every probability is given these data, the model "
        f"({chosen.family.name} cells) and the stated prior ({chosen.priors.name})."
    )


def _replacement(chosen: Fit, refused_fit: Fit | None, reasons: Sequence[str]) -> list[str]:
    """Say which family was asked for and does not answer."""
    if refused_fit is None:
        return []
    safe = " on the cell means, which is safe for the mean, " if chosen.family.raw_means else " "
    return [
        f"The {refused_fit.family.name} family was refused; the {chosen.family.name}{safe}answers instead. "
        f"{' '.join(reasons)}"
    ]


def _without_cap(uncapped: Fit | None, unsound: Sequence[Gate], ci_prob: float) -> list[str]:
    if uncapped is None:
        return []
    estimates = _of_each(
        {
            contrast.agent: _estimate(uncapped.effects, contrast.name, ci_prob)
            for contrast in uncapped.cells.design.primary
        }
    )
    names = ", ".join(dict.fromkeys(gate.name for gate in unsound))
    but = f", which its checks would refuse ({names})" if unsound else ""
    best = "best estimates are" if len(uncapped.cells.design.primary) > 1 else "best estimate is"
    return [f"Without the cap the {best} {estimates}{but}."]


def _estimate(effects: Effects, name: str, ci_prob: float) -> str:
    """Write median and interval, such as ``+1.4 minutes (95 % credible interval −1.3 to +4.2)``."""
    draws = effects[name]
    row = effects.summary(ci_prob).loc[name].to_dict()
    error = resolution(draws)
    best, lower, upper = (format_number(row[key], error, sign=True) for key in ("median", "lower", "upper"))
    measure = f" {draws.attrs['unit']}" if draws.attrs["unit"] else ""
    return f"{best}{measure} ({100 * ci_prob:g} % credible interval {lower} to {upper})"


def _split(chosen: Fit, ci_prob: float) -> list[str]:
    """Say how much of the effect is participation and how much intensity, where the family knows."""
    if f"{chosen.effects.headline}_participation" not in chosen.effects:
        return []
    primary, said = chosen.cells.design.primary, []
    for contrast in primary:
        participation, intensity = (
            _estimate(chosen.effects, f"{contrast.name}_{part}", ci_prob)
            for part in ("participation", "intensity")
        )
        of = f"Of the effect of {contrast.agent}" if len(primary) > 1 else "Of this"
        said.append(f"{of}, {participation} is who is active at all and {intensity} how much the active do.")
    return said


def _data_sentence(chosen: Fit) -> str:
    """Say which of the two it is: the same users twice, or rows taken as independent."""
    cells = chosen.cells
    design = cells.design
    if not design.paired:
        if design.period is None or cells.units is not None:
            if cells.units is not None:
                return f"{cells.rows:,} users were compared, each in one cell."
            return (
                f"{cells.rows:,} rows were compared, each in one cell and each as a user of its own; if "
                "users have several rows, name their column with unit=, or the interval is too narrow."
            )
        if design.days_are_rows:
            return (
                "Every row counts as a user of its own. If users have several rows, such as days, name their "
                'column with unit= and say agg="sum": the effect is then on a user\'s total, and the '
                "interval is right."
            )
        return (
            "The rows are treated as independent (repeated cross-sections); if the same users were measured "
            "before and after, name their column with unit= for a narrower interval."
        )
    policy = {
        "zero": "; a user absent from a period counts as 0",
        "drop": "; only users seen in both periods are compared",
        "available": "; users seen once have no change and are left out"
        if chosen.of_changes
        else "; users seen once count where they were seen",
        None: "",
    }[design.missing]
    both = int(cells.joint.moments()["n"].isel(pattern=0).sum())
    sentence = f"The same users were compared before and after ({both:,} users as pairs{policy})."
    if design.given_before:
        value = f"{design.wide[0]}, a value known before" if design.wide else "the value before"
        return f"{both:,} users were compared after, given {value} (analysis of covariance{policy})."
    tightened = design.randomised and "gap" in chosen.tree["posterior"]["effect"].to_numpy()
    gap = (
        " The groups were drawn at random, so their gap before is taken as practically zero (analysis of "
        "covariance)."
    )
    return sentence + (gap if tightened else "")


def _of_sums(chosen: Fit) -> list[str]:
    """Say which ratio it is, and how its error is known."""
    metric = chosen.cells.design.metric
    if metric.denominator is None:
        return []
    return [
        f"The ratio is the sum of {metric.column} over the sum of {metric.denominator} in each cell, not the "
        "mean of the users' own ratios; its error is that of the delta method."
    ]


def _days(chosen: Fit) -> list[str]:
    """Say which days the periods have, where a launch made them."""
    launch = chosen.cells.design.factors[-1].launch
    if launch is None:
        return []
    return [launch.sentence]


def _company(
    chosen: Fit, robust: Mapping[str, Check], priors: Mapping[str, Sequence[PriorAnswer]]
) -> list[str]:
    """Say what least squares and the other priors say; of several treatments, of each."""
    asked = chosen.cells.design.primary
    intervals, across = {}, {}
    for contrast in asked:
        error, check = resolution(chosen.effects[contrast.name]), robust[contrast.name]
        ends = (format_number(value, error, sign=True) for value in (check.lower, check.upper))
        intervals[contrast.agent] = " to ".join(ends)
        across[contrast.agent] = _across(priors[contrast.name])
    method, plural = _COMPANION[robust[asked[0].name].method], "s are" if len(asked) > 1 else " is"
    least_squares = (
        [f"The {method} interval{plural} {_of_each(intervals)}."] if chosen.means is not None else []
    )
    return [*least_squares, f"Across priors the probability {_of_each(across)}."]


def _of_each(values: Mapping[str, str]) -> str:
    """List what is said of each treatment, by who it is; of one alone, without a name."""
    several = len(values) > 1
    return "; ".join(f"{value} for {agent}" if several else value for agent, value in values.items())


def _across(priors: Sequence[PriorAnswer]) -> str:
    """Say how far the probability of harm beyond the margin moves across priors."""
    shares = [answer.p_material_harm for answer in priors]
    low, high = format_probability(min(shares)), format_probability(max(shares))
    wide = THRESHOLDS["prior_range"].status(max(shares) - min(shares)) != "pass"
    span = "stays at" if low == high else "ranges from" if wide else "stays within"
    return f"{span} {low if low == high else f'{low} to {high}'}"


def _opposite_signs(effects: Effects) -> list[str]:
    if f"{effects.headline}_ratio" not in effects:
        return []
    additive = float(effects[effects.headline].median())
    draws = effects[f"{effects.headline}_ratio"]
    ratio = float(draws.median())
    # A ratio that is written as 1 has no sign.
    written = float(format_number(ratio, resolution(draws)))
    if additive * (ratio - 1) >= 0 or written == 1:
        return []
    return [
        f"On the ratio scale the effect has the opposite sign (ratio of ratios {ratio:.3g}): the answer "
        "depends on whether effects are thought to add or to multiply."
    ]
