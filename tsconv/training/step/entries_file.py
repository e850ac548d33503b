"""A JSON file of entries by key in the user's cache: what trainings measured, for later ones."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tsconv.atomic_write import replace_text

_FORMAT = 1
CANNOT_KEEP = (OSError, NotImplementedError, Timeout)  # what `change` raises where it cannot write

Entries = dict[str, dict[str, Any]]


class EntriesFile:
    """Entries of plain values; a file that is missing or damaged is one without entries.

    Args:
        path: of the file.
        name: under which the entries stand in it.
        lock_seconds: to wait for another process that writes.

    >>> import tempfile
    >>> file = EntriesFile(Path(tempfile.mkdtemp()) / "costs.json", "costs", 1.0)
    >>> file.change(lambda entries: entries.update(a={"seconds": 2.0}), most=10)
    >>> file.read()
    {'a': {'seconds': 2.0}}
    """

    def __init__(self, path: Path, name: str, lock_seconds: float) -> None:
        self.path, self.name, self.lock_seconds = path, name, lock_seconds

    def read(self) -> Entries:
        """All entries, the oldest first."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if isinstance(content, dict) and content.get("format") == _FORMAT:
                entries = content.get(self.name)
                if isinstance(entries, dict):
                    return {k: v for k, v in entries.items() if isinstance(v, dict)}
        return {}

    def change(self, edit: Callable[[Entries], object], most: int) -> None:
        """Let `edit` change the entries while no other process does; the last `most` are kept.

        Raises one of `CANNOT_KEEP` where the file cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = self.path.with_name(f"{self.path.name}.lock")
        with FileLock(lock, timeout=self.lock_seconds):
            entries = self.read()
            edit(entries)
            kept = dict(list(entries.items())[-most:])
            text = json.dumps({"format": _FORMAT, self.name: kept}, indent=1) + "\n"
            replace_text(self.path, text)
