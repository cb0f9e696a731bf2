"""An analysis as one self-contained page for who has to decide, and reports by the file's suffix."""

from __future__ import annotations

import json
import math
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twobytwo.answer.statement import subject
from twobytwo.errors import DesignError
from twobytwo.infer.decisions import format_probability, probability
from twobytwo.show import plots, report
from twobytwo.show.markup import details, image, table, tag
from twobytwo.show.tables import (
    STATUS,
    asked,
    cells_table,
    crosscheck_table,
    effects_table,
    harm_of,
    not_green,
    picture_in_words,
    prior_share,
    roles,
    sensitivity_frame,
    sensitivity_table,
    told,
)

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.ask.design import Design
    from twobytwo.check.gates import Gate
    from twobytwo.check.sensitivity import Sensitivity
    from twobytwo.show.report import Provenance

__all__ = ["FORMATS", "harm_curve", "html", "save_report"]

# Margins, and the probability of harm beyond each, written out.
Curve = Sequence[tuple[float, str]]
_STEPS = 200
# A table of more rows is folded away.
_SHORT = 8
# A report asks nothing of any network, and a browser is told to refuse if it did.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def html(analysis: Analysis, provenance: Provenance | None = None, panel: Sensitivity | None = None) -> str:
    r"""Write an analysis as one page that needs nothing else.

    Parameters
    ----------
    analysis
        The answered question.
    provenance
        The plan it comes from, if it comes from one.
    panel
        What ``analysis.sensitivity()`` found; None takes the presets of priors, which are at hand.

    Returns
    -------
    str
        HTML with pictures, style and script inside. Of a refused headline: why, the checks and the data,
        but no estimate.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> result = tbt.interaction(
    ...     tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    ... )
    >>> html(result)[:32]
    '<!DOCTYPE html>\n<html lang="en">'
    """
    refused = analysis.headline.status == "refused"
    title = asked(analysis.design) if provenance is None else provenance.title
    asks = "" if title == asked(analysis.design) else f"{asked(analysis.design)}. "
    question = f"{asks}{harm_of(analysis.design)}."
    curve = [] if refused else harm_curve(analysis)
    head = [
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
        tag("title", text=title),
        tag("style", _resource("page.css")),
    ]
    sections = [_answer(analysis, curve)]
    if not refused:
        sections += [_why(analysis), _would_change(analysis, panel)]
    sections += [_checks(analysis), _assumptions(analysis), _method(analysis, provenance)]
    header = tag("header", tag("h1", text=title), tag("p", text=question, class_="question"))
    script = "" if refused else _script(analysis.design, curve)
    body = tag("body", tag("main", header, *sections), script)
    return f'<!DOCTYPE html>\n<html lang="en">\n{tag("head", *head)}\n{body}\n</html>\n'


