"""How commands print: whatever a file holds, nothing in a line steers the terminal."""

from __future__ import annotations

import sys

from tsconv.text import printable


def say(text: object, end: str = "\n") -> None:
    """Print a result on standard output; control characters are escaped, but for
    line breaks and tabs.

    >>> say("series `a\\x1b[31m`")
    series `a\\x1b[31m`
    """
    print(printable(str(text), keep="\n\t"), end=end, flush=True)


def remark(text: object) -> None:
    """Print a line beside the results, on standard error; control characters are escaped."""
    print(printable(str(text)), file=sys.stderr, flush=True)
