"""A study and its store, a journal file or a real PostgreSQL server."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tsconv.sweep.storage.base import Store
from tsconv.sweep.storage.open_store import open_store


@pytest.fixture
def name() -> str:
    """A study that no other test knows."""
    return f"study-{secrets.token_hex(4)}"


@pytest.fixture
def store(address: str | None, tmp_path: Path, name: str) -> Iterator[Store]:
    with contextlib.closing(open_store(address, tmp_path, name, heartbeat=1)) as store:
        yield store
