"""What memory is left: of the machine, of control groups of both versions, of `ulimit -v`."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch

from tsconv import available_memory as available
from tsconv.available_memory import available_memory, resident_bytes

CPU = torch.device("cpu")


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc with 8 GB free, and no control group under the root that is looked at."""
    folder = tmp_path / "proc"
    (folder / "self").mkdir(parents=True)
    (folder / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable:    8000000 kB\n")
    (folder / "self" / "status").write_text("Name: x\nVmSize:  3000000 kB\nVmRSS:\t 500 kB\n")
    monkeypatch.setattr(available, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    return folder


def group(folder: Path, names: tuple[str, str], most: object, taken: int, cached: str) -> None:
    folder.mkdir(parents=True)
    (folder / names[0]).write_text(f"{most}\n")
    (folder / names[1]).write_text(f"{taken}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{cached}\n")


def left(proc: Path) -> tuple[int, str]:
    found = available_memory(CPU, proc)
    assert found is not None
    return found.n_bytes, found.limit


def test_the_machine(proc: Path) -> None:
    assert left(proc) == (8_192_000_000, "on this machine")
    assert resident_bytes(proc) == 500 * 1024


def test_the_group_around_the_own_one_counts_too(proc: Path, tmp_path: Path) -> None:
    names = ("memory.max", "memory.current")
    group(tmp_path / "cgroup" / "job", names, 2_000_000, 1_500_000, "inactive_file 300000")
    group(tmp_path / "cgroup" / "job" / "step", names, "max", 9, "inactive_file 0")
    (proc / "self" / "cgroup").write_text("0::/job/step\n")
    assert left(proc) == (800_000, "in its control group")


def test_the_first_version_of_groups(proc: Path, tmp_path: Path) -> None:
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    own = tmp_path / "cgroup" / "memory" / "box"
    group(own, names, 900, 400, "total_inactive_file 100")
    (proc / "self" / "cgroup").write_text("7:cpu:/\n4:memory:/box\n0::/\n")
    assert left(proc) == (600, "in its control group")


@pytest.mark.parametrize(("kind", "option"), [("RLIMIT_AS", "-v"), ("RLIMIT_DATA", "-d")])
def test_ulimit(proc: Path, monkeypatch: pytest.MonkeyPatch, kind: str, option: str) -> None:
    (proc / "self" / "status").write_text("VmSize:  3000000 kB\nVmData:  3000000 kB\n")
    limited = getattr(resource, kind)
    unlimited = resource.RLIM_INFINITY
    monkeypatch.setattr(
        resource, "getrlimit", lambda k: ((4_000_000 * 1024 if k == limited else unlimited),) * 2
    )
    assert left(proc) == (1_000_000 * 1024, f"within `ulimit {option}`")


def test_where_nothing_can_be_read_nothing_is_said(tmp_path: Path) -> None:
    assert available_memory(CPU, tmp_path) is None
    assert resident_bytes(tmp_path) is None
    assert available_memory(torch.device("mps")) is None
