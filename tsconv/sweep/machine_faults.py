"""Errors of a trial that are the machine's and not its hyperparameters': worth another attempt."""

from __future__ import annotations

import torch

from tsconv.distributed.ranks import RankLost
from tsconv.errors import TsconvError

# What torch raises when it cannot build or load compiled code.
_COMPILER = ("torch._inductor", "torch._dynamo", "triton")
_DISK = ("pytorchstreamwriter", "no space left", "disk quota", "i/o error")
_MOST_OUT_OF_MEMORY = 2  # attempts: a trial that is out of memory twice is too large


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device or the machine has no memory left.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError("out of memory"))
    (True, False)
    """
    text = str(error).lower()
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError)
        and ("out of memory" in text or "can't allocate memory" in text)
    )


def is_device_fault(error: BaseException) -> bool:
    """Whether an error leaves the device useless to this process, which must be replaced.

    >>> is_device_fault(RuntimeError("CUDA error: an illegal memory access was encountered"))
    True
    """
    text = str(error)
    return isinstance(error, RuntimeError) and ("CUDA error" in text or "HIP error" in text)


def is_machine_fault(error: BaseException) -> bool:
    """Whether the machine failed a trial: the same trial may end well when it is begun again.

    Faults of the compiler and its cache, of the disk, of a device, a lost rank, and want of memory,
    which other trials may have taken.

    >>> is_machine_fault(OSError(28, "No space left on device"))
    True
    >>> is_machine_fault(ValueError("dropout must be less than 1"))
    False
    """
    if isinstance(error, RankLost):
        return True
    if isinstance(error, TsconvError):
        return False
    text = str(error).lower()
    return (
        isinstance(error, OSError)
        or is_out_of_memory(error)
        or is_device_fault(error)
        or any(kind.__module__.startswith(_COMPILER) for kind in type(error).__mro__)
        or (isinstance(error, Exception) and any(words in text for words in _DISK))
    )


def attempts_for(error: BaseException, retries: int) -> int:
    """How often a trial is begun in all where this error ends it.

    >>> attempts_for(OSError(5, "Input/output error"), retries=2), attempts_for(MemoryError(), 2)
    (3, 2)
    """
    if not is_machine_fault(error):
        return 1
    most = 1 + retries
    return min(most, _MOST_OUT_OF_MEMORY) if is_out_of_memory(error) else most
