"""Finding a place in a CSV file as a spreadsheet counts, by the csv module: slow, for messages."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from tsconv.config.schema import DataConfig
from tsconv.data.reading.csv_start import opened, separator

_LONGEST_FIELD = 1 << 24


def row_of_line(path: Path, data: DataConfig, line: int) -> int:
    """The row of a line of data, counted from 0: blank lines are rows too, the header is row 1.

    A record whose quotes hold line breaks is one row, as in a spreadsheet.
    """
    stat = path.stat() if path.exists() else None
    if stat is not None and _is_plain(path, data.encoding, stat.st_mtime_ns, stat.st_size):
        return line + 2
    try:
        wanted = line + 1  # the header is the first record
        for row, record in _records(path, data):
            if record:
                if wanted == 0:
                    return row
                wanted -= 1
    except (csv.Error, UnicodeError, OSError, pa.ArrowException):
        pass  # the message must not fail for a wrong count
    return line + 2


@functools.lru_cache(maxsize=8)
def _is_plain(path: Path, encoding: str, modified: int, size: int) -> bool:
    """Whether each record is one line: no quotes, no blank lines. Quick, for large files."""
    if not encoding.lower().startswith(("utf-8", "latin", "ascii", "cp125", "iso-8859")):
        return False
    before = b"\n"
    with opened(path) as stream:
        while piece := stream.read(1 << 22):
            piece = before + piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if b'"' in piece or b"\n\n" in piece:
                return False
            before = piece[-1:]
    return True


def find_torn_record(path: Path, data: DataConfig, width: int) -> str | None:
    """What to say of the first record with another number of fields than the header."""
    row = 0
    try:
        for row, record in _records(path, data):
            if record and len(record) != width:
                shown = separator(data).join(record)
                fields = "1 field" if len(record) == 1 else f"{len(record)} fields"
                many = len(record) > width
                advice = (
                    "is there a separator too many, or text with one in it that needs quotes"
                    if many
                    else "is the line cut short"
                )
                return (
                    f"{path}: row {row}: {fields} where the header has {width}: {shown[:100]!r}; "
                    f"{advice}?"
                )
    except csv.Error as error:
        return f"{path}: row {row + 1}: cannot be read as CSV: {error}"
    except (UnicodeError, OSError, pa.ArrowException):
        pass
    return None


def _records(path: Path, data: DataConfig) -> Iterator[tuple[int, list[str]]]:
    """(row, fields) of every record; blank ones have no fields."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        with opened(path) as stream:
            plain = data.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
            encoding = "utf-8-sig" if plain else data.encoding  # a mark at the start is no text
            text = io.TextIOWrapper(stream, encoding=encoding, newline="")
            yield from enumerate(csv.reader(text, delimiter=separator(data)), 1)
    finally:
        csv.field_size_limit(before)
