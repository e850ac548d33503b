"""The start of a CSV file: its encoding, header and first cells; how large it is unpacked."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
from pathlib import Path

import pyarrow as pa

from tsconv.data.reading.csv_files.compression import (
    COMPRESSED,
    compression_of,
    largest_size,
    open_unpacked,
)
from tsconv.data.reading.csv_files.text_numbers import GROUP_MARKS
from tsconv.data.settings import FileFormat
from tsconv.errors import ConfigError, DataError, one_line

_LOOK = 1 << 16  # bytes of the start that are looked at, and more where the header is longer
_LONGEST_START = 1 << 28
_PIECE = 1 << 22
_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class FileStart:
    """What the first bytes of a file show: its header, first cells and quoting."""

    path: Path
    names: list[str]
    sample: dict[str, str]  # the first cell of each column
    length: int  # bytes of the first two records, at most
    quoted: bool  # whether there is a quote anywhere: a line break may stand within one

    def not_encoded(self, form: FileFormat) -> DataError:
        """The error of a file with bytes further down that its encoding does not have."""
        return _not_encoded(self.path, form)


def check_file_format(form: FileFormat) -> None:
    """Raise ConfigError for a separator, decimal mark, encoding or cap that cannot be."""
    for key, value in (("sep", form.sep), ("decimal", form.decimal)):
        if (
            not isinstance(value, str)
            or len(value) != 1
            or not value.isascii()
            or value in '"\r\n\0'
        ):
            raise ConfigError(f"`data.{key}` (={value}) must be one character, such as `;` or `,`")
    if form.decimal.isalnum():
        raise ConfigError(f"`data.decimal` (={form.decimal}) must be a mark, such as `.` or `,`")
    if form.thousands is not None and form.thousands not in GROUP_MARKS:
        raise ConfigError(
            f"`data.thousands` (={form.thousands}) must be null, or one of `,`, `.`, `'` and space"
        )
    if form.thousands == form.decimal:
        raise ConfigError(
            f"`data.thousands` and `data.decimal` are both {form.decimal!r}: they must differ"
        )
    try:
        info = codecs.lookup(form.encoding)
        plain = info._is_text_encoding and "a,1\n".encode(form.encoding).decode(form.encoding)
    except (LookupError, ValueError, TypeError) as error:
        raise ConfigError(f"`data.encoding` (={form.encoding}) is not a known encoding") from error
    if plain != "a,1\n":
        raise ConfigError(f"`data.encoding` (={form.encoding}) is not an encoding of text")
    if form.max_bytes is not None and form.max_bytes < 1:
        raise ConfigError(f"`data.max_bytes` (={form.max_bytes}) must be at least 1")


def read_start(path: Path, form: FileFormat) -> FileStart:
    """Look at a file's start; raises DataError for one that is empty, damaged, or not text.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sales.csv"
    >>> _ = path.write_text("id,y\\na,1.5\\n")
    >>> read_start(path, FileFormat()).sample
    {'id': 'a', 'y': '1.5'}
    """
    try:
        start, ended = _first_records(path)
        quoted = _look_through(path, form)
    except (OSError, pa.ArrowException) as error:
        packed = path.suffix.lower() in COMPRESSED or compression_of(path)
        what = "the archive is damaged or cut short" if packed else "cannot be read"
        raise DataError(f"{path}: {what}: {one_line(error)[:300]}") from error
    text = _decoded(path, start, ended, form)
    if not text.strip():
        raise DataError(f"{path}: the file is empty")
    sep = form.sep
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep)
        records = (record for record in reader if record)
        names = next(records)
        cells = next(records, [])
    except csv.Error as error:
        raise DataError(f"{path}: line 1: cannot be read as CSV: {error}") from error
    if len(names) == 1 and sep not in names[0]:
        _reject_other_separator(path, names[0], cells, sep)
    return FileStart(path, names, dict(zip(names, cells, strict=False)), len(start), quoted)


def _first_records(path: Path) -> tuple[bytes, bool]:
    """The start of a file, with its first two records whole; and whether that is all of it."""
    start = b""
    with open_unpacked(path) as stream:
        while len(start) < _LONGEST_START:
            piece = stream.read(max(_LOOK, len(start)))
            start += piece
            if not piece:
                return start, True
            # A line break ends a record where the quotes before it are even.
            quotes, ends = 0, 0
            for line in start.lstrip().splitlines(keepends=True):
                quotes += line.count(b'"')
                ends += quotes % 2 == 0 and line.endswith((b"\n", b"\r"))
            if ends > 1:
                break
    return start, False


def _look_through(path: Path, form: FileFormat) -> bool:
    """Whether there is a quote in the file; raises DataError where an archive is too big."""
    own = path.stat().st_size
    packed = compression_of(path) is not None
    cap = largest_size(own, form.max_bytes) if packed else None
    size, quoted = 0, not form.encoding.lower().replace("_", "-").startswith(("utf-8", "latin"))
    with open_unpacked(path) as stream:
        while (cap is not None or not quoted) and (piece := stream.read(_PIECE)):
            size += len(piece)
            quoted = quoted or b'"' in piece
            if cap is not None and size > cap:
                raise DataError(
                    f"{path}: expands from {own:,} to more than {cap:,} bytes: if that is right, "
                    f"set `data.max_bytes=` to a larger number"
                )
    return quoted


def _decoded(path: Path, start: bytes, ended: bool, form: FileFormat) -> str:
    """The start as text; raises DataError where the encoding is another."""
    wide = next((name for bom, name in _BOMS.items() if start.startswith(bom)), None)
    chosen = form.encoding.lower().replace("_", "-")
    if wide is not None and not chosen.startswith(("utf-16", "utf-32", "u16", "u32")):
        raise DataError(
            f"{path}: begins like a {wide} file, not {form.encoding}: set `data.encoding={wide}`"
        )
    decoder = codecs.getincrementaldecoder(form.encoding)()
    try:
        text = str(decoder.decode(start, ended))
    except UnicodeError as error:
        raise _not_encoded(path, form) from error
    if "\0" in text:
        even = start[0:200:2].count(0) > start[1:200:2].count(0)
        wide = "utf-16-be" if even else "utf-16-le"
        advice = "" if chosen == wide else f"; if it is text after all, set `data.encoding={wide}`"
        raise DataError(f"{path}: holds zero bytes, so it is not text{advice}")
    return text.removeprefix("\ufeff")


def _not_encoded(path: Path, form: FileFormat) -> DataError:
    """Name the first line whose bytes the encoding does not have, and an encoding that has them."""
    number, found = 1, b""
    with open_unpacked(path) as stream:
        lines = io.BufferedReader(io.BytesIO(stream.read(1 << 28)))  # the first 256 MB will do
    for number, line in enumerate(lines, 1):  # noqa: B007
        try:
            line.decode(form.encoding)
        except UnicodeError as error:
            at = getattr(error, "start", 0)
            found = line[at : at + 1]
            break
    # What Windows writes in western Europe, unless a byte is one that it does not have.
    try:
        found.decode("cp1252")
        other = "cp1252" if b"\x80" <= found <= b"\x9f" else "latin-1"
    except UnicodeError:
        other = "latin-1"
    where = f"line {number}: the byte 0x{found.hex()} is" if found else "there are bytes that are"
    where = f"{where} not {form.encoding}"
    return DataError(f"{path}: {where}: set `data.encoding=`, such as `data.encoding={other}`")


def _reject_other_separator(path: Path, header: str, cells: list[str], sep: str) -> None:
    """Raise DataError where the header of one column holds another separator."""
    other = next((s for s in (";", "\t", "|", ",") if s in header and s != sep), None)
    if other is None:
        return
    shown = "tab" if other == "\t" else f"'{other}'"
    line = sep.join(cells)
    comma = other != "," and any(_has_decimal_comma(field) for field in line.split(other))
    also = " and `data.decimal=','`" if comma else ""
    raise DataError(
        f"{path}: line 1: everything is in one column, `{header[:100]}`: set "
        f"`data.sep={shown}`{also}"
    )


def _has_decimal_comma(field: str) -> bool:
    whole, comma, rest = field.strip().partition(",")
    return bool(comma) and whole.lstrip("-").isdecimal() and rest.isdecimal()
