"""Whether an answer about something else than the mean would be read as one about the mean."""

from __future__ import annotations

from collections.abc import Sequence

from twobytwo.ask.contrast import Contrast
from twobytwo.check.gate import Gate, judge
from twobytwo.infer.decisions import decide, verdict
from twobytwo.infer.fit import Fit

__all__ = ["estimand_gates"]


def estimand_gates(
    chosen: Fit,
    beside: Fit,
    against: Sequence[Gate] = (),
    contrast: Contrast | None = None,
    *,
    max_probability: float = 0.05,
) -> list[Gate]:
    """Compare the verdict of a family that is about no mean with the verdict of the mean.

    Parameters
    ----------
    chosen
        The fit that answers, of an effect on something else than the mean.
    beside
        The fit that answers for the mean.
    against
        Gates that refuse `beside`.
    contrast
        Which effect; None takes the headline's.
    max_probability
        Of the verdict; see `twobytwo.infer.decisions.verdict`.

    Returns
    -------
    list of Gate
        One gate: it warns where the mean has another verdict, or none.
    """
    what = chosen.family.estimand.replace("_", " ")
    fits = (chosen, beside)
    name = contrast.name if contrast else None
    shares = [decide(one.effects, one.cells.design, effect=name).p_material_harm for one in fits]
    own, mean = (verdict(share.value, max_probability) for share in shares)
    if against:
        reasons = ", ".join(dict.fromkeys(gate.name for gate in against))
        fail = f"About the mean nothing can be said ({reasons}): a verdict about the {what} is none about it."
        return [judge("mean_verdict", "family", 1.0, {"pass": "", "fail": fail})]
    said = f"{what}: {own}, {shares[0]}; mean: {mean}, {shares[1]}"
    messages = {
        "pass": f"The verdict about the {what} is also that about the mean ({said}).",
        "fail": (
            f"The verdict about the {what} is not that about the mean (probability of harm by {said}): the "
            "mean times the number of users is the total, so decide by the mean unless you know better."
        ),
    }
    gap = 0.0 if own == mean else max(abs(shares[0].value - shares[1].value), 1e-3)
    return [judge("mean_verdict", "family", gap, messages)]
