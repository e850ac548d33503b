"""A cache is built once, used by all, and never used half built, damaged or outdated."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import time
from pathlib import Path

import pytest

import tsconv
from tests.helpers.same_panels import assert_same
from tsconv.config.schema import DataConfig
from tsconv.data.cache import build, key, open_panel, panel_files
from tsconv.data.cache.plan import Plan
from tsconv.data.mapped import mapped_file
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import read_table
from tsconv.errors import ConfigError, DataError

LINES = "unique_id,ds,y\n" + "".join(f"s{i % 7},{i // 7},{i % 5}\n" for i in range(210))


@pytest.fixture
def data(tmp_path: Path) -> DataConfig:
    (tmp_path / "sales.csv").write_text(LINES)
    return DataConfig(path=str(tmp_path / "sales.csv"), cache="true")


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build in three parts, as if memory were short."""
    plan = Plan(210, 10**9, 10**8, 3, True)
    monkeypatch.setattr(open_panel, "make_plan", lambda data, files: plan)


def opened(data: DataConfig) -> list[str]:
    """Open the panel, which must be that of the file; the lines that tell of it."""
    lines: list[str] = []
    panel = open_panel.open_panel(data, lines.append)
    assert_same(panel, build_panel(read_table(data), data.freq), "notes")
    assert mapped_file(panel.values) is not None
    assert all("\n" not in line for line in lines)
    return lines


def folder_of(data: DataConfig) -> Path:
    """The folder of the only cached panel."""
    root = Path(str(data.path) + ".tsconv-cache")
    (only,) = [p for p in root.iterdir() if p.is_dir()]
    return only


@pytest.mark.usefixtures("in_parts")
def test_a_cache_is_built_once_and_then_used(data: DataConfig) -> None:
    first = opened(data)
    assert "210 lines go to" in first[0]
    assert "3 parts" in first[0]
    assert "lines/s" in first[-1]
    assert [line.split()[-2:] for line in opened(data)] == [["is", "used"]]


def test_a_cache_of_all_at_once_is_the_same(data: DataConfig) -> None:
    assert "lines/s" in opened(data)[-1]
    assert opened(data)[0].endswith("is used")


def test_without_a_wish_small_files_leave_no_folder(data: DataConfig) -> None:
    panel = open_panel.open_panel(dataclasses.replace(data, cache="auto"))
    assert mapped_file(panel.values) is None
    assert [p.name for p in Path(str(data.path)).parent.iterdir()] == ["sales.csv"]


@pytest.mark.usefixtures("in_parts")
def test_auto_takes_a_cache_where_memory_is_short(data: DataConfig) -> None:
    opened(dataclasses.replace(data, cache="auto"))


def test_a_folder_that_is_named_means_a_cache(data: DataConfig, tmp_path: Path) -> None:
    named = dataclasses.replace(data, cache="auto", cache_dir=str(tmp_path / "fast" / "disk"))
    opened(named)
    assert "is used" in opened(named)[0]


def test_another_value_of_the_key_is_refused(data: DataConfig) -> None:
    with pytest.raises(ConfigError, match=r"data\.cache"):
        open_panel.open_panel(dataclasses.replace(data, cache="maybe"))


def test_other_content_and_other_options_have_caches_of_their_own(data: DataConfig) -> None:
    opened(data)
    assert "built" in opened(dataclasses.replace(data, gaps="zero"))[-1]
    Path(str(data.path)).write_text(LINES.replace("s0,0,0", "s0,0,1"))
    assert "built" in opened(data)[-1]


def test_the_same_content_at_another_time_is_the_same(data: DataConfig) -> None:
    opened(data)
    os.utime(str(data.path), (1, 1))
    assert "is used" in opened(data)[0]
    assert "is used" in opened(dataclasses.replace(data, chunks_per_batch=3, lower=0.0))[0]


