"""What checks read from cells, as plain arrays: the cells that a contrast weighs, and users by presence.

The other modules of this folder look at the pairs of values of a user through these functions only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twobytwo.ask.contrast import Contrast
from twobytwo.ask.factor import Factor
from twobytwo.check.assignment import counted_by_factor
from twobytwo.data.bins import Bins
from twobytwo.data.cells import Cells

__all__ = [
    "Joint",
    "Weighed",
    "attendance",
    "changes",
    "changes_weights",
    "incomplete",
    "joint",
    "least_events",
    "least_positives",
    "periods",
    "sizes",
    "stated_cells",
    "value_quantile",
    "weigh",
    "weights_of",
]

Floats = npt.NDArray[np.float64]


class Weighed(NamedTuple):
    """Moments and weights of the cells; the shape of each is that of the table, or of the periods kept."""

    weights: Floats
    n: Floats
    mean: Floats
    ss: Floats

    @property
    def estimate(self) -> float:
        """The contrast of the means, ``w · m``."""
        return float(self.weights.ravel() @ self.mean.ravel())


class Joint(NamedTuple):
    """Joint moments of two values by group and presence (both, before only, after only).

    ``n`` and ``sp`` (sum of cross products) have the shape (groups, 3), ``mean`` and ``ss`` (groups, 3, 2).
    """

    n: Floats
    mean: Floats
    ss: Floats
    sp: Floats


def weights_of(cells: Cells, contrast: Contrast | None = None) -> Floats:
    """Give a contrast's weights as an array over the cells; None is the headline's."""
    return (contrast or cells.design.headline).array(cells.bins.shape)


def stated_cells(cells: Cells) -> list[int]:
    """List the cells, by their places in row-major order, that anything stated depends on."""
    weights = [weights_of(cells, contrast).ravel() for contrast in cells.design.primary]
    return [int(place) for place in np.flatnonzero(np.any(weights, axis=0))]


def periods(cells: Cells, weights: Floats) -> slice:
    """Choose the periods that a contrast weighs: all of them, or one.

    A comparison after the treatment is none of the values before, which may be another quantity.
    """
    if cells.design.period is None:
        return slice(None)
    (used,) = np.nonzero(weights.reshape(-1, weights.shape[-1]).any(axis=0))
    return slice(int(used[0]), int(used[0]) + 1) if len(used) == 1 else slice(None)


def weigh(cells: Cells, contrast: Contrast | None = None) -> Weighed:
    """Give weights, counts, means and sums of squares of the cells of the periods that are weighed.

    Examples
    --------
    >>> from twobytwo import Design, compress, simulate
    >>> design = Design.did(outcome="minutes", group="variant", period="period")
    >>> round(weigh(compress(simulate.active_minutes(), design)).estimate, 4)
    223.1779
    """
    weights, moments = weights_of(cells, contrast), cells.moments()
    kept = periods(cells, weights)
    n, mean, ss = (moments[name].to_numpy()[..., kept] for name in ("n", "mean", "ss"))
    return Weighed(weights[..., kept], n, mean, ss)


def changes_weights(weights: Floats) -> Floats | None:
    """Give a contrast's weights on users' changes from before to after; None if it is not one of changes.

    Examples
    --------
    >>> changes_weights(np.array([[1.0, -1.0], [-1.0, 1.0]])).tolist()
    [-1.0, 1.0]
    """
    if weights.ndim != 2 or weights.shape[1] != 2 or not (weights[:, 0] == -weights[:, 1]).all():
        return None
    return weights[:, 1]


def joint(cells: Cells) -> Joint | None:
    """Give the joint moments of users' two values; None where users are not seen twice."""
    if cells.joint.size == 1:
        return None
    moments = cells.joint.moments()
    n, mean, ss = (moments[name].to_numpy() for name in ("n", "mean", "ss"))
    return Joint(n, mean, ss, moments["cross"].to_numpy()[..., 0, 1])


def incomplete(cells: Cells) -> bool:
    """Whether users seen once count where they were seen."""
    return cells.joint.incomplete


def changes(cells: Cells) -> Bins | None:
    """Give the bins of the changes of users seen in both periods; None where users are not seen twice."""
    return None if cells.joint.size == 1 else cells.changes


def attendance(cells: Cells) -> npt.NDArray[np.int64] | None:
    """Count the users by group and presence before the policy for absences; None if they are not known."""
    return None if cells.joint.size == 1 else cells.joint.attendance


def least_positives(cells: Cells) -> int:
    """Count the positive outcomes of the cell with the fewest; of pairs also those of users active twice."""
    fewest = int(cells.count("positive").min())
    if cells.joint.size == 1:
        return fewest
    return min(fewest, int(cells.joint.activity()["n"].isel(pattern=0).min()))


def least_events(cells: Cells) -> int:
    """Count the events of the cell with the fewest; of a share also the users without one."""
    if cells.design.metric.kind == "share":
        return int(min(cells.count("positive").min(), cells.count("zero").min()))
    moments = cells.moments()
    return int((moments["n"] * moments["mean"]).min())


def value_quantile(cells: Cells, place: tuple[int, ...], share: float) -> float:
    """Give a quantile of the values in one cell, to the width of a bin.

    Parameters
    ----------
    cells
        The data.
    place
        Of the cell.
    share
        Of the rows that are at or below it.
    """
    frame = cells.bins.frame
    own = frame[frame["cell"] == np.ravel_multi_index(place, cells.bins.shape)]
    value, n = (own["reference"] + own["s1"] / own["n"]).to_numpy(float), own["n"].to_numpy(float)
    order = np.argsort(value)
    reached = np.cumsum(n[order]) / n.sum()
    return float(value[order][min(int(np.searchsorted(reached, share)), len(value) - 1)])


def sizes(cells: Cells, factor: Factor) -> dict[str, Floats]:
    """Count who has each level of a factor that is no period.

    Parameters
    ----------
    cells
        The data.
    factor
        One of the design's.

    Returns
    -------
    dict
        Counts by level. Users once each, under ""; where users are not known, rows, by period, because a
        user may be in each of them.

    Examples
    --------
    >>> from twobytwo import Design, compress, simulate
    >>> cells = compress(
    ...     simulate.active_minutes(), Design.did(outcome="minutes", group="variant", period="period")
    ... )
    >>> sizes(cells, cells.design.factors[0])["pre"].tolist()
    [39776.0, 9921.0]
    """
    users = attendance(cells)
    if users is not None:
        return {"": users.sum(axis=-1).astype(float)}
    return counted_by_factor(cells.design, cells.moments()["n"].to_numpy().astype(float))[factor]
