"""What the pictures share: colours, axes, units, the refusal to draw what is not stated."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from textwrap import fill
from typing import TYPE_CHECKING, Literal

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.text import Text

from twobytwo.errors import DesignError
from twobytwo.show.words import glued

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis

__all__ = [
    "DOUBTED",
    "HARM",
    "MUTED",
    "OWN",
    "PALE",
    "SAFE",
    "SEVERAL",
    "as_written",
    "axes",
    "blank",
    "encode",
    "legend",
    "render",
    "require_statement",
    "titled",
    "unit",
]

# Okabe & Ito's colours, told apart by colour-blind readers and, printed in grey, by their lightness. Each has
# one meaning: blue is no harm, orange is harm, black is this analysis, grey is what it is compared with, and
# the others are the groups, the control group's first.
SAFE, HARM, OWN, MUTED, PALE = "#0072B2", "#D55E00", "#000000", "#767676", "#E8E4D8"
DOUBTED = "#B5B5B5"
SEVERAL = ("#56B4E9", "#009E73", "#CC79A7", "#E69F00", "#8A6D00", "#5D3A9B", "#4D4D4D")


def as_written[**P, R](draw: Callable[P, R]) -> Callable[P, R]:
    """Draw names as they are written: between two dollars matplotlib would read a formula.

    Examples
    --------
    >>> as_written(blank)(1, 1).set_title("$1 and $2").get_parse_math()
    False
    """

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        # Not by rc_context: a notebook's backend that is chosen inside would be set back with it.
        kept = mpl.rcParams["text.parse_math"]
        mpl.rcParams["text.parse_math"] = False
        try:
            made = draw(*args, **kwargs)
        finally:
            mpl.rcParams["text.parse_math"] = kept
        # Axes that were given have titles and labels already, which only take another text.
        for ax in np.ravel(np.asarray(made, dtype=object)):
            for text in ax.findobj(Text) if isinstance(ax, Artist) else ():
                text.set_parse_math(False)
        return made

    return drawn


def blank(width: float, height: float) -> Axes:
    """Make axes on a figure of their own, which no notebook shows by itself.

    Examples
    --------
    >>> blank(4, 3).figure.get_size_inches().tolist()
    [4.0, 3.0]
    """
    return Figure(figsize=(width, height), layout="constrained").subplots()


def axes(ax: Axes | None, width: float, height: float) -> Axes:
    """Take the axes given, or make some where the user's notebook shows them; drop the frame's half."""
    ax = ax or plt.subplots(figsize=(width, height), layout="constrained")[1]
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def legend(ax: Axes, *, columns: int = 2, below: float = 0.2, size: float = 9) -> None:
    """Put the legend below the axes, by a share of their height, where it covers nothing."""
    handles, labels = ax.get_legend_handles_labels()
    # Estimates first, lines that explain them after; matplotlib has them the other way round.
    order = sorted(range(len(handles)), key=lambda k: not isinstance(handles[k], Container))
    ax.legend(
        [handles[k] for k in order],
        [labels[k] for k in order],
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, -below),
        ncols=columns,
        fontsize=size,
    )


def titled(ax: Axes, finding: str) -> None:
    """Say what a picture shows in a title of its own, so that it can be shown without the page.

    Parameters
    ----------
    ax
        The picture's axes.
    finding
        A sentence; its full stop is left out.
    """
    figure = ax.get_figure(root=True)
    inches = 7.0 if figure is None else float(figure.get_size_inches()[0])
    # Letters of 11 points are a tenth of an inch wide at most.
    lines = fill(glued(finding.removesuffix(".")), int(10 * inches)).replace("\N{NO-BREAK SPACE}", " ")
    ax.set_title(lines, loc="left", fontsize=11, fontweight="bold")


def unit(text: str, measure: str) -> str:
    """Add the unit to a label, if there is one.

    Examples
    --------
    >>> unit("change", "minutes"), unit("change", "")
    ('change (minutes)', 'change')
    """
    return f"{text} ({measure})" if measure else text


def require_statement(analysis: Analysis) -> None:
    """Refuse to draw an estimate that the words refuse to state.

    Raises
    ------
    DesignError
        If the headline was refused.
    """
    if analysis.headline.status == "refused":
        msg = f"The headline was refused, so there is no estimate to draw. {analysis.headline.statement}"
        raise DesignError(msg)


def encode(ax: Axes, form: Literal["png", "svg"]) -> str:
    """Give a picture as a data URI, which a page can hold without any file beside it.

    Parameters
    ----------
    ax
        Any axes of the picture.
    form
        ``"svg"`` for print; ``"png"`` for notebooks, whose viewers do not all show SVG.

    Returns
    -------
    str
        ``data:image/...;base64,...``; the same picture, drawn anew, gives the same text.

    Examples
    --------
    >>> encode(blank(1, 1), "png")[:22]
    'data:image/png;base64,'
    """
    kind = "svg+xml" if form == "svg" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(render(ax, form)).decode()}"


def render(ax: Axes, form: Literal["png", "svg"]) -> bytes:
    """Give a picture as a file's content; the same picture, drawn anew, gives the same.

    Examples
    --------
    >>> render(blank(1, 1), "png")[1:4]
    b'PNG'
    """
    content = BytesIO()
    figure = ax.get_figure(root=True)
    if figure is None:
        msg = "These axes are on no figure."
        raise DesignError(msg)
    with mpl.rc_context({"svg.hashsalt": "twobytwo"}):
        figure.savefig(
            content,
            format=form,
            dpi=160,
            facecolor="white",
            # A legend that is wider than the axes widens the picture and is not cut.
            bbox_inches="tight",
            pad_inches=0.08,
            metadata={"Date": None} if form == "svg" else None,
        )
    return content.getvalue()
