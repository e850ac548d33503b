"""Timings of training steps: measured once for each machine and shape, kept for later trainings.

They lie in a file of the user's cache folder. So `precision=auto` and `compile=auto` choose the
same every time, whatever else the machine does meanwhile, and the workers of a sweep agree.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import torch

from tsconv.forecasting.bundles.machine import processor_name
from tsconv.training.step.entries_file import CANNOT_KEEP, Entries, EntriesFile
from tsconv.training.step.user_cache import user_cache

_MOST = 1000  # timings in the file; the oldest go first
_LOCK_SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds by precision, and where they come from."""

    seconds: dict[str, float]  # "float32" or "bfloat16" -> seconds
    remembered: bool = False  # from an earlier training

    @property
    def origin(self) -> str:
        """What a reason says of a remembered timing; "" for a fresh one."""
        return ", remembered from an earlier timing on this machine" if self.remembered else ""


class TimingMemory:
    """The file of timings.

    path: null for `default_path()`. keeps: whether what is measured is added to it. A file that is
    missing or damaged is one without timings, and one that cannot be written to keeps none: no
    training fails for it.

    >>> import tempfile
    >>> memory = TimingMemory(Path(tempfile.mkdtemp()) / "step_choices.json")
    >>> cpu = torch.device("cpu")
    >>> memory.recall_or_measure("step", (3, 4), cpu, lambda: {"float32": 0.25}).remembered
    False
    >>> memory.recall_or_measure("step", (3, 4), cpu, lambda: {"float32": 0.5}).seconds
    {'float32': 0.25}
    """

    def __init__(self, path: Path | None = None, keeps: bool = True) -> None:
        self.path, self.keeps = path or default_path(), keeps
        self._file = EntriesFile(self.path, "timings", _LOCK_SECONDS)
        self.fault_note = ""  # why it keeps nothing, where it cannot

    def recall_or_measure(
        self,
        what: str,
        shape: Hashable,
        device: torch.device,
        measure: Callable[[], dict[str, float]],
    ) -> Timing:
        """Return the timing that the file has; else measure, and keep it for others.

        Args:
            what: is timed, for people who read the file.
            shape: what the time depends on, of plain values and dataclasses of them.
            device: where it is timed.
            measure: returns seconds by precision.

        Of two processes that measure at once, the first to finish decides for both.
        """
        known = self.recall(what, shape, device)
        if known is not None:
            return known
        machine, key = describe_machine(device), _key(what, shape, device)
        seconds = measure()
        if not self.keeps:
            return Timing(seconds)
        entry = {"machine": machine, "what": what, "seconds": seconds}

        def add(timings: Entries) -> None:
            nonlocal seconds
            for damaged in [k for k, v in timings.items() if not _is_whole(v)]:
                del timings[damaged]
            seconds = timings.setdefault(key, entry)["seconds"]

        try:
            self._file.change(add, _MOST)
        except CANNOT_KEEP as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            self.fault_note = (
                f"the timing of training steps cannot be kept in {self.path} ({why}): the next "
                f"training measures again, and may choose another `precision` or `compile`"
            )
        return Timing(seconds)

    def recall(self, what: str, shape: Hashable, device: torch.device) -> Timing | None:
        """The timing that the file has of a shape; None where it has none."""
        known = self._file.read().get(_key(what, shape, device))
        if known is None or not _is_whole(known):
            return None
        return Timing(known["seconds"], remembered=True)


def default_path() -> Path:
    """`tsconv/step_choices.json` in $XDG_CACHE_HOME, else in ~/.cache.

    >>> default_path().name
    'step_choices.json'
    """
    return user_cache() / "step_choices.json"


def describe_machine(device: torch.device) -> str:
    """The processor or the GPU, the threads, and the versions: what the speed of a step depends on.

    >>> "torch" in describe_machine(torch.device("cpu"))
    True
    """
    from tsconv import __version__

    versions = f"torch {torch.__version__}, tsconv {__version__}"
    return f"{processor_name(device)}, {torch.get_num_threads()} threads, {versions}"


def _key(what: str, shape: Hashable, device: torch.device) -> str:
    text = repr((describe_machine(device), what, shape))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _is_whole(entry: Any) -> bool:
    """Whether an entry of the file holds seconds that a choice can be made by."""
    seconds = entry.get("seconds") if isinstance(entry, dict) else None
    return (
        isinstance(seconds, dict)
        and "float32" in seconds
        and all(isinstance(s, float) and math.isfinite(s) and s > 0 for s in seconds.values())
    )
