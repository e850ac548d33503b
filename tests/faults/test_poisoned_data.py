"""Files of data that were made to do harm: refused or harmless."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import random
import resource
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.helpers.faults.poison import Canary
from tests.helpers.files import HEAD, lines
from tsconv.config.schema import DataConfig
from tsconv.data.reading.csv_files import compression
from tsconv.data.reading.read import read_table
from tsconv.errors import DataError

pytestmark = pytest.mark.usefixtures("cage")
MEMORY = 8 << 30  # bytes of addresses that a child may have, those of torch among them
ROLES = DataConfig(id="unique_id", time="ds", target="y")


def test_archives_that_expand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several members, and a size at the end that says 5."""
    monkeypatch.setattr(compression, "_LEAST_CAP", 100_000)
    bomb = gzip.compress(HEAD.encode()) + gzip.compress(lines(n=1).encode() * 100_000) * 5
    Path("a.csv.gz").write_bytes(bomb)
    Path("b.csv").write_bytes(bomb[:-4] + struct.pack("<I", 5))
    for name in ("a.csv.gz", "b.csv"):
        with pytest.raises(DataError, match=r"expands from .*`data\.max_bytes"):
            read(name)
    for name in ("a.zip", "a.csv.xz", "a.pkl", "a.feather", "a.tar"):
        Path(name).write_bytes(pickle.dumps(Canary()))
        with pytest.raises(DataError, match="are not read"):
            read(name)
    Path("c.csv").write_bytes(pickle.dumps(Canary()))
    with pytest.raises(DataError, match="is not utf-8"):
        read("c.csv")


def read(path: str | Path) -> Any:
    return read_table(DataConfig(**{**vars(ROLES), "path": str(path)}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.replace("<sheetData>", f"<sheetData>{' ' * 150_000_000}"), "expands from"),
        (lambda s: entities(s, "".join(
            f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdef", "bcdefg", strict=True)
        )).replace("<v>3</v>", "<v>&g;</v>", 1), "damaged"),
        (lambda s: entities(s, '<!ENTITY g SYSTEM "data.csv">').replace(
            "<v>3</v>", "<v>&g;</v>", 1), "damaged"),
        (lambda s: s.replace("</sheetData>", "<row r='2000000000'><c><v>1</v></c></row>"
                             "</sheetData>"), "at most 1,048,576 lines"),
    ],
    ids=["blanks", "entities", "outside", "lines"],
)  # fmt: skip
def test_workbooks(tmp_path: Path, change: Callable[[str], str], words: str) -> None:
    pytest.importorskip("openpyxl")
    table = pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2024-01-01", periods=9), "y": 3})
    table.to_excel("good.xlsx", index=False)
    assert len(read("good.xlsx").values) == 9
    with zipfile.ZipFile("good.xlsx") as good, zipfile.ZipFile("bad.xlsx", "w", 8) as bad:
        for name in good.namelist():
            content = good.read(name)
            is_sheet = name == "xl/worksheets/sheet1.xml"
            bad.writestr(name, change(content.decode()) if is_sheet else content)
    with pytest.raises(DataError, match=words):
        read("bad.xlsx")


def entities(sheet: str, declared: str) -> str:
    at = sheet.index("<worksheet")
    return f'<!DOCTYPE x [<!ENTITY a "{"y" * 1000}">{declared}]>{sheet[at:]}'


def parquet(path: str) -> bytes:
    table = pd.read_csv("data.csv")
    pa.parquet.write_table(
        pa.Table.from_pandas(table, preserve_index=False), path, write_page_checksum=True
    )
    return Path(path).read_bytes()


def test_parquet_whose_metadata_lie_or_are_damaged() -> None:
    """Equal data or a DataError, in a process that has little memory to waste."""
    good = parquet("good.parquet")
    expected = read("good.parquet")

    def outcomes() -> dict[str, int]:
        found = dict.fromkeys(("equal", "refused", "other"), 0)
        for content in [*lying(good), *damaged(good)]:
            Path("bad.parquet").write_bytes(content)
            try:
                table = read("bad.parquet")
                same = table.ids == expected.ids and table.channels == expected.channels
                same = same and np.array_equal(table.values, expected.values)
                found["equal" if same else "other"] += 1
            except DataError:
                found["refused"] += 1
        return found

    found = in_child(outcomes)
    assert found["other"] == 0, found
    assert min(found["equal"], found["refused"]) > 0, found


def in_child(work: Callable[[], dict[str, int]]) -> dict[str, int]:
    """What a fork of this process finds, with no more memory than it may have."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            Path("found.json").write_text(json.dumps(work()))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    found: dict[str, int] = json.loads(Path("found.json").read_text())
    return found


def lying(good: bytes) -> list[bytes]:
    """The number of lines of the file, or of a part of it, as what it is not; or all of them."""
    size = struct.unpack("<I", good[-8:-4])[0]
    parts = good[-8 - size : -8].split(b"\x50")  # 40 lines, as Thrift writes them
    found = []
    for lie in (b"\x00", b"\x52", b"\xfe\xff\xff\xff\x0f", b"\xfe" + b"\xff" * 8 + b"\x01"):
        for at in range(1, len(parts)):
            footer = b"\x50".join(parts[:at]) + lie + b"\x50".join(parts[at:])
            found.append(good[: -8 - size] + footer + struct.pack("<I", len(footer)) + b"PAR1")
        found.append(good[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1")
    return found


def damaged(good: bytes) -> list[bytes]:
    rng = random.Random(0)
    found = []
    for number in range(200):
        content = bytearray(good[: rng.randrange(len(good))] if number % 4 == 0 else good)
        for _ in range(rng.choice([1, 1, 2, 8]) if number % 4 else 0):
            first = 0 if number % 4 == 1 else len(content) - 900  # the footer, mostly
            content[rng.randrange(first, len(content))] = rng.choice([0, 127, 128, 255, 66])
        found.append(bytes(content))
    return found


class PickledType(pa.ExtensionType):  # type: ignore[misc]
    """What pyarrow once unpickled as it read a file's schema."""

    def __init__(self) -> None:
        super().__init__(pa.float64(), "arrow.py_extension_type")

    def __arrow_ext_serialize__(self) -> bytes:
        return pickle.dumps(Canary())

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: Any, serialized: bytes) -> PickledType:
        return cls()


def test_parquet_that_names_types_of_python() -> None:
    table = pa.Table.from_pandas(pd.read_csv("data.csv"), preserve_index=False)
    y = pa.ExtensionArray.from_storage(PickledType(), pa.array(table["y"].to_numpy() + 0.0))
    lie = b'{"columns": [{"name": "y", "numpy_type": "object", "metadata": {"a": 1}}], "a": 1}'
    for other in (table.set_column(2, "y", y), table.replace_schema_metadata({b"pandas": lie})):
        pa.parquet.write_table(other, "other.parquet")
        assert np.array_equal(read("other.parquet").values, read("data.csv").values)
