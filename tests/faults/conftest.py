"""Where files that were made to do harm are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.faults.poison import SECRET
from tests.helpers.files import GOOD


@pytest.fixture
def cage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder with good data, and a secret in the environment; then: the canary did not sing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET_OF_TEST", SECRET)
    Path("data.csv").write_text(GOOD)
    yield
    assert not list(tmp_path.rglob("canary"))
    assert not [p for p in tmp_path.rglob("*") if SECRET in p.name]
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]
