"""How the workers on one machine share its processor and its GPUs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def threads_per_worker(workers: int) -> int | None:
    """The processor's threads divided among workers; None for one worker, where torch chooses."""
    if workers == 1:
        return None
    given = os.environ.get("OMP_NUM_THREADS", "")
    total = int(given) if given.isdigit() else len(os.sched_getaffinity(0))
    return max(1, total // workers)


def worker_environment(
    index: int, threads: int | None, environment: Mapping[str, str]
) -> dict[str, str]:
    """The environment variables of worker `index`: those given, its GPU and its threads."""
    own = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    return {**environment, **device_environment(index, environment), **own}


def device_environment(index: int, environment: Mapping[str, str]) -> dict[str, str]:
    """The variable that shows worker `index` one GPU, in turn; {} on a machine without any.

    >>> device_environment(2, {"CUDA_VISIBLE_DEVICES": "4,6"})
    {'CUDA_VISIBLE_DEVICES': '4'}
    """
    given = environment.get("CUDA_VISIBLE_DEVICES")
    gpus = Path("/proc/driver/nvidia/gpus")
    if given is not None:
        devices = [d for d in given.split(",") if d.strip()]
    else:
        devices = [str(i) for i, _ in enumerate(gpus.iterdir())] if gpus.is_dir() else []
    return {"CUDA_VISIBLE_DEVICES": devices[index % len(devices)]} if devices else {}
