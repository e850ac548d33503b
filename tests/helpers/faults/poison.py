"""What tests of files that were made to do harm share: a canary, a secret, and a refusal."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any

Command = Callable[..., subprocess.CompletedProcess[str]]
SECRET = "hunter2-of-the-test"


class Canary:
    """Its pickle makes a file named canary in the folder that it is read in."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch canary",)


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One line on standard error, that says why, and exit code 1."""
    assert done.returncode == 1, done
    said = done.stderr.splitlines()
    assert len([line for line in said if line.startswith("tsconv: ")]) == 1, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in said[-1]
