"""Atomic writes: whole or not at all, whatever happens on the way."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tsconv.atomic_write import replace_file, replace_folder, replace_text

LARGE = 200_000  # characters: more than one write's worth


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half_a_file(target: Path, error: type[BaseException]) -> None:
    with replace_file(target) as temporary:
        temporary.write_text("half of the n")
        raise error


def write_half_a_folder(target: Path) -> None:
    with replace_folder(target) as temporary:
        (temporary / "first").write_text("half of the n")
        raise KeyError


def write_folder(target: Path, text: str) -> None:
    with replace_folder(target) as temporary:
        (temporary / "first").write_text(text)
        (temporary / "second").write_text(text)


def test_a_text_keeps_its_line_ends_and_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    for text in ("old\r\n", "né,\n\r\nx"):
        replace_text(target, text)
        assert target.read_bytes() == text.encode()
    assert names(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_where_writing_fails_the_old_file_stays(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(error):
        write_half_a_file(target, error)
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_where_the_disk_fails_the_old_file_and_folder_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    replace_text(tmp_path / "a.txt", "old")
    write_folder(tmp_path / "bundle", "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space left"):
            replace_text(tmp_path / "a.txt", "new")
        with pytest.raises(OSError, match="No space left"):
            write_folder(tmp_path / "bundle", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert (tmp_path / "bundle" / "second").read_text() == "old"
    assert names(tmp_path) == ["a.txt", "bundle"]


def test_the_old_folder_comes_back_where_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "bundle"
    write_folder(target, "old")
    replace, calls = os.replace, []

    def fail_once_the_old_one_is_aside(source: Path, destination: Path) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise PermissionError(1, "Operation not permitted")
        replace(source, destination)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail_once_the_old_one_is_aside)
        with pytest.raises(PermissionError):
            write_folder(target, "new")
    assert (target / "first").read_text() == "old"
    assert names(tmp_path) == ["bundle"]


def test_a_folder_is_replaced_with_all_that_it_holds(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "from before").write_text("x")
    write_folder(target, "new")
    assert names(target) == ["first", "second"]
    with pytest.raises(KeyError):
        write_half_a_folder(target)
    assert names(target) == ["first", "second"]
    assert names(tmp_path) == ["bundle"]


def test_a_file_is_no_folder_to_replace(tmp_path: Path) -> None:
    (tmp_path / "bundle").write_text("mine")
    with pytest.raises(NotADirectoryError):
        write_folder(tmp_path / "bundle", "new")
    assert (tmp_path / "bundle").read_text() == "mine"


def test_permissions_are_those_of_new_files(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        replace_text(tmp_path / "a.txt", "x")
        write_folder(tmp_path / "bundle", "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "bundle").stat().st_mode) == 0o750


def test_what_a_library_wrote_for_the_owner_alone_gets_ordinary_permissions(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        with replace_file(tmp_path / "a.txt") as temporary:
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
        with replace_folder(tmp_path / "bundle") as folder:
            os.close(os.open(folder / "weights", os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(old)
    for path in (tmp_path / "a.txt", tmp_path / "bundle" / "weights"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert names(tmp_path) == ["a.txt", "bundle"]


def in_threads(work: Callable[[str], None]) -> list[BaseException]:
    """Run `work` for two letters at once; return what went wrong."""
    errors: list[BaseException] = []

    def guarded(letter: str) -> None:
        try:
            for _ in range(40):
                work(letter)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_two_writers_of_a_file_leave_one_of_the_two_texts(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"

    def write_and_read(letter: str) -> None:
        replace_text(target, letter * LARGE)
        text = target.read_text()
        assert text in ("a" * LARGE, "b" * LARGE)

    assert not in_threads(write_and_read)
    assert names(tmp_path) == ["a.txt"]


def test_two_writers_of_a_folder_leave_one_of_the_two(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    assert not in_threads(lambda letter: write_folder(target, letter))
    assert (target / "first").read_text() == (target / "second").read_text()
    assert names(target) == ["first", "second"]
    assert names(tmp_path) == ["bundle"]
