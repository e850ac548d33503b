"""The files of a forecast in shards: a part for each, and a manifest that says what it is.

A part counts only with its manifest, which is written last: what a killed process leaves behind is
no part.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tsconv.atomic_write import replace_text
from tsconv.data.write import CsvStyle
from tsconv.errors import ConfigError

FORMAT = 1
MOST_SHARDS = 99_999  # what a name has digits for
_PIECE = 1 << 22  # bytes
Counts = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class Manifest:
    """What a part was made from, and what holds it together with the others."""

    inputs: dict[str, Any]  # see inputs.py
    bytes: int  # of the part
    crc32: int
    found: int  # series of the data that belong to the shard
    position: Counts  # (S,) where the data have each forecast series: ascending
    lines: Counts  # (S,) of each series in the part
    schema: pa.Schema | None = None  # of the part's columns; None for a part without lines
    style: CsvStyle = dataclasses.field(default_factory=CsvStyle)
    fault: str | None = None  # what is wrong with `start` or `last`, if no other shard reaches it

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        counts = np.unique(self.lines)
        values = {
            "format": FORMAT,
            "inputs": self.inputs,
            "bytes": self.bytes,
            "crc32": self.crc32,
            "found": self.found,
            "series": len(self.position),
            "lines": int(self.lines.sum()),
            "lines_of_series": int(counts[0]) if len(counts) == 1 else self.lines.tolist(),
            "position_steps": np.diff(self.position, prepend=0).tolist(),
            "schema": None
            if self.schema is None
            else base64.b64encode(self.schema.serialize().to_pybytes()).decode(),
            "style": {"quoted": self.style.quoted, "units": dict(self.style.units)},
            "fault": self.fault,
        }
        replace_text(path, json.dumps(values) + "\n")

    @classmethod
    def read(cls, path: Path) -> Manifest | None:
        """Read it; None where there is none, or none that this version reads."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                return None
            schema = values["schema"]
            position = np.cumsum(np.array(values["position_steps"], dtype="int64"))
            lines = np.broadcast_to(
                np.array(values["lines_of_series"], dtype="int64"), position.shape
            )
            return cls(
                inputs=dict(values["inputs"]),
                bytes=int(values["bytes"]),
                crc32=int(values["crc32"]),
                found=int(values["found"]),
                position=position,
                lines=lines,
                schema=None
                if schema is None
                else pa.ipc.read_schema(pa.py_buffer(base64.b64decode(schema))),
                style=CsvStyle(bool(values["style"]["quoted"]), dict(values["style"]["units"])),
                fault=values["fault"],
            )
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
            return None


def part_path(output: Path, shard: int, shards: int) -> Path:
    """The file of one shard, beside the whole forecast.

    >>> part_path(Path("forecast.csv"), 3, 8).name
    'forecast-00003-of-00008.csv'
    """
    return output.with_name(f"{output.stem}-{shard:05d}-of-{shards:05d}{output.suffix}")


def manifest_path(part: Path) -> Path:
    """The manifest of a part, beside it.

    >>> manifest_path(Path("forecast-00003-of-00008.csv")).name
    'forecast-00003-of-00008.json'
    """
    return part.with_suffix(".json")


def crc32_of(path: Path) -> int:
    """The CRC-32 of a file's bytes; raises OSError."""
    found = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found = zlib.crc32(piece, found)
    return found


def check_shards(shards: int | None, shard: int | None = None) -> int:
    """How many shards there are; raises ConfigError where the two keys make no sense.

    >>> check_shards(8, 3)
    8
    """
    if shards is None:
        raise ConfigError(f"`shard` (={shard}) needs `shards`: how many there are in all")
    if not 1 <= shards <= MOST_SHARDS:
        raise ConfigError(f"`shards` (={shards}) must be from 1 to {MOST_SHARDS:,}")
    if shard is not None and not 0 <= shard < shards:
        raise ConfigError(
            f"`shard` (={shard}) must be from 0 to {shards - 1}, as there are {shards} shards"
        )
    return shards


def number_ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as text, those in a row shortened.

    >>> number_ranges([0, 1, 2, 5, 7, 8])
    '0-2, 5, 7-8'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
