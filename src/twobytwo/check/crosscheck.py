"""The same contrast by other means than a posterior: least squares, users' changes and a bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import pandas as pd

from twobytwo.ask.contrast import Contrast
from twobytwo.check.arrays import changes_weights, incomplete, joint, weights_of
from twobytwo.check.bootstrap import bootstrap
from twobytwo.check.by_user import adjusted, ancova, by_user, clustered, fiml, welch
from twobytwo.check.least_squares import least_squares
from twobytwo.check.record import Check
from twobytwo.data.cells import Cells

__all__ = ["Check", "Crosscheck", "companions", "compare", "robust_check"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosscheck:
    """Several methods' answers to one question, and whether they agree.

    Parameters
    ----------
    checks
        The answers, the posterior's first.
    distance
        Posterior median minus the robust estimate, in robust standard errors.
    agrees
        Whether the distance is at most 0.5.
    verdict
        The agreement in words, with the reason where there is none.
    """

    checks: tuple[Check, ...]
    distance: float
    agrees: bool
    verdict: str

    @property
    def table(self) -> pd.DataFrame:
        """The answers as a data frame, index ``method``."""
        return pd.DataFrame([asdict(check) for check in self.checks]).set_index("method")

    def replacing(self, checks: Sequence[Check]) -> Crosscheck:
        """Put other answers in the place of those by the same methods.

        Parameters
        ----------
        checks
            The answers.
        """
        by_method = {check.method: check for check in checks}
        return replace(self, checks=tuple(by_method.get(check.method, check) for check in self.checks))

    def __str__(self) -> str:
        return f"{self.table.drop(columns='assumes').to_string(float_format='{:.4g}'.format)}\n{self.verdict}"


def robust_check(cells: Cells, ci_prob: float = 0.95, contrast: Contrast | None = None) -> Check:
    """Give the companion that assumes least and asks the same question as the posterior.

    Parameters
    ----------
    cells
        The data.
    ci_prob
        Probability of the confidence interval.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    Check
        ``ols_hc2`` for independent rows, ``welch_change`` for users' changes (equal to CR2 where every user
        is seen in both periods) and CR2 for other contrasts of users seen twice, ``ancova`` between groups
        drawn at random, ``fiml`` where users seen once count where they were seen.
    """
    if incomplete(cells):
        return fiml(cells, ci_prob, contrast)
    if adjusted(cells, contrast) is not None:
        return ancova(cells, ci_prob, contrast)
    if joint(cells) is None:
        return least_squares(cells, ci_prob, contrast)[1]
    if changes_weights(weights_of(cells, contrast)) is not None:
        return welch(cells, ci_prob, contrast)
    return clustered(cells, "CR2", ci_prob, contrast)


def companions(
    cells: Cells, ci_prob: float = 0.95, contrast: Contrast | None = None, *, seed: int = 0
) -> tuple[Check, ...]:
    """Answer by every method that needs no posterior.

    Parameters
    ----------
    cells
        The data.
    ci_prob
        Probability of the intervals.
    contrast
        Of the cells; None takes the headline's.
    seed
        Of the bootstrap.

    Returns
    -------
    tuple of Check
        Least squares with independent rows, by user where users are known, and the bootstrap.
    """
    users = by_user(cells, ci_prob, contrast) if cells.units is not None else ()
    if cells.units is None and adjusted(cells, contrast) is not None:
        users = (ancova(cells, ci_prob, contrast),)
    return (
        *least_squares(cells, ci_prob, contrast),
        *users,
        bootstrap(cells, ci_prob, contrast, seed=seed),
    )


def compare(
    posterior: Check, others: Sequence[Check], *, robust: Check, reasons: Sequence[str]
) -> Crosscheck:
    """Set the posterior beside the others and say whether they agree.

    Parameters
    ----------
    posterior
        Median, sd and credible interval of the headline.
    others
        The other methods' answers.
    robust
        Whose estimate and standard error the posterior is measured with.
    reasons
        Known reasons for a disagreement, most important first.

    Returns
    -------
    Crosscheck
        All answers and the verdict.
    """
    distance = (posterior.estimate - robust.estimate) / robust.se
    agrees = abs(distance) <= 0.5
    ratio = (posterior.upper - posterior.lower) / (robust.upper - robust.lower)
    verdict = (
        f"Posterior and {robust.method} {'agree' if agrees else 'disagree'}: they differ by "
        f"{abs(distance):.2f} standard errors, and the posterior interval is {ratio:.2f} times as wide."
    )
    if reasons and not (agrees and 0.9 < ratio < 1.1):
        verdict += " " + " ".join(reasons)
    return Crosscheck(checks=(posterior, *others), distance=distance, agrees=agrees, verdict=verdict)