def save_report(
    analysis: Analysis,
    path: str | Path,
    provenance: Provenance | None = None,
    *,
    panel: Sensitivity | None = None,
) -> Path:
    """Write a report in the format of the file's suffix, whole or not at all.

    Parameters
    ----------
    analysis
        The answered question.
    path
        ``.html`` for people who decide, ``.md`` for pull requests and tickets, ``.txt``, or ``.json`` for
        machines.
    provenance
        The plan it comes from, if it comes from one.
    panel
        What ``analysis.sensitivity()`` found, for ``.html`` and ``.md``; None tries other priors, caps, users
        and trends with the headline's own family, which takes seconds, and reads the rows again.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    DesignError
        If the suffix is none of these.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> from tempfile import TemporaryDirectory
    >>> result = tbt.interaction(
    ...     tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     save_report(result, Path(folder, "report.md")).read_text()[:15]
    '## Interaction '
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        msg = f"path={str(path)!r} has no known suffix; a report ends in {', '.join(FORMATS)}."
        raise DesignError(msg)
    shown = path.suffix.lower() in (".html", ".md") and analysis.headline.status != "refused"
    if shown and panel is None:
        panel = analysis.sensitivity(families=[])
    return report.write(FORMATS[path.suffix.lower()](analysis, provenance, panel), path)


FORMATS: Mapping[str, Callable[[Any, Any, Any], str]] = {
    ".html": html,
    ".md": report.markdown,
    ".txt": lambda analysis, provenance, _: f"{report.text(analysis, provenance)}\n",
    ".json": lambda analysis, provenance, _: f"{report.dumps(report.to_dict(analysis, provenance))}\n",
}


def harm_curve(analysis: Analysis) -> list[tuple[float, str]]:
    """Give the probability of harm beyond a margin, written out, for a grid of margins.

    Parameters
    ----------
    analysis
        An answered question.

    Returns
    -------
    list of (float, str)
        Margins from 0 to where harm is out of the question, the design's among them.
    """
    stated, draws = analysis.headline, analysis.effects[analysis.headline.effect]
    harm = analysis.design.metric.harm_sign * draws
    largest = max(2 * stated.margin, float(harm.quantile(0.9995)), float(draws.std()))
    step = _round_up(largest / _STEPS)
    decimals = max(0, -math.floor(math.log10(step)))
    margins = {round(k * step, decimals) for k in range(math.ceil(largest / step) + 1)} | {stated.margin}
    written = []
    for margin in sorted(margins):
        share = float((harm > margin).mean())
        # Only near 0 and 1 do the digits depend on the Monte-Carlo error, which takes longer to compute.
        known = probability(harm > margin, draws) if 0.001 <= min(share, 1 - share) < 0.01 else None
        written.append((margin, format_probability(share) if known is None else str(known)))
    return written


def _round_up(value: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-12))


def _section(title: str, *content: str) -> str:
    name = re.sub(r"\W+", "-", title.lower()).strip("-")
    return tag("section", tag("h2", text=title, id=name), *content, aria_labelledby=name)


def _figure(ax: Any, alt: str, caption: str) -> str:
    return tag("figure", image(plots.encode(ax, "svg"), alt), tag("figcaption", text=caption))


def _wide(content: str) -> str:
    # Whoever uses the keyboard must be able to scroll what is wider than the screen.
    return tag("div", content, class_="wide", tabindex="0", role="region", aria_label="Scrollable")


def _answer(analysis: Analysis, curve: Curve) -> str:
    first, *rest = re.split(r"(?<=[.%]) (?=[A-Z])", analysis.statement, maxsplit=1)
    if analysis.headline.status == "refused":
        lead = tag("p", text=first, class_="answer")
        more = "The estimates are withheld with the statement. The checks below say what to do."
        return _section(
            "The answer", tag("div", lead, *(tag("p", text=t) for t in (*rest, more)), class_="refused")
        )
    words = picture_in_words(analysis)
    caption = (
        "How plausible each size of the effect is, given the data. The black bar holds "
        f"{100 * analysis.headline.ci_prob:g} % of the probability."
    )
    return _section(
        "The answer",
        tag("p", text=first, class_="answer"),
        *(tag("p", text=text) for text in rest),
        _figure(plots.plot_effect(analysis, plots.blank(6.2, 3.6)), words, caption),
        _margin(analysis, curve),
    )


def _margin(analysis: Analysis, curve: Curve) -> str:
    """Write the sentence whose margin can be moved."""
    stated, design = analysis.headline, analysis.design
    index = [margin for margin, _ in curve].index(stated.margin)
    if design.question == "did":
        verb = "lowers" if design.metric.harm == "decrease" else "raises"
        before = f"The probability that the treatment {verb} {subject(analysis.fit)} by more than "
    else:
        before = "The probability that the two experiments cannibalise each other by more than "
    sentence = (
        f"{escape(before)}{tag('strong', text=_with_unit(stated.margin, design), id='margin')} is "
        f"{tag('strong', text=curve[index][1], id='probability')}."
    )
    unit = f" in {design.metric.measure}" if design.metric.measure else ""
    step = max(curve[1][0] - curve[0][0], 1e-12)
    controls = (
        f'<label for="margin-slider">Smallest harm that matters</label>'
        f'<input type="range" id="margin-slider" min="0" max="{len(curve) - 1}" step="1" value="{index}">'
        f'<label for="margin-number">{escape(f"Margin{unit}")}</label>'
        f'<input type="number" id="margin-number" min="0" max="{curve[-1][0]:g}" step="{step:g}" '
        f'value="{stated.margin:g}">'
    )
    stated_margin = f"The margin stated beforehand is {_with_unit(stated.margin, design)}."
    return tag(
        "div",
        tag("h3", text="How likely is harm of which size?"),
        tag("div", controls, class_="controls", id="controls", hidden=""),
        tag("output", sentence, for_="margin-slider margin-number", aria_live="polite"),
        tag(
            "p", text=stated_margin if stated.margin else "No margin was stated beforehand: any harm counts."
        ),
        class_="margin",
    )


def _with_unit(margin: float, design: Design) -> str:
    return f"{margin:g} {design.metric.measure}".strip()


def _script(design: Design, curve: Curve) -> str:
    data = {
        "margins": [margin for margin, _ in curve],
        "texts": [_with_unit(margin, design) for margin, _ in curve],
        "probabilities": [written for _, written in curve],
    }
    # No text inside of a script element may end it.
    embedded = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="curve">{embedded}</script>' + tag(
        "script", _resource("page.js")
    )


def _why(analysis: Analysis) -> str:
    found = [gate for gate in analysis.gates if gate.status in ("warn", "refuse")]
    total = len(analysis.gates)
    checks = (
        f"All {total} checks passed." if not found else f"{len(found)} of {total} checks ask for caution."
    )
    weight = f"{100 * prior_share(analysis):.2g}"
    reading = (
        "A probability here says how sure one can be of the effect, given these data, the model and the "
        "prior. It is not a p-value, and not the share of users who are harmed. "
        f"{weight} % of the answer comes from the prior, the rest from the data. {checks}"
    )
    content = [tag("p", text=reading), _wide(table(effects_table(analysis)))]
    if not analysis.fit.of_changes:
        without = "an effect" if analysis.design.question == "did" else "an interaction"
        words = f"The four cell values with intervals, and what was to be expected without {without}."
        alt = f"{words} The table of the data below has the numbers."
        content.append(_figure(plots.plot_cells(analysis, plots.blank(6.2, 4.2)), alt, words))
    crosscheck = crosscheck_table(analysis)
    height = 1.6 + 0.32 * len(crosscheck.rows)
    content += [
        tag("h3", text="Do other methods say the same?"),
        tag("p", text=crosscheck.note),
        _figure(
            plots.plot_crosscheck(analysis, plots.blank(6.2, height)),
            f"Estimates by {len(crosscheck.rows)} methods with intervals. {crosscheck.note}",
            "The same effect by methods that do not use the model; the table has the numbers.",
        ),
        details("Table of the methods", _wide(table(crosscheck))),
    ]
    return _section("How sure, and why", *content)


def _would_change(analysis: Analysis, panel: Sensitivity | None) -> str:
    tried = sensitivity_table(analysis, panel)
    frame = sensitivity_frame(analysis, panel)
    trusted = frame[frame["fidelity"] == "ok"] if "fidelity" in frame else frame
    shares = (frame if trusted.empty else trusted)["p_material_harm"]
    low, high = (format_probability(float(share)) for share in (shares.min(), shares.max()))
    span = f"stays at {low}" if low == high else f"ranges from {low} to {high}"
    passing = "" if len(shares) == len(frame) else ", those whose family passes its checks"
    alone = "" if analysis.headline.margin == 0 else " beyond the margin"
    said = (
        f"Across {len(shares)} of the {len(frame)} ways to ask that were tried{passing}, the probability of "
        f"harm{alone} {span}. "
        "If a way to ask that you find as reasonable gives another answer, the data do not decide alone."
    )
    curve = plots.plot_harm(analysis, plots.blank(6.2, 3.6))
    moved = (
        "The probability of harm larger than x, for every x: where the margin lies decides how much it says."
    )
    height = plots.sensitivity_height(analysis, panel)
    listed = _wide(table(tried))
    return _section(
        "What would change the answer",
        tag("p", text=said),
        _figure(
            plots.plot_sensitivity(analysis, panel, plots.blank(6.2, height)),
            f"The effect with its interval under {len(tried.rows)} choices. {said}",
            "The effect under each choice, in order of its size.",
        ),
        listed if len(tried.rows) <= _SHORT else details("Table of the choices", listed),
        _figure(curve, moved, moved),
    )


def _checks(analysis: Analysis) -> str:
    refused = analysis.headline.status == "refused"
    found = not_green(analysis.gates)
    passed = [gate for gate in analysis.gates if gate.status == "pass"]
    content = [tag("p", text=f"{len(passed)} of {len(analysis.gates)} checks passed.")]
    if found:
        content.append(_gates(found, refused=refused))
    if passed:
        content.append(details("Checks that passed", _gates(passed, refused=refused)))
    return _section("Checks", *content)


def _gates(gates: Sequence[Gate], *, refused: bool) -> str:
    listed = [
        tag(
            "li",
            tag("strong", text=STATUS[gate.status]),
            escape(f" {told(gate, refused=refused)}"),
            class_=gate.status,
        )
        for gate in gates
    ]
    return tag("ul", *listed, class_="checks")


def _assumptions(analysis: Analysis) -> str:
    design, priors = analysis.design, analysis.fit.priors
    first, second = design.factors
    if design.question == "did":
        alike = (
            f"The two groups of {first.column} were drawn at random, so that they were alike before."
            if design.randomised
            else f"Without the treatment the two groups of {first.column} would have changed alike from "
            f"{second.labels[0]} to {second.labels[1]} (parallel trends)."
        )
        made = [
            alike,
            "Nothing else happened to one group only between the two periods.",
        ]
    else:
        made = [
            f"Users were assigned to {first.column} and to {second.column} at random and independently.",
            "No interaction means that the two separate effects add up, in units of the outcome.",
        ]
    if analysis.cells.pairs is not None:
        made.append("The same users were measured twice; users are independent of each other.")
        if design.missing is not None:
            policy = "drop" if analysis.fit.of_changes and design.missing == "available" else design.missing
            made.append(f"Users seen in one period only: {_MISSING[policy]}.")
    else:
        made.append("Every row is independent of the others.")
    made.append("What one user gets does not change what another does (no interference).")
    estimand = analysis.headline.estimand.replace("_", " ")
    made += [
        f"Likelihood: {analysis.fit.family.name}, an effect on the {estimand}.",
        f"Priors: {priors.name}, normal, with standard deviations in {_yardstick(analysis)}.",
    ]
    if analysis.refused_fit is not None:
        made.append(
            f"The {analysis.refused_fit.family.name} family was asked for and refused; the checks say why."
        )
    return _section("Assumptions", tag("ul", *(tag("li", text=text) for text in made)))


def _yardstick(analysis: Analysis) -> str:
    """Name what the effects' priors are multiples of."""
    tree = analysis.fit.tree
    made = "multiples of the outcome's mean"
    if float(tree["constant_data"]["scale"]) == 1.0 and analysis.fit.family.name != "normal":
        made = "logs: a standard deviation of 1 is a factor of e"
    elif analysis.cells.lowest < 0 < analysis.cells.highest:
        made = "multiples of the larger of the outcome's mean and standard deviation"
    if "activity_effects" in tree["posterior"]:
        made += "; of effects on who is active, in log-odds"
    return made


