"""Fixtures of all tests: the real command, and where a sweep keeps its study."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.helpers.composing import compose_once
from tests.helpers.forked import run_forked
from tests.helpers.postgres import serve
from tsconv.cli import main

# Times on a shared machine vary too much for a deadline on each example.
settings.register_profile("tsconv", deadline=None, derandomize=True)
settings.load_profile("tsconv")

compose_once()

# What tsconv remembers between trainings stays out of the home of whoever runs the tests.
_cache = tempfile.TemporaryDirectory(prefix="tsconv-cache-")
os.environ["XDG_CACHE_HOME"] = _cache.name


@pytest.fixture
def tsconv(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `tsconv ...` in a process and a folder of its own.

    The process is a fork, which spares the seconds that imports take.
    """

    def run(*arguments: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k != "TSCONV_DEBUG"}
        return run_forked(*arguments, cwd=cwd, env=environment)

    return run


@pytest.fixture
def tsconv_as_installed(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `tsconv ...` as a user does: Python starts, and imports what the command needs."""

    def run(*arguments: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k != "TSCONV_DEBUG"}
        return subprocess.run(
            [sys.executable, "-m", "tsconv.cli", *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def tsconv_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `tsconv ...` in this process, which spares the seconds that its imports take."""

    def run(*arguments: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(cwd)
        monkeypatch.delenv("TSCONV_DEBUG", raising=False)
        capsys.readouterr()  # what was printed before
        code = main(arguments)
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty database; one server for each test process."""
    # Not pytest's folder: its path is too long for a socket, and closed to other users.
    with tempfile.TemporaryDirectory(prefix="tsconv-pg-") as folder:
        yield from serve(Path(folder))


@pytest.fixture(params=["journal", "postgresql"])
def address(request: pytest.FixtureRequest) -> str | None:
    """`sweep.storage` of each kind."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else None
