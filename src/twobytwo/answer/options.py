"""How to answer, as opposed to what is asked, and the keywords that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

from twobytwo.ask.arguments import shown, size
from twobytwo.ask.metric import Metric, MetricOptions
from twobytwo.errors import Complaints, DesignError, nearest
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES, Family, family_of
from twobytwo.infer.priors import Priors

__all__ = ["Keywords", "Options", "split_keywords", "stored_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to answer, as opposed to what is asked.

    Parameters
    ----------
    family
        Name of a family, or a family; ``"auto"`` takes the first that passes its checks, see
        `twobytwo.infer.automatic.candidates`.
    priors
        ``"default"``, ``"flat"``, ``"sceptical"``, or priors.
    ci_prob
        Probability of every interval.
    max_probability
        Largest probability of harm beyond the margin at which a result counts as no harm; from one minus it
        on it counts as harm, in between the question is open.
    sampler
        Draws, chains, seed, progress bar.

    Raises
    ------
    DesignError
        If a probability is out of range, or a name is unknown.

    Examples
    --------
    >>> Options(priors="flat").ci_prob
    0.95
    """

    family: str | Family = "auto"
    priors: str | Priors = "default"
    ci_prob: float = 0.95
    max_probability: float = 0.05
    sampler: SamplerOptions = field(default_factory=SamplerOptions)

    def __post_init__(self) -> None:
        wrong = Complaints()
        if not 0 < size(self.ci_prob) < 1:
            wrong.messages.append(f"ci_prob={shown(self.ci_prob)} must be between 0 and 1, such as 0.95.")
        if not 0 < size(self.max_probability) < 0.5:
            wrong.messages.append(
                f"max_probability={shown(self.max_probability)} must be between 0 and 0.5, such as 0.05."
            )
        if not isinstance(self.sampler, SamplerOptions):
            wrong.messages.append(f"sampler={shown(self.sampler)} must be a SamplerOptions.")
        with wrong.noting(DesignError):
            if not isinstance(self.family, str | Family):
                msg = f"family={shown(self.family)} must be the name of a family, or a family."
                raise DesignError(msg)
            if self.family != "auto":
                family_of(self.family)
        with wrong.noting(DesignError):
            Priors.of(self.priors)
        wrong.tell(DesignError)


class Keywords(MetricOptions, total=False):
    """What every question may be asked with: the metric's words, the model, the sampler."""

    family: str | Family
    priors: str | Priors
    ci_prob: float
    max_probability: float
    draws: int
    tune: int
    chains: int
    random_seed: int
    progressbar: bool | None


def split_keywords(
    given: Keywords, known: tuple[str, ...], needed: Mapping[str, Any] | None = None
) -> tuple[MetricOptions, Options]:
    """Tell the metric's keywords from those of the model and the sampler.

    Parameters
    ----------
    given
        What a public function was called with beside its own arguments.
    known
        Names of its own arguments, to suggest when a name is misspelt.
    needed
        Those of its own arguments that must be there, None where they are not.

    Raises
    ------
    DesignError
        For everything that is wrong with these, at once.

    Examples
    --------
    >>> metric, options = split_keywords({"margin": 5.0, "priors": "flat"}, ())
    >>> metric, options.priors
    ({'margin': 5.0}, 'flat')
    """
    records: tuple[Any, ...] = (Metric, Options, SamplerOptions)
    names: dict[Any, set[str]] = {
        record: {entry.name for entry in fields(record)} & Keywords.__annotations__.keys()
        for record in records
    }
    wrong = Complaints()
    for name in given:
        if not any(name in of_record for of_record in names.values()):
            every = [*known, *Keywords.__annotations__]
            hint = nearest(name, every) or f" There are {', '.join(every)}."
            wrong.messages.append(f"Unknown argument {name}=.{hint}")
    for name, value in (needed or {}).items():
        if value is None:
            wrong.messages.append(f"{name}= is missing; name the column (or give formula=).")

    def of(record: Any) -> dict[str, Any]:
        return {name: value for name, value in given.items() if name in names[record]}

    metric: Any = of(Metric)
    with wrong.noting(DesignError):
        # Only to hear what it says; the column is judged where the question is made.
        Metric(column="outcome", **metric)
    sampler = options = None
    with wrong.noting(DesignError):
        sampler = SamplerOptions(**of(SamplerOptions))
    with wrong.noting(DesignError):
        options = Options(**of(Options), sampler=sampler or SamplerOptions())
    wrong.tell(DesignError)
    return metric, cast("Any", options)


def stored_name(family: str | Family) -> str:
    """Give what stands for a family in a file: its name alone only where that gives it back.

    Examples
    --------
    >>> from twobytwo.infer.families.lognormal_mixture import LogNormalMixture
    >>> stored_name("auto"), stored_name(LogNormalMixture(components=2))
    ('auto', 'lognormal_mixture of your own')
    """
    if isinstance(family, str):
        return family
    named = FAMILIES.get(family.name)
    # A family of the package with other settings, or a class that took its name, is not what the name gives.
    other = named is not None and (type(family) is not type(named) or vars(family) != vars(named))
    return f"{family.name} of your own" if other else family.name
