"""How many examples hypothesis makes up where each takes long."""

from __future__ import annotations

import os


def examples(full: int) -> int:
    """A quarter of `full` in the everyday suite, all of them where TEST_EXAMPLES=full is set."""
    return full if os.environ.get("TEST_EXAMPLES") == "full" else max(1, full // 4)
