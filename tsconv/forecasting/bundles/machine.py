"""The machine and the versions that a training ran with, in words that a person reads."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
from pathlib import Path

import torch

_PACKAGES = ("torch", "pytorch-lightning", "numpy", "pandas")  # what figures depend on


def processor_name(device: torch.device) -> str:
    """The name of the GPU, or of the processor.

    >>> processor_name(torch.device("cpu")) != ""
    True
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n"):
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def package_versions() -> dict[str, str]:
    """The versions of tsconv, of Python and of the packages below; none of them is imported.

    >>> [*package_versions()]
    ['tsconv', 'python', 'torch', 'pytorch-lightning', 'numpy', 'pandas']
    """
    from tsconv import __version__

    found = {"tsconv": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
