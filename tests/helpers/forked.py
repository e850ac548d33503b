"""Commands in processes that are forked from one that has imported the package already.

They start in a fraction of a second, where `python -m tsconv...` imports for seconds.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Mapping, Sequence
from multiprocessing import reduction
from typing import IO, Any

import pytest
import torch

from tests.helpers.rank_processes import CONTEXT
from tsconv.distributed import start
from tsconv.sweep import worker_pool


def fork_ranks(patch: pytest.MonkeyPatch) -> None:
    """Let `start_ranks` of this process fork its children.

    That it starts them as a user's process does is seen where a whole command runs in tests.
    """
    quick = types.SimpleNamespace(Popen=ForkedProcess, DEVNULL=subprocess.DEVNULL)
    patch.setattr(start, "subprocess", quick)


def fork_workers(patch: pytest.MonkeyPatch) -> None:
    """Let the sweeps of this process fork their workers."""
    quick = types.SimpleNamespace(Popen=ForkedProcess, PIPE=subprocess.PIPE)
    patch.setattr(worker_pool, "subprocess", quick)


def run_forked(
    *arguments: str, cwd: str | os.PathLike[str], env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `tsconv ...` in a fork to its end."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = ForkedProcess(
            ["python", "-m", "tsconv.cli", *arguments],
            cwd=cwd, env=env, stdout=out, stderr=err, daemon=False,
        )  # fmt: skip
        code = process.wait()
        out.seek(0), err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


class ForkedProcess:
    """`python -m MODULE ...` with what tsconv and its tests use of `subprocess.Popen`.

    MODULE.main runs in a fork, with the arguments, folder and variables given; standard output and
    error go where those of a Popen would; pipes carry text. daemon: it ends with this process, and
    cannot fork further ones.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int | None = None,
        stdout: int | IO[str] | None = None,
        stderr: int | IO[str] | None = None,
        daemon: bool = True,
        **_: object,
    ) -> None:
        self.args = arguments
        module, *rest = arguments[arguments.index("-m") + 1 :]
        variables = dict(os.environ if env is None else env)
        self._asking = threading.Lock()
        self.stdin: IO[str] | None = None
        source = os.open(os.devnull, os.O_RDONLY)
        if stdin == subprocess.PIPE:
            os.close(source)
            source, ours = os.pipe()
            self.stdin = os.fdopen(ours, "w")
        self.stdout, out = self._writer(1, stdout)
        self.stderr, err = self._writer(2, stderr)
        files = [_File(source), _File(out), _File(err)]
        self._process = CONTEXT.Process(
            target=_run,
            args=(module, rest, str(cwd or os.getcwd()), variables, *files),
            daemon=daemon,
        )
        self._process.start()
        for given, own in ((source, 0), (out, 1), (err, 2)):
            if given != own:
                os.close(given)
        assert self._process.pid is not None
        self.pid = self._process.pid

    @staticmethod
    def _writer(own: int, given: int | IO[str] | None) -> tuple[IO[str] | None, int]:
        """The file that the process writes to; where that is a pipe, its other end before it."""
        if given == subprocess.PIPE:
            reader, writer = os.pipe()
            return os.fdopen(reader), writer
        if given == subprocess.DEVNULL:
            return None, os.open(os.devnull, os.O_WRONLY)
        if given is None:
            return None, own
        return None, os.dup(given if isinstance(given, int) else given.fileno())

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
        assert self.stdout is not None
        assert self.stderr is not None
        with self.stdout as out, self.stderr as err:
            return out.read(), err.read()

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


def _run(module: str, arguments: list[str], cwd: str, env: dict[str, str], *files: _File) -> None:
    for own, file in enumerate(files):
        os.dup2(file.number, own)
        os.close(file.number)
    sys.stdin = os.fdopen(0)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    if "OMP_NUM_THREADS" in env:  # which torch has read already
        torch.set_num_threads(int(env["OMP_NUM_THREADS"]))
    sys.argv = [module, *arguments]
    sys.exit(importlib.import_module(module).main())
