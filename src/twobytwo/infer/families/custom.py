"""Families made by users: any continuous univariate PyMC distribution, through the weighted points."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr

from twobytwo.data.cells import Cells
from twobytwo.errors import DataError, DesignError, nearest
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.points import weighted_points
from twobytwo.infer.known import estimands
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["Custom", "family"]

# Rows that are simulated to know a standard deviation to a per cent or two.
_SIMULATED_ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Custom(Family):
    """A family made from a distribution; see `family`."""

    name: str  # type: ignore[misc]
    distribution: Callable[..., Any]
    location: str
    spread: str
    shared: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    mean: Callable[..., Any] | None = None
    link: Literal["identity", "log"] = "identity"  # type: ignore[misc]
    columns: ClassVar[tuple[int, ...] | None] = (1,)

    def __post_init__(self) -> None:
        if self.name in ("auto", *estimands()):
            msg = f"name={self.name!r} is that of a family of the package; give yours another name."
            raise DesignError(msg)
        if self.link not in ("identity", "log"):
            near = nearest(self.link, ("identity", "log"))
            msg = f"link={self.link!r} is unknown; use 'identity' or 'log'.{near}"
            raise DesignError(msg)
        if inspect.isclass(self.distribution) and issubclass(self.distribution, pm.Discrete):
            raise DesignError(_discrete(self.name))
        given = [self.location, self.spread, *self.shared]
        if len(set(given)) < len(given):
            msg = f"family={self.name!r} gets one argument twice among {', '.join(map(repr, given))}."
            raise DesignError(msg)
        _refuse_arguments(self.name, self.distribution, given)

    @property
    def estimand(self) -> Estimand:  # type: ignore[override]
        """What its headline effects are effects on."""
        return "location" if self.mean is None else "mean"

    def check(self, cells: Cells) -> None:
        """Refuse pairs, shares and ratios, and with a log link outcomes that are not positive."""
        self.check_users(cells)
        zeros, negatives = (int(cells.count(sign).sum()) for sign in ("zero", "negative"))
        if self.link == "log" and (zeros or negatives):
            msg = (
                f"Column {cells.design.metric.column!r} has {zeros:,} zeros and {negatives:,} negative "
                f"values; family={self.name!r} has a log link and needs positive outcomes."
            )
            raise DataError(msg)

    def reference(self, cells: Cells) -> Reference:
        """Scale by the pooled mean, or as log ratios around its logarithm; start at the cell means."""
        means = cells.moments()["mean"]
        if self.link == "identity":
            return Reference.identity(cells, means)
        logs = xr.ufuncs.log(means)
        return Reference(origin=float(logs.mean()), scale=1.0, baseline=0.0, location=logs)

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add ``log_spread``, the shared parameters and the weighted points."""
        moments = cells.moments()
        start = xr.ufuncs.log(moments["ss"] / moments["n"]) / 2
        log_spread = pm.Normal(
            "log_spread",
            mu=pm.Data("log_spread_prior_mean", float(start.mean())),
            sigma=pm.Data("log_spread_prior_sd", priors.spread),
            initval=start.to_numpy(),
            dims=cells.dims,
        )
        arguments = {
            self.location: pm.math.exp(location) if self.link == "log" else location,
            self.spread: pm.math.exp(log_spread),
            **{name: make(name) for name, make in self.shared.items()},
        }
        names = list(arguments)
        # A function shows what it returns only when it is called.
        if not str(self._one_row(arguments, None).dtype).startswith("float"):
            raise DesignError(_discrete(self.name))
        weighted_points(
            cells.points(),
            lambda size, *values: self._one_row(dict(zip(names, values, strict=True)), size),
            *arguments.values(),
        )

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Cell means by the formula given, or the locations."""
        location = posterior["location"]
        location = xr.ufuncs.exp(location) if self.link == "log" else location
        if self.mean is None:
            return {"location": location}
        spread = xr.ufuncs.exp(posterior["log_spread"])
        shared = {name: posterior[name] for name in self.shared}
        mean = self.mean(**{self.location: location, self.spread: spread}, **shared)
        return {"mean": mean.transpose(*location.dims)}

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-density of the distribution, given the posterior's own names."""
        # The arguments broadcast here: PyMC would take the distribution's shape from them alone.
        arguments = self._arguments(parameters)
        _, *spread_out = np.broadcast_arrays(value, *arguments.values())
        row = self._one_row(dict(zip(arguments, spread_out, strict=True)), None)
        return np.asarray(pm.logp(row, value).eval())

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw outcomes, given the posterior's own names."""
        return np.asarray(pm.draw(self._one_row(self._arguments(parameters), size), random_seed=rng))

    def spread_ratio(self, cells: Cells, posterior: xr.Dataset) -> float | None:
        """Compare the rows' standard deviation with that of simulated rows; of a location with nothing."""
        if self.mean is None:
            return None
        moments, rng = cells.moments(), np.random.default_rng(0)
        sd = np.sqrt((moments["ss"] / moments["n"]).to_numpy())
        drawn = posterior[["location", "log_spread", *self.shared]].median(("chain", "draw"))
        ratios = []
        for place in np.ndindex(*sd.shape):
            at = dict(zip(cells.dims, place, strict=True))
            typical = {
                str(name): float(variable.isel({dim: k for dim, k in at.items() if dim in variable.dims}))
                for name, variable in drawn.data_vars.items()
            }
            ratios.append(sd[place] / self.simulate(typical, _SIMULATED_ROWS, rng).std())
        return float(max(ratios))

    def _arguments(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Give the distribution its arguments from the names that the posterior has."""
        location = np.asarray(parameters["location"], dtype=float)
        return {
            self.location: np.exp(location) if self.link == "log" else location,
            self.spread: np.exp(np.asarray(parameters["log_spread"], dtype=float)),
            **{name: np.asarray(parameters[name], dtype=float) for name in self.shared},
        }

    def _one_row(self, arguments: Mapping[str, Any], size: Any) -> Any:
        return getattr(self.distribution, "dist", self.distribution)(**arguments, size=size)


def _discrete(name: str) -> str:
    return (
        f"family={name!r} is a discrete distribution; the weighted points stand for rows of a continuous "
        'one. Use family="normal", which is safe for the mean of counts too.'
    )


def _refuse_arguments(name: str, distribution: Callable[..., Any], given: list[str]) -> None:
    """Refuse arguments that the distribution does not have, and those it needs and does not get."""
    made_by = getattr(distribution, "dist", distribution)
    is_pymc = getattr(made_by, "__name__", "") == "dist"
    parameters = inspect.signature(made_by).parameters.values()
    known = {p.name: p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    # PyMC's own take **kwargs, and refuse an unknown one only later.
    takes_any = not is_pymc and any(p.kind is p.VAR_KEYWORD for p in parameters)
    for argument in given if is_pymc else [*given, "size"]:
        if argument not in known and not takes_any:
            listed = ", ".join(repr(key) for key in known)
            msg = f"family={name!r} has no argument {argument!r}; it has {listed}.{nearest(argument, known)}"
            raise DesignError(msg)
    for key, parameter in known.items():
        if parameter.default is parameter.empty and key not in (*given, "size"):
            msg = f"family={name!r} needs its argument {key!r} too; give it a prior in shared=."
            raise DesignError(msg)


def family(  # noqa: PLR0913 - one keyword per thing that a distribution leaves open
    distribution: Callable[..., Any],
    *,
    location: str,
    spread: str,
    shared: Mapping[str, Callable[[str], Any]] | None = None,
    mean: Callable[..., Any] | None = None,
    link: Literal["identity", "log"] = "identity",
    name: str | None = None,
) -> Custom:
    """Make a family of any continuous univariate PyMC distribution.

    Parameters
    ----------
    distribution
        A PyMC distribution, or a function that returns one (``pm.X.dist(...)``) and takes ``size``.
    location
        Its argument that takes a cell's location (with ``link="log"``: the exponential of it).
    spread
        Its positive argument of which every cell has one; its prior is centred on the log standard
        deviation of the cells.
    shared
        Its other arguments, one for all cells: for each a function that makes the PyMC variable with its
        prior, given its name.
    mean
        The mean of an outcome, given all arguments by name; works on arrays. Without it effects are called
        effects on a *location*.
    link
        ``"log"`` for positive outcomes.
    name
        What results call it; None takes the distribution's name.

    Returns
    -------
    Custom
        A family, as for ``tbt.did(..., family=...)``.

    Raises
    ------
    DesignError
        If the distribution is discrete, does not have these arguments or needs more, the link is unknown, or
        the name is that of a family of the package.

    Examples
    --------
    >>> import numpy as np
    >>> import pymc as pm
    >>> skew_normal = family(
    ...     pm.SkewNormal,
    ...     location="mu",
    ...     spread="sigma",
    ...     shared={"alpha": lambda name: pm.Normal(name, 0, 3)},
    ...     mean=lambda mu, sigma, alpha: mu + sigma * alpha / np.sqrt(1 + alpha**2) * np.sqrt(2 / np.pi),
    ... )
    >>> skew_normal.name, skew_normal.estimand
    ('SkewNormal', 'mean')
    """
    return Custom(
        name=name or str(getattr(distribution, "__name__", "custom")),
        distribution=distribution,
        location=location,
        spread=spread,
        shared=dict(shared or {}),
        mean=mean,
        link=link,
    )