def test_an_unchanged_file_is_not_hashed_again(
    data: DataConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(str(data.path), (1, 1))
    opened(data)
    monkeypatch.setattr(key, "_hash_of", lambda path: pytest.fail("was read again"))
    assert "is used" in opened(data)[0]


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize("name", ["values.bin", "arrays.safetensors", "names.arrow", "panel.json"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_damaged_cache_is_built_again(data: DataConfig, name: str, cut: bool) -> None:
    opened(data)
    path = folder_of(data) / name
    if cut:
        path.write_bytes(path.read_bytes()[:-3])
    else:
        path.unlink()
    lines = opened(data)
    assert "it is built again" in lines[0]
    assert "was built" in lines[-1]


def test_small_files_that_were_changed_are_noticed(data: DataConfig) -> None:
    opened(data)
    path = folder_of(data) / "arrays.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "was changed: it is built again" in opened(data)[0]


def test_a_cache_of_another_version_is_not_used(data: DataConfig) -> None:
    opened(data)
    path = folder_of(data) / "panel.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    assert "is of another version of tsconv: it is built again" in opened(data)[0]


def test_the_version_is_a_part_of_the_key(
    data: DataConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(data)
    monkeypatch.setattr(tsconv, "__version__", "99")
    assert "was built" in opened(data)[-1]


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize("function", ["scan", "merge_parts", "write_panel"])
def test_an_interrupted_build_leaves_nothing_to_be_used(
    data: DataConfig, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build, function, interrupted)
        with pytest.raises(KeyboardInterrupt):
            open_panel.open_panel(data)
    root = Path(str(data.path) + ".tsconv-cache")
    assert not [p for p in root.iterdir() if p.is_dir()]
    assert "was built" in opened(data)[-1]


@pytest.mark.usefixtures("in_parts")
def test_what_a_killed_build_left_goes_with_the_next(data: DataConfig) -> None:
    opened(data)
    left = folder_of(data)
    os.rename(left, left.with_name(f".{left.name}.0a1b2c3d.part"))
    opened(data)
    assert [p.name for p in left.parent.iterdir() if p.is_dir()] == [left.name]


@pytest.mark.usefixtures("in_parts")
def test_a_file_that_changes_while_it_is_read_is_refused(
    data: DataConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(*args: object) -> None:
        panel_files.write_panel(*args)  # type: ignore[arg-type]
        Path(str(data.path)).write_text(LINES + "s0,30,1\n")

    with monkeypatch.context() as patch:
        patch.setattr(build, "write_panel", changed)
        with pytest.raises(DataError, match=r"sales\.csv: the file changed while it was read"):
            open_panel.open_panel(data)
    assert "was built" in opened(data)[-1]


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(28, "full")])
def test_a_folder_that_cannot_be_written_is_one_line(
    data: DataConfig, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def refused(*args: object) -> None:
        raise error

    monkeypatch.setattr(open_panel, "write_panel", refused)
    with pytest.raises(ConfigError, match=r"cannot be written.*data\.cache_dir=") as caught:
        open_panel.open_panel(data)
    assert "\n" not in str(caught.value)
    root = Path(str(data.path) + ".tsconv-cache")
    assert not [p for p in root.iterdir() if p.is_dir()]


def test_a_file_in_place_of_the_folder_is_one_line(data: DataConfig) -> None:
    Path(str(data.path) + ".tsconv-cache").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        open_panel.open_panel(data)


def test_a_bad_file_leaves_no_cache(data: DataConfig) -> None:
    Path(str(data.path)).write_text(LINES + "s0,30,many\n")
    with pytest.raises(DataError, match="many"):
        open_panel.open_panel(data)
    assert not list(Path(str(data.path) + ".tsconv-cache").glob("*/panel.json"))


def test_two_at_once_build_it_once(data: DataConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: object) -> None:
        time.sleep(0.3)
        panel_files.write_panel(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(open_panel, "write_panel", slow)
    said: list[str] = []
    both = [threading.Thread(target=open_panel.open_panel, args=(data, said.append)) for _ in "ab"]
    for one in both:
        one.start()
    for one in both:
        one.join(timeout=60)
    assert sum("was built" in line for line in said) == 1
    assert sum("is used" in line for line in said) == 1
    assert sum("waiting for it" in line for line in said) == 1


def test_a_hash_of_a_file_written_just_now_is_not_remembered(data: DataConfig) -> None:
    now = time.time()
    os.utime(str(data.path), (now, now))
    opened(data)
    assert not (Path(str(data.path) + ".tsconv-cache") / "hashes.json").exists()
