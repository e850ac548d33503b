"""The line of a record in a CSV file, found by the csv module: slow, and so for messages only."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from tsconv.data.reading.csv_files.compression import open_unpacked
from tsconv.data.settings import FileFormat

_LONGEST_FIELD = 1 << 24


def line_number(path: Path, form: FileFormat, record: int) -> int:
    """The line of a record of data, which is counted from 0 below the header.

    Lines are counted as a spreadsheet counts its rows: the header is line 1, a blank line counts,
    and a record whose quotes hold line breaks is one line, however many an editor shows.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "blank.csv"
    >>> _ = path.write_text("id,y\\na,1\\n\\nb,2\\n")
    >>> line_number(path, FileFormat(), 1)
    4
    """
    stat = path.stat() if path.exists() else None
    if stat is not None and _is_plain(path, form.encoding, stat.st_mtime_ns, stat.st_size):
        return record + 2
    try:
        wanted = record + 1  # the header is the first record
        for line, fields in _records(path, form):
            if fields:
                if wanted == 0:
                    return line
                wanted -= 1
    except (csv.Error, UnicodeError, OSError, pa.ArrowException):
        pass  # the message must not fail for a wrong count
    return record + 2


@functools.lru_cache(maxsize=8)
def _is_plain(path: Path, encoding: str, modified: int, size: int) -> bool:
    """Whether each record is one line: no quotes, no blank lines. Quick, for large files."""
    if not encoding.lower().startswith(("utf-8", "latin", "ascii", "cp125", "iso-8859")):
        return False
    before = b"\n"
    with open_unpacked(path) as stream:
        while piece := stream.read(1 << 22):
            piece = before + piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if b'"' in piece or b"\n\n" in piece:
                return False
            before = piece[-1:]
    return True


def find_torn_record(path: Path, form: FileFormat, width: int) -> str | None:
    """The message on the first record with another number of fields than `width`; None for none."""
    line = 0
    try:
        for line, fields in _records(path, form):
            if fields and len(fields) != width:
                shown = form.sep.join(fields)
                count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
                advice = (
                    "is there a separator too many, or text with one in it that needs quotes"
                    if len(fields) > width
                    else "is the line cut short"
                )
                return (
                    f"{path}: line {line}: {count} where the header has {width}: {shown[:100]!r}; "
                    f"{advice}?"
                )
    except csv.Error as error:
        return f"{path}: line {line + 1}: cannot be read as CSV: {error}"
    except (UnicodeError, OSError, pa.ArrowException):
        pass
    return None


def _records(path: Path, form: FileFormat) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of every record; blank ones have no fields."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        with open_unpacked(path) as stream:
            plain = form.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
            encoding = "utf-8-sig" if plain else form.encoding  # a mark at the start is no text
            text = io.TextIOWrapper(stream, encoding=encoding, newline="")
            yield from enumerate(csv.reader(text, delimiter=form.sep), 1)
    finally:
        csv.field_size_limit(before)
