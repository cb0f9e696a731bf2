"""The means before and after where some users are seen once: maximum likelihood from the joint moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from twobytwo.check.arrays import joint
from twobytwo.data.cells import Cells
from twobytwo.errors import DesignError

__all__ = ["completed_means"]

Floats = npt.NDArray[np.float64]


def completed_means(cells: Cells) -> tuple[Floats, Floats]:
    """Estimate every group's two means, who is absent depending at most on what was seen.

    Parameters
    ----------
    cells
        The data, with users seen in both periods or in one.

    Returns
    -------
    mean : numpy.ndarray
        Maximum-likelihood means of a bivariate normal; shape (groups, periods).
    covariance : numpy.ndarray
        Of these means, from the observed information; shape (groups, periods, periods).

    Raises
    ------
    DesignError
        If the data know no users seen twice.

    Notes
    -----
    Full-information maximum likelihood (FIML). The raw mean of a period is that of those who were seen; if
    light users leave, it is too high. The likelihood completes it through the correlation of the two values
    (Little & Rubin 2019). The information is the observed one, spreads and correlation included: the
    expected one is wrong if absence depends on what was seen (Kenward & Molenberghs 1998). It is scaled by
    N/(N − 1), so that with nobody absent the contrast has Welch's standard error of the changes.

    Examples
    --------
    >>> from twobytwo import Design, compress, simulate
    >>> design = Design.did(
    ...     outcome="minutes", group="variant", period="period", unit="user_id", missing="available"
    ... )
    >>> cells = compress(simulate.user_minutes(simulate.UserMinutes(n=500)), design)
    >>> completed_means(cells)[0].shape
    (2, 2)
    """
    moments = joint(cells)
    if moments is None:
        msg = "Means are completed by the values of the same users in the other period; there are none."
        raise DesignError(msg)
    groups = [_complete(*group) for group in zip(*moments, strict=True)]
    return np.stack([mean for mean, _ in groups]), np.stack([covariance for _, covariance in groups])


def _complete(n: Floats, mean: Floats, ss: Floats, sp: Floats) -> tuple[Floats, Floats]:
    """Give one group's means and their covariance; the moments are by presence (both, before, after)."""
    centre, scale = mean[0], np.sqrt(ss[0] / n[0])
    standard = n, (mean - centre) / scale, ss / scale**2, sp[0] / scale.prod()
    start = np.array([0.0, 0.0, 0.0, 0.0, np.arctanh(standard[3] / n[0])])
    found = scipy.optimize.minimize(
        _loss, start, standard, "trust-exact", jac=_gradient, hess=_hessian, options={"gtol": 1e-10}
    )
    information = n.sum() * _hessian(found.x, *standard)
    covariance = np.linalg.inv(information)[:2, :2] * n.sum() / (n.sum() - 1)
    return centre + scale * found.x[:2], covariance * np.outer(scale, scale)


def _loss(parameters: Any, n: Floats, mean: Floats, ss: Floats, sp: float) -> Any:
    """Minus the log-likelihood per user, of means, log spreads and Fisher's z."""
    mu, log_sd, z = parameters[:2], parameters[2:4], parameters[4]
    sd = np.exp(log_sd)
    off = mean - mu
    squares, product = ss + n[:, None] * off**2, sp + n[0] * off[0, 0] * off[0, 1]
    distance = (squares[0] / sd**2).sum() - 2 * np.tanh(z) * product / sd.prod()
    both = n[0] * (log_sd.sum() - np.log(np.cosh(z))) + np.cosh(z) ** 2 * distance / 2
    once = n[1:] * log_sd + np.array([squares[1, 0], squares[2, 1]]) / sd**2 / 2
    return (both + once.sum()) / n.sum()


def _gradient(parameters: Floats, *moments: Any) -> Floats:
    # A complex step has no cancellation, so the gradient is exact.
    steps = 1e-30j * np.eye(len(parameters))
    return np.array([_loss(parameters + step, *moments).imag for step in steps]) / 1e-30


def _hessian(parameters: Floats, *moments: Any) -> Floats:
    steps = 1e-5 * np.eye(len(parameters))
    rows = [_gradient(parameters + h, *moments) - _gradient(parameters - h, *moments) for h in steps]
    return np.array(rows) / 2e-5
