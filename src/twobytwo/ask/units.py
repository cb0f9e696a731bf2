"""A number with its unit, in words that stay right where the number is one."""

from __future__ import annotations

__all__ = ["counted"]

# English has no rule that is right for every plural (cookies, queries, news), so the singular is looked up.
_SINGULAR = {
    "ads": "ad",
    "articles": "article",
    "bookings": "booking",
    "bytes": "byte",
    "calls": "call",
    "cents": "cent",
    "clicks": "click",
    "comments": "comment",
    "days": "day",
    "dollars": "dollar",
    "downloads": "download",
    "episodes": "episode",
    "errors": "error",
    "euros": "euro",
    "events": "event",
    "files": "file",
    "hours": "hour",
    "impressions": "impression",
    "items": "item",
    "likes": "like",
    "logins": "login",
    "messages": "message",
    "milliseconds": "millisecond",
    "minutes": "minute",
    "months": "month",
    "movies": "movie",
    "orders": "order",
    "pages": "page",
    "points": "point",
    "posts": "post",
    "pounds": "pound",
    "purchases": "purchase",
    "queries": "query",
    "searches": "search",
    "seconds": "second",
    "sessions": "session",
    "songs": "song",
    "streams": "stream",
    "tickets": "ticket",
    "tracks": "track",
    "units": "unit",
    "users": "user",
    "videos": "video",
    "views": "view",
    "visits": "visit",
    "weeks": "week",
    "years": "year",
}


def counted(number: str, unit: str) -> str:
    """Write a number with its unit.

    After a one the first word that is a known plural becomes singular. A unit that ends in "s" and is not
    known stands in parentheses there, as units stand on axes, so that the sentence is right whatever it is.

    Parameters
    ----------
    number
        As it is to be written, with or without a sign.
    unit
        As it was given, such as ``"minutes"``; empty writes the number alone.

    Examples
    --------
    >>> counted("24.5", "minutes"), counted("+1", "active minutes a day"), counted("1", "EUR")
    ('24.5 minutes', '+1 active minute a day', '1 EUR')
    >>> counted("2", "gizmos"), counted("1", "gizmos")
    ('2 gizmos', '1 (gizmos)')
    """
    if not unit:
        return number
    if number.lstrip("+-−") != "1":
        return f"{number} {unit}"
    words = unit.split(" ")
    known = [place for place, word in enumerate(words) if word.lower() in _SINGULAR]
    if known:
        words[known[0]] = _SINGULAR[words[known[0]].lower()]
        return f"{number} {' '.join(words)}"
    return f"{number} ({unit})" if any(word.endswith("s") for word in words) else f"{number} {unit}"
