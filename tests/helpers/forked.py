"""Commands in processes that are forked from one that has imported the package already.

They start in a fraction of a second, where `python -m tsconv...` imports for seconds.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Mapping, Sequence
from multiprocessing import reduction
from typing import Any

import pytest
import torch

from tests.helpers.rank_processes import CONTEXT
from tsconv.distributed import start


def fork_ranks(patch: pytest.MonkeyPatch) -> None:
    """Let `start_ranks` of this process fork its children.

    That it starts them as a user's process does is seen where a whole command runs in tests.
    """
    quick = types.SimpleNamespace(Popen=ForkedProcess, DEVNULL=subprocess.DEVNULL)
    patch.setattr(start, "subprocess", quick)


class ForkedProcess:
    """`python -m MODULE ...` with what tsconv and its tests use of `subprocess.Popen`.

    MODULE.main runs in a fork, with the arguments, folder and variables given; standard output and
    error go where those of a Popen would. daemon: it ends with this process, and cannot fork
    further ones.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        daemon: bool = True,
        **_: object,
    ) -> None:
        self.args = arguments
        module, *rest = arguments[arguments.index("-m") + 1 :]
        variables = dict(os.environ if env is None else env)
        self._asking = threading.Lock()
        self._readers: list[int | None] = []
        writers = [self._writer(1, stdout), self._writer(2, stderr)]
        files = [_File(writer) for writer in writers]
        self._process = CONTEXT.Process(
            target=_run,
            args=(module, rest, str(cwd or os.getcwd()), variables, *files),
            daemon=daemon,
        )
        self._process.start()
        for writer, own in zip(writers, (1, 2), strict=True):
            if writer != own:
                os.close(writer)
        assert self._process.pid is not None
        self.pid = self._process.pid

    def _writer(self, own: int, given: int | None) -> int:
        """The file that the process writes to; where that is a pipe, note its other end."""
        reader, writer = None, own
        if given == subprocess.PIPE:
            reader, writer = os.pipe()
        elif given == subprocess.DEVNULL:
            writer = os.open(os.devnull, os.O_WRONLY)
        elif given is not None:  # an open file
            writer = os.dup(given)
        self._readers.append(reader)
        return writer

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        with self._asking:  # the exit code can be read once
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0.0)
            time.sleep(0.01)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote to its pipes, which must not be more than a page."""
        self.wait(timeout)
        texts = []
        for reader in self._readers:
            assert reader is not None
            with os.fdopen(reader) as file:
                texts.append(file.read())
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _File:
    """An open file that travels to the new process."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:  # called while the process is started
        return _received, (reduction.DupFd(self.number),)


def _received(file: Any) -> _File:
    return _File(file.detach())


def _run(
    module: str, arguments: list[str], cwd: str, env: dict[str, str], out: _File, err: _File
) -> None:
    os.dup2(out.number, 1)
    os.dup2(err.number, 2)
    os.close(out.number)
    os.close(err.number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    if "OMP_NUM_THREADS" in env:  # which torch has read already
        torch.set_num_threads(int(env["OMP_NUM_THREADS"]))
    sys.argv = [module, *arguments]
    sys.exit(importlib.import_module(module).main())
