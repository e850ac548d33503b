"""How much more memory a process can take on its machine, or on a device."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

try:
    import resource
except ImportError:  # Windows has no limits of processes
    resource = None  # type: ignore[assignment]

CGROUPS = Path("/sys/fs/cgroup")


@dataclasses.dataclass(frozen=True)
class Available:
    """Bytes that can still be taken, and whose limit that is."""

    n_bytes: int
    limit: str  # in a message, behind "available"


def available_memory(device: torch.device, proc: Path = Path("/proc")) -> Available | None:
    """What can still be taken on a device; None where that cannot be read.

    On the CPU it is the least of the machine's free memory, what control groups (containers, jobs
    of SLURM) leave, and what `ulimit -v` and `ulimit -d` leave. proc: where the kernel says it.

    >>> found = available_memory(torch.device("cpu"))
    >>> found is None or found.n_bytes > 0
    True
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return Available(free + kept, f"on {torch.cuda.get_device_name(device)}")
    if device.type != "cpu":
        return None
    found = [
        limit
        for limit in (_of_machine(proc), _of_cgroups(proc), *_of_process(proc))
        if limit is not None
    ]
    return min(found, key=lambda limit: limit.n_bytes, default=None)


def resident_bytes(proc: Path = Path("/proc")) -> int | None:
    """The memory that this process has now; None where that cannot be read."""
    found = _fields(proc / "self" / "status").get("VmRSS")
    return None if found is None else 1024 * found


def peak_resident_bytes(proc: Path = Path("/proc")) -> int | None:
    """The most memory that this process has had so far; None where that cannot be read."""
    found = _fields(proc / "self" / "status").get("VmHWM")
    return None if found is None else 1024 * found


def _of_machine(proc: Path) -> Available | None:
    free = _fields(proc / "meminfo").get("MemAvailable")
    return None if free is None else Available(1024 * free, "on this machine")


def _of_process(proc: Path) -> list[Available]:
    """What `ulimit -v` leaves of addresses, and `ulimit -d` of memory that is no file's."""
    if resource is None:
        return []
    status = _fields(proc / "self" / "status")
    found = []
    for kind, name, option in (
        (resource.RLIMIT_AS, "VmSize", "-v"),
        (resource.RLIMIT_DATA, "VmData", "-d"),
    ):
        most, taken = resource.getrlimit(kind)[0], status.get(name)
        if most != resource.RLIM_INFINITY and taken is not None:
            found.append(Available(max(0, most - 1024 * taken), f"within `ulimit {option}`"))
    return found


def _of_cgroups(proc: Path) -> Available | None:
    """What the control groups of the process leave: the least of its own and those around it."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return None
    found: list[int] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, names = CGROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base = CGROUPS / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        own = base / path.lstrip("/")
        for folder in (own, *own.parents):
            left = _left_in(folder, *names)
            found += [] if left is None else [left]
            if folder == base:
                break
    return Available(max(0, min(found)), "in its control group") if found else None


def _left_in(folder: Path, limit: str, usage: str, cached: str) -> int | None:
    """Bytes that a group leaves; the files that it has cached can be dropped. None: no limit."""
    try:
        most = int((folder / limit).read_text())
        taken = int((folder / usage).read_text())
        stat = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        droppable = next((int(value) for name, value in stat if name == cached), 0)
    except (OSError, ValueError):  # "max" is no limit
        return None
    return most - taken + droppable


def _fields(path: Path) -> dict[str, int]:
    """The numbers of a file of lines such as `MemAvailable:   123 kB`, in kB."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {
        words[0].rstrip(":"): int(words[1])
        for words in lines
        if len(words) > 1 and words[1].isdigit()
    }
