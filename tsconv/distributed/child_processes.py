"""The processes that rank 0 started: which of them died, and how they end."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import subprocess
import time

from tsconv.errors import TrainingError


@dataclasses.dataclass
class ChildProcesses:
    """The child processes of rank 0, by rank."""

    processes: dict[int, subprocess.Popen[bytes]] = dataclasses.field(default_factory=dict)

    def killed(self, patience: float = 0.0) -> list[str]:
        """Say of each child that a signal ended which one it was.

        patience: seconds to wait for one, since its connections close before its end can be seen.
        """
        end = time.monotonic() + patience
        while self.processes:
            found = [
                f"rank {rank} (process {process.pid}) {_how(code)}"
                for rank, process in self.processes.items()
                if (code := process.poll()) is not None and code < 0
            ]
            if found or time.monotonic() > end:
                return found
            time.sleep(0.02)
        return []

    def have_ended(self) -> bool:
        """Whether any child has ended."""
        return any(process.poll() is not None for process in self.processes.values())

    def require_alive(self) -> None:
        """Raise TrainingError where a child has ended."""
        for rank, process in self.processes.items():
            code = process.poll()
            if code is not None:
                raise TrainingError(f"rank {rank} (process {process.pid}) {_how(code)}")

    def end(self, patience: float) -> None:
        """Wait until all have ended, and kill those that still run after `patience` seconds."""
        deadline = time.monotonic() + patience
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            if process.poll() is None:
                process.kill()
                process.wait()


def _how(code: int) -> str:
    """How a process ended.

    >>> _how(-9), _how(1)
    ('was killed by SIGKILL', 'ended with exit code 1')
    """
    return (
        f"was killed by {signal.Signals(-code).name}"
        if code < 0
        else f"ended with exit code {code}"
    )
