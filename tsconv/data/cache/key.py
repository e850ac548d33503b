"""The key of a cached panel: what the files hold, how they are read, and by which version.

The content of a file counts, not its place or age. Its hash is remembered by path, size and time of
the last change, so that a file that has not changed is not read again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tsconv
from tsconv.atomic_write import replace_text
from tsconv.config.schema import DataConfig
from tsconv.data.fingerprint import file_hash
from tsconv.errors import DataError

FORMAT = 1  # of the files of a cached panel
# Keys of `data` that only batches, forecasts and the cache use, and where the files lie.
NOT_OF_PANEL = (
    "origins_per_chunk", "chunks_per_batch", "lower", "upper", "allow_shift", "future_path",
    "cache", "cache_dir",
)  # fmt: skip
_HASHES = "hashes.json"
_SETTLED = 2.0  # seconds: a file that changed this short before may change again unseen


@dataclasses.dataclass(frozen=True)
class FileState:
    """A file as it was found; two states are equal where it has not been written to between."""

    path: Path
    size: int
    changed: int  # nanoseconds since 1970
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """The state now; raises DataError where the file is gone.

        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "sales.csv"
        >>> _ = path.write_text("ds,y")
        >>> FileState.of(path).size
        4
        """
        try:
            found = path.stat()
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error
        return cls(path, found.st_size, found.st_mtime_ns, found.st_ino)


def require_unchanged(states: Sequence[FileState]) -> None:
    """Raise DataError for the first file that is not as it was."""
    for state in states:
        if FileState.of(state.path) != state:
            raise DataError(
                f"{state.path}: the file changed while it was read: wait until it is complete, "
                f"and start again"
            )


def panel_key(states: Sequence[FileState], data: DataConfig, folder: Path) -> str:
    """The key of the panel of some files, 16 hexadecimal digits.

    folder: where caches of these files lie; hashes are remembered there, if it can be written to.
    Raises DataError for a file that cannot be read.
    """
    known = _known_hashes(folder)
    contents = []
    for state in states:
        content = known.get(str(state.path.resolve()), {})
        found = content.get("sha256")
        if found is None or [content.get(k) for k in ("size", "changed", "inode")] != [
            state.size, state.changed, state.inode,
        ]:  # fmt: skip
            found = _hash_of(state.path)
            if time.time() - state.changed / 1e9 > _SETTLED:
                known[str(state.path.resolve())] = {
                    "size": state.size, "changed": state.changed, "inode": state.inode,
                    "sha256": found,
                }  # fmt: skip
                _remember(known, folder)
        contents.append([state.path.name, state.size, found])
    options = {k: v for k, v in dataclasses.asdict(data).items() if k not in NOT_OF_PANEL}
    del options["path"]
    text = json.dumps([FORMAT, tsconv.__version__, contents, options], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _hash_of(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _known_hashes(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / _HASHES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, dict)} if type(found) is dict else {}


def _remember(known: dict[str, Any], folder: Path) -> None:
    """Keep the hashes; they only save time, so a folder that cannot be written to is no fault."""
    if folder.is_dir():
        with contextlib.suppress(OSError):
            replace_text(folder / _HASHES, json.dumps(known, indent=1))
