"""How the workers on one machine share its processor and its GPUs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def threads_per_worker(workers: int) -> int | None:
    """The processor's threads divided among workers; None for one worker, where torch chooses."""
    if workers == 1:
        return None
    given = os.environ.get("OMP_NUM_THREADS", "")
    total = int(given) if given.isdigit() else len(os.sched_getaffinity(0))
    return max(1, total // workers)


def worker_environment(
    index: int, threads: int | None, environment: Mapping[str, str], gpus: int = 1
) -> dict[str, str]:
    """The environment variables of worker `index`: those given, its GPUs and its threads."""
    own = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    return {**environment, **device_environment(index, environment, gpus), **own}


def device_environment(
    index: int, environment: Mapping[str, str], count: int = 1
) -> dict[str, str]:
    """The variable that shows worker `index` its GPUs, in turn; {} on a machine without any.

    count: of the GPUs that each trial trains on; 0 for all of them.

    >>> device_environment(2, {"CUDA_VISIBLE_DEVICES": "4,6"})
    {'CUDA_VISIBLE_DEVICES': '4'}
    >>> device_environment(1, {"CUDA_VISIBLE_DEVICES": "0,1,2,3"}, count=2)
    {'CUDA_VISIBLE_DEVICES': '2,3'}
    """
    given = environment.get("CUDA_VISIBLE_DEVICES")
    gpus = Path("/proc/driver/nvidia/gpus")
    if given is not None:
        devices = [d for d in given.split(",") if d.strip()]
    else:
        devices = [str(i) for i, _ in enumerate(gpus.iterdir())] if gpus.is_dir() else []
    if not devices:
        return {}
    count = min(count or len(devices), len(devices))
    first = index * count
    return {
        "CUDA_VISIBLE_DEVICES": ",".join(devices[(first + i) % len(devices)] for i in range(count))
    }


def devices_of_trial(given: Any) -> int:
    """How many devices `trainer.devices` gives each trial; 0 for all of them.

    >>> [devices_of_trial(given) for given in (2, "2", [0, 1], "auto", -1)]
    [2, 2, 2, 0, 0]
    """
    if isinstance(given, list | tuple):
        return len(given)
    return int(given) if str(given).isdigit() else 0
