"""The folder where tsconv keeps what later trainings of the same user can use again."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path:
    """`tsconv` in $XDG_CACHE_HOME, else in ~/.cache.

    >>> user_cache().name
    'tsconv'
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if os.path.isabs(given) else Path(os.path.expanduser("~")) / ".cache"
    return base / "tsconv"
