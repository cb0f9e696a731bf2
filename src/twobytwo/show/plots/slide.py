"""The answer as one slide: verdict, picture, and one line of how it is known."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from twobytwo.check.crosscheck import robust_check
from twobytwo.errors import DesignError
from twobytwo.files import as_path, write_file
from twobytwo.infer.decisions import format_number, resolution
from twobytwo.show.plots.effect import plot_effect
from twobytwo.show.plots.style import MUTED, as_written, legend, require_statement
from twobytwo.show.words import glued

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis

__all__ = ["slide", "slide_page", "slide_path", "write_slide"]

# Inches; with the resolution 1,920 × 1,080 points.
_SIZE, _DPI = (40 / 3, 7.5), 144


@as_written
def slide(analysis: Analysis, path: str | Path) -> Path:
    """Write a picture of 16:9 that can be shown without anything else.

    Parameters
    ----------
    analysis
        An answered question.
    path
        File that ends in ``.png``, in a folder that exists; a file already there is replaced.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    DesignError
        If the headline was refused, or the file's name does not end in ``.png``.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     slide(result, f"{folder}/answer.png").stat().st_size > 10_000
    True
    """
    require_statement(analysis)
    path = slide_path(path)
    verdict, *said = analysis.headline.sentences
    figure = slide_page(verdict, " ".join(said), _known(analysis))
    ax = plot_effect(analysis, figure.add_axes((0.07, 0.27, 0.88, 0.4)))
    # A slide is read from the other end of a room.
    ax.tick_params(labelsize=14)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_fontsize(14)
    legend(ax, columns=3, below=0.22, size=13)
    # The words above say it.
    ax.set_title("", loc="left")
    if analysis.headline.reversals:
        ax.set_title("The verdict depends on a choice", loc="right", fontsize=13)
    return write_slide(figure, path)


def slide_path(path: str | Path) -> Path:
    """Take a path that ends in ``.png``, or refuse it (`DesignError`)."""
    path = as_path(path)
    if path.suffix.lower() != ".png":
        msg = f"path={str(path)!r} must end in .png: a slide is a picture."
        raise DesignError(msg)
    return path


def slide_page(verdict: str, said: str, known: str) -> Figure:
    """Begin a slide: the verdict, what is said of it, and how it is known; room for a picture between."""
    figure = Figure(figsize=_SIZE, facecolor="white")
    figure.text(0.05, 0.94, verdict.removesuffix("."), fontsize=30, fontweight="bold", va="top")
    figure.text(0.05, 0.845, fill(glued(said), 100), fontsize=17, va="top", linespacing=1.35)
    figure.text(0.05, 0.045, glued(known), fontsize=12, color=MUTED, linespacing=1.35)
    return figure


def write_slide(figure: Figure, path: Path) -> Path:
    """Write a slide of 1,920 × 1,080 points."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    return write_file(content.getvalue(), path)


def _known(analysis: Analysis) -> str:
    """Say in one line from how many users, by which model, and what least squares says."""
    cells, fit = analysis.cells, analysis.fit
    counted = f"{cells.rows:,} rows" if cells.units is None else f"{cells.units:,} users"
    parts = [counted, f"{fit.family.name} family, {fit.priors.name} prior"]
    if fit.means is not None:
        robust = robust_check(cells, analysis.headline.ci_prob)
        error = resolution(analysis.effects[analysis.headline.effect])
        ends = " to ".join(format_number(end, error, sign=True) for end in (robust.lower, robust.upper))
        parts.append(f"least squares ({robust.method}): {ends}")
    return f"How we know: {'; '.join(parts)}."
