"""Compiled code on disk: whole or not used, since torch keeps what a killed process left half.

Torch writes compiled code straight into a cache folder that all its processes share. A process that
is killed meanwhile leaves an empty file there, and from then on every training of that shape fails.
So a training compiles in a folder of its own. What it has compiled is published whole, with a
checksum of every file; the next training of the same shape begins with a copy of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Hashable
from pathlib import Path

from tsconv.atomic_write import replace_folder
from tsconv.data.fingerprint import file_hash
from tsconv.training.step.user_cache import user_cache

_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"  # read by torch at each use
_MANIFEST = "files.json"  # path of each file -> its SHA-256
_NOT_PUBLISHED = ("locks", "tmp")
_MOST = 64  # published folders, of some megabytes each; those not used for longest go first
_STALE_SECONDS = 24 * 3600.0  # after which an unpublished folder belongs to a process that is gone


class CodeFolder:
    """The folder that torch compiles in, for the code of one shape of training steps.

    key: what the code depends on, of plain values and dataclasses of them. root: of all published
    folders; null for `default_root()`. Use it as a context: behind it, torch has its own cache
    again, and the folder is gone.

    >>> root = Path(tempfile.mkdtemp())
    >>> with CodeFolder("a step of 32 chunks", root) as folder:
    ...     _ = folder.begin().joinpath("kernel.so").write_bytes(b"code")
    ...     folder.publish()
    >>> with CodeFolder("a step of 32 chunks", root) as folder:
    ...     folder.begin().joinpath("kernel.so").read_bytes()
    b'code'
    """

    def __init__(self, key: Hashable, root: Path | None = None) -> None:
        self.root = root or default_root()
        self.published = self.root / hashlib.sha256(repr(key).encode()).hexdigest()[:24]
        self._own: list[Path] = []
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> CodeFolder:
        self._before = {name: os.environ.get(name) for name in (_VARIABLE, "TMPDIR")}
        return self

    def __exit__(self, *args: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for path in self._own:
            shutil.rmtree(path, ignore_errors=True)

    def begin(self, empty: bool = False, elsewhere: bool = False) -> Path:
        """Let torch, and the temporary files of the compiler, use a new folder of this process.

        It begins with what is published; with nothing where that is damaged, or `empty` is set.
        elsewhere: where tempfile puts folders, for a root whose disk is full or read-only. Raises
        OSError where it cannot be made.
        """
        if elsewhere:
            own = Path(tempfile.mkdtemp(prefix="tsconv-compiled-"))
        else:
            self.root.mkdir(parents=True, exist_ok=True)
            own = Path(tempfile.mkdtemp(f".{os.getpid()}.part", ".", self.root))
        self._own.append(own)
        if not empty and not _copied(self.published, own):
            shutil.rmtree(own)
            own.mkdir()
        temporary = own / "tmp"
        temporary.mkdir()
        os.environ.update({_VARIABLE: str(own), "TMPDIR": str(temporary)})
        return own

    def publish(self) -> None:
        """Keep what was compiled for later trainings; nothing where it cannot be written."""
        own = self._own[-1]
        names = [p.relative_to(own) for p in own.rglob("*") if p.is_file()]
        names = [name for name in names if name.parts[0] not in _NOT_PUBLISHED]
        with contextlib.suppress(OSError):
            hashes = {name.as_posix(): file_hash(own / name) for name in names}
            if hashes == _read_manifest(self.published):
                return
            with replace_folder(self.published) as target:
                for name in names:
                    (target / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(own / name, target / name)
                (target / _MANIFEST).write_text(json.dumps(hashes), encoding="utf-8")
            _clear_old(self.root)


def default_root() -> Path:
    """`tsconv/compiled` in $XDG_CACHE_HOME, else in ~/.cache.

    >>> default_root().name
    'compiled'
    """
    return user_cache() / "compiled"


def _copied(published: Path, own: Path) -> bool:
    """Copy what is published; whether all of it was there, as it was written."""
    hashes = _read_manifest(published)
    try:
        for name, wanted in (hashes or {}).items():
            target = own / name
            if not target.resolve().is_relative_to(own.resolve()):
                return False
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(published / name, target)
            if file_hash(target) != wanted:
                return False
        if hashes is not None:
            os.utime(published)
    except OSError:  # another process has replaced or removed it
        return False
    return hashes is not None


def _read_manifest(published: Path) -> dict[str, str] | None:
    try:
        found = json.loads((published / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    is_whole = isinstance(found, dict) and all(isinstance(v, str) for v in found.values())
    return found if is_whole else None


def _clear_old(root: Path) -> None:
    """Remove folders of processes that are gone, and published ones beyond the newest."""
    found = {path: path.stat().st_mtime for path in root.iterdir() if path.is_dir()}
    published = sorted((p for p in found if not p.name.startswith(".")), key=lambda p: found[p])
    stale = [p for p in found if p.name.startswith(".") and found[p] < time.time() - _STALE_SECONDS]
    for path in [*stale, *published[:-_MOST]]:
        shutil.rmtree(path, ignore_errors=True)
