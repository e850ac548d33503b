"""A study's home in both forms: a journal file, and a real PostgreSQL server."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import postgres
from tsconv.sweep.storage.store import Store, open_store

__all__ = ["postgres"]


@pytest.fixture(params=["journal", "postgresql"])
def address(request: pytest.FixtureRequest) -> str | None:
    """`sweep.storage` of each kind."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else None


@pytest.fixture
def name() -> str:
    """A study that no other test knows."""
    return f"study-{secrets.token_hex(4)}"


@pytest.fixture
def store(address: str | None, tmp_path: Path, name: str) -> Iterator[Store]:
    with contextlib.closing(open_store(address, tmp_path, name, heartbeat=1)) as store:
        yield store
