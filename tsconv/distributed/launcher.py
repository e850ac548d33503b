"""Stub until merged."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class LaunchedProcess:
    name: str
    rank: int
    world_size: int
    local_rank: int
    local_world_size: int
    address: str
    port: int


def find_launcher(environ: Mapping[str, str]) -> LaunchedProcess | None:
    if "RANK" not in environ:
        return None
    e = environ
    return LaunchedProcess(
        "torchrun",
        int(e["RANK"]),
        int(e["WORLD_SIZE"]),
        int(e["LOCAL_RANK"]),
        int(e["LOCAL_WORLD_SIZE"]),
        e["MASTER_ADDR"],
        int(e["MASTER_PORT"]),
    )
