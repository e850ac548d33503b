"""Kill a command once, start it again, and compare what it ends with."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.helpers.faults.scenarios import Scenario, prepare
from tests.helpers.forked import ForkedProcess

_PATIENCE = 600.0  # seconds for a command that is not killed


@dataclasses.dataclass(frozen=True)
class Reference:
    """How a command ends that is never killed; seconds: that it takes."""

    folder: Path
    outcome: dict[str, Any]
    seconds: float


@dataclasses.dataclass(frozen=True)
class Killed:
    """One kill: where it came, and what was wrong after the next start ("" for nothing)."""

    scenario: str
    moment: str  # as asked for
    phase: str  # by what lay on the disk
    fault: str


def reference(scenario: Scenario, folder: Path, bundle: Path | None = None) -> Reference:
    """Run the command to its end; bundle: of the scenarios that need one."""
    _fresh(scenario, folder, bundle)
    begun = time.perf_counter()
    code, text = _run(scenario.command, folder)
    if code != 0:
        raise AssertionError(f"{scenario.name}: exit code {code}: {text}")
    return Reference(folder, scenario.outcome(folder), time.perf_counter() - begun)


def kill_and_compare(
    scenario: Scenario, whole: Reference, folder: Path, kill: str, bundle: Path | None = None
) -> Killed:
    """Kill the command, start it again until it ends, and compare.

    kill: as in `killed_command`, or `time:2.5` for SIGKILL after so many seconds, to the whole
    group of its processes where it ends in `:group`.
    """
    _fresh(scenario, folder, bundle)
    ended = _run_and_kill(scenario.command, folder, kill)
    phase = "it had ended" if ended else _phase(folder)
    fault = _half_files(scenario, whole, folder)
    command = scenario.again(folder)
    if command is not None and not fault:
        code, text = _run(command, folder)
        fault = "" if code == 0 else f"exit code {code}: {text[-400:]}"
    if not fault:
        found = scenario.outcome(folder)
        different = [key for key, value in whole.outcome.items() if found.get(key) != value]
        fault = f"not the same: {', '.join(different)}" if different else _left_over(folder)
    return Killed(scenario.name, kill, phase, fault)


def _fresh(scenario: Scenario, folder: Path, bundle: Path | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    prepare(folder)
    if scenario.needs_bundle:
        assert bundle is not None
        shutil.copytree(bundle, folder / "whole" / "bundle")


def _environment(folder: Path, kill: str = "") -> dict[str, str]:
    """One thread, and a cache of its own, so that each compiles anew."""
    own = {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder.resolve() / "cache"), "KILL": kill}
    return {**{k: v for k, v in os.environ.items() if k != "TSCONV_DEBUG"}, **own}


def _start(command: Sequence[str], folder: Path, kill: str) -> ForkedProcess:
    log = (folder / "log.txt").open("a")
    with log:
        return ForkedProcess(
            ["-m", "tests.helpers.faults.killed_command", *command],
            cwd=folder,
            env=_environment(folder, kill),
            stdout=log.fileno(),
            stderr=log.fileno(),
            daemon=False,
        )


def _run(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run a command to its end; its exit code, and what it printed."""
    (folder / "log.txt").unlink(missing_ok=True)
    process = _start(command, folder, "")
    try:
        code = process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        code = -1
    return code, (folder / "log.txt").read_text()


def _run_and_kill(command: Sequence[str], folder: Path, kill: str) -> bool:
    """Whether the command came to its end before it was killed."""
    if not kill.startswith("time:"):
        return _start(command, folder, kill).wait(_PATIENCE) == 0
    process = _start(command, folder, "")
    try:
        process.wait(float(kill.split(":")[1]))
    except subprocess.TimeoutExpired:
        if kill.endswith(":group"):
            for pid in _descendants(process.pid):
                _kill(pid)
        process.kill()
    return process.wait(_PATIENCE) == 0


def _descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _phase(folder: Path) -> str:
    """How far a command had come, by what lies on the disk."""
    run = folder / "run"
    if (folder / "whole").is_dir() or not run.is_dir():
        return "reading, or before writing"
    if (run / "study.journal").is_file():
        return "trials of a sweep"
    if (run / "bundle").is_dir():
        return "refit, or writing"
    if (run / "checkpoints" / "last.ckpt").is_file():
        return "training, validating, scoring"
    return "solving, compiling, first steps" if (run / "config.yaml").is_file() else "a new folder"


def _left_over(folder: Path) -> str:
    """Which file of a run was begun, and neither finished nor removed."""
    parts = sorted(p.name for p in (folder / "run").rglob(".*.part"))
    return f"left over: {', '.join(parts)}" if parts else ""


def _half_files(scenario: Scenario, whole: Reference, folder: Path) -> str:
    """Which file has its name and not its content."""
    for name in scenario.whole:
        path = folder / name
        if path.is_file() and path.read_bytes() != (whole.folder / name).read_bytes():
            return f"{name} is there, and half"
    return ""
