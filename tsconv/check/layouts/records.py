"""The first and last records of a CSV file as plain cells, and what kind of cell each is."""

from __future__ import annotations

import collections
import csv
import dataclasses
import re
from pathlib import Path

from tsconv.config.schema import DataConfig
from tsconv.data.reading.csv_files.compression import compression_of, open_unpacked
from tsconv.data.settings import FileFormat

_HEAD_BYTES, _TAIL_BYTES = 1 << 18, 1 << 14
_MOST_RECORDS = 200
_NUMBER = re.compile(r"[+-]?(\d[\d ,.'\u00a0]*|\.\d+)([eE][+-]?\d+)?%?")
_TIME = re.compile(
    r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( .*)?"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4}( .*)?|[A-Za-z]{3,9}[- ]\d{2,4}"
    r"|[A-Za-z]{3,9} \d{1,2},? \d{4}( .*)?|\d{1,2}:\d\d(:\d\d)?( ?[AaPp][Mm])?|\d{1,2}/\d{4}"
    r"|\d{4} ?[QMW]\d{1,2}|\d{4}-[QMW]\d{1,2}"
)


@dataclasses.dataclass(frozen=True)
class Records:
    """Records from the start and the end of a file; `lines` are those of the head, from 1."""

    head: list[list[str]]
    lines: list[int]
    tail: list[list[str]]
    width: int  # fields of most records

    @property
    def header(self) -> list[str]:
        """The first record."""
        return self.head[0] if self.head else []


def read_records(path: Path, data: DataConfig) -> Records | None:
    """Read the start and the end of a CSV file; None where it is no text, or has no two records.

    The last record of a large or packed file may be missing.
    """
    form = FileFormat.of(data)
    try:
        with open_unpacked(path) as stream:
            start = stream.read(_HEAD_BYTES)
        end = b""
        if compression_of(path) is None and path.stat().st_size > _HEAD_BYTES:
            with path.open("rb") as file:
                file.seek(-_TAIL_BYTES, 2)
                end = file.read()
                end = end[end.find(b"\n") + 1 :]
        text = start.decode(form.encoding, errors="replace").lstrip("\ufeff")
        last = end.decode(form.encoding, errors="replace")
    except (OSError, LookupError, UnicodeError, EOFError):
        return None
    if "\0" in text:
        return None
    whole = len(start) < _HEAD_BYTES
    lines = text.splitlines()
    lines = lines if whole else lines[:-1]
    head: list[list[str]] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            head.append(_split(line, form.sep))
            numbers.append(number)
    tail = [_split(line, form.sep) for line in last.splitlines() if line.strip()]
    if len(head) < 2:
        return None
    widths = collections.Counter(len(record) for record in head[1:_MOST_RECORDS])
    tail = (tail or head[1:])[-5:]
    return Records(head[:_MOST_RECORDS], numbers[:_MOST_RECORDS], tail, widths.most_common(1)[0][0])


def _split(line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except (csv.Error, TypeError):
        return [line]


def kind_of(cell: str) -> str:
    """What a cell looks like: empty, time, number or text.

    >>> [kind_of(cell) for cell in ("", "2024-01-31", "1,234.5", "MW")]
    ['empty', 'time', 'number', 'text']
    """
    if not cell or cell.lower() in ("na", "nan", "null", "none", "n/a", "-", "."):
        return "empty"
    if _TIME.fullmatch(cell):
        return "time"
    return "number" if _NUMBER.fullmatch(cell) else "text"


def column_kinds(records: list[list[str]], width: int) -> list[str]:
    """The kind that most cells of each column have; empty where all are empty."""
    kinds = []
    for c in range(width):
        seen = [kind_of(record[c]) for record in records if c < len(record)]
        seen = [kind for kind in seen if kind != "empty"]
        kinds.append(collections.Counter(seen).most_common(1)[0][0] if seen else "empty")
    return kinds
