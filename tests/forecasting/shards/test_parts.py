"""Parts and their manifests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tsconv.data.write import CsvStyle
from tsconv.errors import ConfigError
from tsconv.forecasting.shards.inputs import difference
from tsconv.forecasting.shards.parts import (
    Manifest,
    check_shards,
    crc32_of,
    manifest_path,
    number_ranges,
    part_path,
)


def test_names_sort_as_the_shards_do() -> None:
    names = [part_path(Path("out/f.parquet"), i, 100).name for i in (0, 9, 10, 99)]
    assert names == sorted(names)
    assert names[2] == "f-00010-of-00100.parquet"
    assert manifest_path(Path("out/f-00010-of-00100.parquet")) == Path("out/f-00010-of-00100.json")


@pytest.mark.parametrize("lines", [[7, 7, 7], [7, 14, 7], []])
def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path, lines: list[int]) -> None:
    written = Manifest(
        {"bundle": "ab", "settings": {"horizon": 7}},
        123,
        456,
        len(lines) + 1,
        np.arange(len(lines)) ** 2 + 5,
        np.array(lines, dtype="int64"),
        pa.schema([("id", pa.string()), ("ds", pa.timestamp("us", "Europe/Berlin"))]),
        CsvStyle(True, {"ds": "s"}),
        "too late",
    )
    written.write(tmp_path / "m.json")
    found = Manifest.read(tmp_path / "m.json")
    assert found is not None
    for name in ("inputs", "bytes", "crc32", "found", "schema", "style", "fault"):
        assert getattr(found, name) == getattr(written, name), name
    np.testing.assert_array_equal(found.position, written.position)
    np.testing.assert_array_equal(found.lines, written.lines)


def test_what_is_no_manifest_is_none(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    for text in ("", "{}", "[1]", '{"format": 99}', '{"format": 1, "inputs": 3}', "null"):
        path.write_text(text)
        assert Manifest.read(path) is None
    assert Manifest.read(tmp_path / "missing.json") is None


def test_the_checksum_is_of_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123456789")
    assert crc32_of(tmp_path / "a") == 0xCBF43926  # the check value of CRC-32


def test_number_ranges_are_short() -> None:
    assert number_ranges([]) == ""
    assert number_ranges([4]) == "4"
    assert number_ranges([0, 2, 3, 4, 9]) == "0, 2-4, 9"


@pytest.mark.parametrize("keys", [(None, 0), (0, None), (-1, None), (4, 4), (4, -1), (10**6, 0)])
def test_shards_that_make_no_sense_are_refused(keys: tuple[int | None, int | None]) -> None:
    with pytest.raises(ConfigError, match="shard"):
        check_shards(*keys)


def test_a_difference_is_named() -> None:
    ours = {"bundle": "a", "data": [["x.csv", 1, 2]], "settings": {"horizon": 7, "data.id": "a"}}
    assert difference(ours, ours) is None
    assert difference(ours, ours | {"bundle": "b"}) == "another bundle"
    assert "other data" in str(difference(ours, ours | {"data": [["x.csv", 1, 3]]}))
    other = ours | {"settings": {"horizon": 8, "data.id": "b"}}
    assert difference(ours, other) == "another `data.id` and `horizon`"
    assert "another version" in str(difference(ours, ours | {"tsconv": "9"}))
