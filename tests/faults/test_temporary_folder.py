"""A temp folder that is full, read-only or gone does not matter to what a training keeps."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.runs import run, same_weights


def test_a_training_writes_nothing_to_the_temp_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path, run_dir=tmp_path / "whole", refit="true")

    def refused(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device", "/tmp")

    for name in ("mkstemp", "mkdtemp", "TemporaryDirectory", "TemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, refused)
    again = run(tmp_path, run_dir=tmp_path / "again", refit="true")
    assert same_weights(whole, again)
    assert (tmp_path / "again" / "checkpoints" / "previous.ckpt").is_file()
