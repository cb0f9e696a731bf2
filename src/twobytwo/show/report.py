"""Reports: an analysis in a file, in the format that the file's suffix names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twobytwo.errors import DesignError
from twobytwo.files import as_path, write_file
from twobytwo.show.json import dumps, to_dict
from twobytwo.show.markdown import markdown
from twobytwo.show.text import text

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.check.sensitivity import Sensitivity
    from twobytwo.show.words import Provenance

__all__ = ["FORMATS", "save_report", "write"]


def _html(analysis: Analysis, provenance: Provenance | None, panel: Sensitivity | None) -> str:
    # Jinja2 and matplotlib, which no other format needs.
    from twobytwo.show.html.page import html

    return html(analysis, provenance, panel)


FORMATS: Mapping[str, Callable[[Any, Any, Any], str]] = {
    ".html": _html,
    ".md": markdown,
    ".txt": lambda analysis, provenance, _: f"{text(analysis, provenance)}\n",
    ".json": lambda analysis, provenance, _: f"{dumps(to_dict(analysis, provenance))}\n",
}


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
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_report(result, Path(folder, "report.md")).read_text()[:15]
    '## Interaction '
    """
    path = as_path(path)
    if path.suffix.lower() not in FORMATS:
        msg = f"path={str(path)!r} has no known suffix; a report ends in {', '.join(FORMATS)}."
        raise DesignError(msg)
    shown = path.suffix.lower() in (".html", ".md") and analysis.headline.status != "refused"
    if shown and panel is None:
        panel = analysis.sensitivity(families=[])
    return write(FORMATS[path.suffix.lower()](analysis, provenance, panel), path)


def write(content: str, path: str | Path) -> Path:
    """Write a file, whole or not at all.

    Parameters
    ----------
    content
        The text.
    path
        File to write, in a folder that exists; a file already there is replaced.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    DesignError
        If the folder does not exist or cannot be written to.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write("no harm", Path(folder, "report.txt")).read_text()
    'no harm'
    """
    return write_file(content.encode("utf-8"), path)
