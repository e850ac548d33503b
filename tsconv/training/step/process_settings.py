"""Settings of the whole process that a training changes for its duration, and then puts back."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Shapes that dynamo compiles before it goes on eagerly in silence; a process that trains many
# networks one after the other, as a sweep does, meets many.
_RECOMPILE_LIMIT = 96
_LIGHTNING = ("pytorch_lightning", "lightning.pytorch")


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence Lightning's advice on workers and devices: it does not apply to gathered batches."""
    loggers = [logging.getLogger(name) for name in _LIGHTNING]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for module in ("pytorch_lightning", "lightning_fabric"):
            warnings.filterwarnings("ignore", module=module)
        warnings.filterwarnings("ignore", message=".*(LeafSpec|isinstance\\(treespec).*")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def many_recompiles() -> Iterator[None]:
    """Let dynamo compile one function for more shapes than its own limit of a few.

    Under DDP it leaves the graph whole: gradients travel in one bucket, nothing overlaps.
    """
    import torch._dynamo.config as dynamo_config  # takes a second: only where steps are compiled

    with dynamo_config.patch(recompile_limit=_RECOMPILE_LIMIT, optimize_ddp=False):
        yield


@contextmanager
def deterministic_algorithms(wanted: bool) -> Iterator[None]:
    """Let torch use algorithms that give the same bits each time, if `wanted`.

    On a GPU they are slower; torch raises RuntimeError for an operation that has none.
    """
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it at its start
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark
