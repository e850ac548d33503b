"""Compiled code on disk: published whole, never used half, and found again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tsconv.data.fingerprint import file_hash
from tsconv.training.step import code_folder
from tsconv.training.step.code_folder import CodeFolder

KEY = ("a step", (32, 64), 0.5)


def publish(root: Path, key: object = KEY, text: str = "code") -> Path:
    """Publish one file of compiled code; returns where."""
    with CodeFolder(key, root) as folder:
        own = folder.begin()
        (own / "ab").mkdir()
        (own / "ab" / "kernel.so").write_text(text)
        folder.publish()
        return folder.published


def begun_with(root: Path, key: object = KEY) -> list[str]:
    """The files that a training begins with."""
    with CodeFolder(key, root) as folder:
        own = folder.begin()
        return sorted(p.relative_to(own).as_posix() for p in own.rglob("*") if p.is_file())


def test_a_later_training_of_the_shape_begins_with_what_was_published(tmp_path: Path) -> None:
    publish(tmp_path)
    assert begun_with(tmp_path) == ["ab/kernel.so"]
    assert begun_with(tmp_path, ("another", "shape")) == []


def test_what_was_not_published_is_gone(tmp_path: Path) -> None:
    with CodeFolder(KEY, tmp_path) as folder:
        (folder.begin() / "half.so").write_text("")
    assert begun_with(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["emptied", "shortened", "flipped", "missing", "no manifest"])
def test_damaged_code_is_not_used(tmp_path: Path, damage: str) -> None:
    kernel = publish(tmp_path) / "ab" / "kernel.so"
    match damage:
        case "emptied":
            kernel.write_text("")
        case "shortened":
            kernel.write_text("co")
        case "flipped":
            kernel.write_text("coda")
        case "missing":
            kernel.unlink()
        case _:
            (kernel.parent.parent / "files.json").write_text('{"ab/kernel')
    assert begun_with(tmp_path) == []
    publish(tmp_path, text="new")
    assert begun_with(tmp_path) == ["ab/kernel.so"]
    assert kernel.read_text() == "new"


def test_a_manifest_that_leaves_the_folder_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    published = publish(root)
    secret = root.parent / "secret"
    secret.write_text("code")
    digest = file_hash(secret)
    (published / "files.json").write_text(f'{{"../../secret": "{digest}"}}')
    secret_before = secret.stat().st_mtime_ns
    assert begun_with(root) == []
    assert secret.stat().st_mtime_ns == secret_before


def test_torch_and_the_compiler_get_their_own_places_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "theirs")
    monkeypatch.delenv("TMPDIR", raising=False)
    with CodeFolder(KEY, tmp_path) as folder:
        own = folder.begin()
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(own)
        assert Path(os.environ["TMPDIR"]).parent == own
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == "theirs"
    assert "TMPDIR" not in os.environ


def test_an_empty_folder_lies_elsewhere_and_can_be_published(tmp_path: Path) -> None:
    publish(tmp_path)
    with CodeFolder(KEY, tmp_path) as folder:
        own = folder.begin(empty=True, elsewhere=True)
        assert not own.is_relative_to(tmp_path)
        assert [p.name for p in own.iterdir()] == ["tmp"]
        (own / "other.so").write_text("other")
        folder.publish()
    assert begun_with(tmp_path) == ["other.so"]


def test_a_root_that_cannot_be_made_raises_and_one_that_is_gone_publishes_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    with CodeFolder(KEY, tmp_path / "file" / "root") as folder:
        with pytest.raises(OSError, match="file"):
            folder.begin()
        folder.begin(empty=True, elsewhere=True)
        folder.publish()


def test_the_oldest_published_folders_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_folder, "_MOST", 2)
    for age, key in enumerate(["first", "second", "third"]):
        os.utime(publish(tmp_path, key), (age, age))
    stale = tmp_path / ".killed.1.part"
    stale.mkdir()
    os.utime(stale, (0, 0))
    assert begun_with(tmp_path, "second") == ["ab/kernel.so"]  # used: it is not the oldest now
    publish(tmp_path, "fourth")
    kept = {key for key in ("first", "second", "third", "fourth") if begun_with(tmp_path, key)}
    assert kept == {"second", "fourth"}
    assert not stale.exists()
