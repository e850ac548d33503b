"""A command that kills itself at a chosen moment, as a machine that fails would.

The variable KILL says when: `replace:3:before` and `replace:3:after` the third time that a file or
folder takes its name, `write:3` in the middle of the third file, `step:12` within step 12.
Nothing, or an empty one: it runs to its end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def die() -> None:
    """End at once, with nothing finished or flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def _at(count: int, call: Callable[..., Any], before: bool) -> Callable[..., Any]:
    """The function, whose process dies at its `count`-th call, before or after it."""
    calls = 0

    def counted(*arguments: Any, **keys: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count and before:
            die()
        result = call(*arguments, **keys)
        if calls == count:
            die()
        return result

    return counted


def arm(kill: str) -> None:
    """Let this process die where `kill` says."""
    if not kill:
        return
    what, number, *rest = kill.split(":")
    count = int(number)
    if what == "replace":
        os.replace = _at(count, os.replace, rest == ["before"])
    elif what == "write":
        os.fsync = _at(count, os.fsync, before=True)  # written, and not yet on the disk
    elif what == "step":
        from tsconv.training.lightning.lightning_module import ForecastModule

        step = ForecastModule.training_step
        ForecastModule.training_step = _at(count, step, before=False)  # type: ignore[method-assign]
    else:
        raise ValueError(kill)


def main() -> int:
    """Run the command in the arguments; returns its exit code where it comes to an end."""
    from tsconv.cli import main as tsconv

    arm(os.environ.get("KILL", ""))
    return tsconv(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
