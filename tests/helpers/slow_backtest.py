"""`tsconv backtest` that says when it begins to write its forecasts, and takes a minute for it."""

from __future__ import annotations

import sys
import time
from typing import Any

from tsconv.backtest import forecast_file
from tsconv.cli import main as command


def main() -> int:
    table = forecast_file._Lines.table

    def slow(self: Any, scored: Any) -> Any:
        print("writing", flush=True)
        time.sleep(60)
        return table(self, scored)

    forecast_file._Lines.table = slow  # type: ignore[method-assign]
    return command(sys.argv[1:])