_MISSING = {
    "zero": "their absence counts as 0",
    "drop": "left out",
    "available": "used where they were seen",
}


def _method(analysis: Analysis, provenance: Provenance | None) -> str:
    sampler, design = analysis.options.sampler, analysis.design
    sampled = analysis.fit.tree["sample_stats"].attrs
    libraries = ", ".join(f"{name} {version(name)}" for name in ("twobytwo", "pymc", "arviz"))
    library = f"{sampled['inference_library']} {sampled['inference_library_version']}"
    facts = {
        "Question": asked(design),
        "Levels": "; ".join(f"{factor.column}: {roles(factor)}" for factor in design.factors),
        "Model": f"{analysis.fit.family.name} family, {analysis.fit.priors.name} priors",
        "Sampler": (
            f"{library}, {sampler.chains} chains of {sampler.draws:,} draws after {sampler.tune:,} "
            "tuning steps"
        ),
        "Seed": str(sampler.random_seed),
        "Data": f"sha256 {analysis.cells.fingerprint}",
        "Versions": f"{libraries}, Python {platform.python_version()}",
        "Written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }
    source = ""
    if provenance is not None:
        source = provenance.source
        facts = {"Plan": f"{provenance.path}, sha256 {provenance.sha256}", "Source": source} | facts
    shown = None if analysis.headline.status == "refused" else analysis
    listed = [tag("dt", text=name) + tag("dd", text=fact) for name, fact in facts.items()]
    return _section(
        "Method and provenance",
        _wide(table(cells_table(analysis.cells, source, shown))),
        tag("dl", *listed),
    )


def _resource(name: str) -> str:
    return files("twobytwo.show").joinpath(name).read_text(encoding="utf-8")
