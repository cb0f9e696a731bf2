"""Pieces of HTML that notebooks and reports have in common; every text is escaped here."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from twobytwo.show.tables import Table, glued

__all__ = ["details", "image", "table", "tag"]


def tag(name: str, *content: str, text: str | None = None, **attributes: str) -> str:
    """Write an element.

    Parameters
    ----------
    name
        Of the element.
    *content
        HTML inside of it, as it is.
    text
        Text inside of it, escaped.
    **attributes
        Escaped; an underscore at the end is dropped (``class_``), others become hyphens.

    Examples
    --------
    >>> tag("p", text="< 0.1 %", class_="answer")
    '<p class="answer">&lt; 0.1 %</p>'
    """
    inside = "".join(content) if text is None else escape(text)
    return f"<{name}{_attributes(attributes)}>{inside}</{name}>"


def image(uri: str, alt: str, **attributes: str) -> str:
    """Write a picture with what it shows in words.

    Examples
    --------
    >>> image("data:,", "A curve.")
    '<img src="data:," alt="A curve.">'
    """
    return f"<img{_attributes({'src': uri, 'alt': alt} | attributes)}>"


def table(content: Table, *, styles: Mapping[str, str] | None = None, caption: bool = True) -> str:
    """Write a table with its title as caption and its note below.

    Parameters
    ----------
    content
        The words.
    styles
        Inline styles by element (``table``, ``th``, ``td``, ``caption``, ``p``), where no style sheet is
        allowed.
    caption
        Whether to write the title.

    Examples
    --------
    >>> table(Table(title="T", header=("", "n"), rows=(("a", "1"),)))[:40]
    '<table><caption>T</caption><thead><tr><t'
    """
    styles = styles or {}

    def element(name: str, text: str, column: int, **attributes: str) -> str:
        left = column in (*content.words, content.prose)
        style = f"text-align:{'left' if left else 'right'};{styles.get(name, '')}"
        return tag(name, text=glued(text), style=style, **attributes)

    head = [element("th", name, k, scope="col") for k, name in enumerate(content.header)]
    body = [
        tag(
            "tr",
            element("th", row[0], 0, scope="row"),
            *(element("td", t, k) for k, t in enumerate(row) if k),
        )
        for row in content.rows
    ]
    parts = [tag("thead", tag("tr", *head)), tag("tbody", *body)]
    if caption:
        parts.insert(0, tag("caption", text=content.title, **_style(styles, "caption")))
    note = tag("p", text=content.note, **_style(styles, "p")) if content.note else ""
    return tag("table", *parts, **_style(styles, "table")) + note


def details(summary: str, *content: str, **attributes: str) -> str:
    """Write what is folded away until asked for.

    Examples
    --------
    >>> details("More", "<p>x</p>")
    '<details><summary>More</summary><p>x</p></details>'
    """
    return tag("details", tag("summary", text=summary), *content, **attributes)


def _style(styles: Mapping[str, str], name: str) -> dict[str, str]:
    return {"style": styles[name]} if name in styles else {}


def _attributes(attributes: Mapping[str, str]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items()
    )
