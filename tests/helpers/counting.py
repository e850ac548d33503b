"""Counts of work, which unlike seconds are the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def count_calls(function: Callable[[], Any]) -> int:
    """The number of calls, of Python's and of built-in functions, that this one makes.

    Loops inside NumPy, pandas or Arrow count as one call, so what is done for all series at once
    makes about as many calls for a thousand of them as for ten.
    """
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls
