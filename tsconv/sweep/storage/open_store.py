"""Opens the store of a study: a journal file, or a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

from tsconv.errors import ConfigError
from tsconv.sweep.storage.base import Store
from tsconv.sweep.storage.database import DatabaseStore
from tsconv.sweep.storage.errors import mask_password
from tsconv.sweep.storage.journal import JournalStore


def open_store(url: str | None, folder: Path, name: str, heartbeat: int) -> Store:
    """Open the store of the study `name`.

    url: `sweep.storage`: postgresql://..., or None for the file study.journal in `folder`.
    heartbeat: seconds between two heartbeats of a running trial; a journal file needs none.

    Raises ConfigError where the database cannot be used or reached.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = open_store(None, Path(folder), "sweep", heartbeat=30)
    ...     type(store).__name__
    'JournalStore'
    """
    if url is None:
        return JournalStore(folder)
    if not url.startswith("postgresql"):
        raise ConfigError(
            f"`sweep.storage` (={mask_password(url)}) must be postgresql://user@host/name, or "
            f"null for a journal file in the sweep's folder"
        )
    return DatabaseStore(url, name, heartbeat)
