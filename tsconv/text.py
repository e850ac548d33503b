"""Pieces of messages: numbers with their nouns, shares, sizes, shortened lists of names."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun, in the plural but for 1.

    >>> plural(1, "line"), plural(2000, "line"), plural(3, "series", "series")
    ('1 line', '2,000 lines', '3 series')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percentage(part: int, whole: int) -> str:
    """The share of a part in the whole, in per cent.

    >>> percentage(1, 8), percentage(1, 100_000)
    ('12.5%', '<0.1%')
    """
    percent = 100 * part / max(1, whole)
    return (
        "<0.1%" if 0 < percent < 0.05 else f"{percent:.3g}%" if percent < 1 else f"{percent:.1f}%"
    )


def format_bytes(n: float) -> str:
    """A number of bytes with its unit.

    >>> format_bytes(12), format_bytes(1.5e6)
    ('12 bytes', '1.5 MB')
    """
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 1000 or unit == "GB":
            break
        n /= 1000
    return f"{n:.0f} {unit}" if unit == "bytes" or n >= 100 else f"{n:.1f} {unit}"


def format_seconds(seconds: float) -> str:
    """A duration in the unit that suits it.

    >>> format_seconds(4.2), format_seconds(150), format_seconds(9000)
    ('4 s', '2 min 30 s', '2 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def shorten(names: Sequence[str], most: int = 8) -> str:
    """The first `most` names, and the number of the others.

    >>> shorten(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def quote_first(first: Sequence[str], total: int) -> str:
    """The first of `total` names in backticks, and ", ..." where there are more.

    >>> quote_first(["a", "b"], 2), quote_first(["a", "b"], 9)
    ('`a`, `b`', '`a`, `b`, ...')
    """
    return ", ".join(f"`{name}`" for name in first) + (", ..." if total > len(first) else "")


def printable(text: str, keep: str = "") -> str:
    """A text in which nothing steers a terminal or reorders a line: control characters are escaped.

    keep: control characters that stay, such as line breaks.

    >>> print(printable("a\\x1b[31m\\n\\u202eb"))
    a\\x1b[31m\\n\\u202eb
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or _is_harmless(c) else ascii(c)[1:-1] for c in text)


def _is_harmless(c: str) -> bool:
    """Whether a character is seen, is a space of any width, or joins letters of a script."""
    return c.isprintable() or unicodedata.category(c) == "Zs" or c in "\u200c\u200d"
