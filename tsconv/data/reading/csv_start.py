"""The start of a CSV file: its encoding, header and first cells; how big it is unpacked."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
from pathlib import Path

import pyarrow as pa

from tsconv.config.schema import DataConfig
from tsconv.errors import ConfigError, DataError, one_line

_LOOK = 1 << 16  # bytes of the start that are looked at, and more where the header is longer
_LONGEST_START = 1 << 28
_PIECE = 1 << 22
_PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4", ".br": "brotli"}
# First bytes of an archive whose name does not tell.
_MAGIC = {
    b"\x1f\x8b\x08": "gzip", b"BZh91AY&SY": "bz2", b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}  # fmt: skip
_LEAST_CAP = 100_000_000  # bytes that a compressed file may always expand to
_RATIO = 100  # and how many times its own size
_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Start:
    """What the first bytes of a file tell."""

    path: Path
    names: list[str]
    sample: dict[str, str]  # the first cell of each column
    length: int  # bytes of the first two records, at most
    quoted: bool  # whether there is a quote anywhere: a line break may stand within one

    def not_encoded(self, data: DataConfig) -> DataError:
        """The error of a file with bytes that its encoding does not have, further down."""
        return _not_encoded(self.path, data)


def packing(path: Path) -> str | None:
    """How a file is compressed, by its name or else its first bytes; None for a plain one."""
    named = _PACKED.get(path.suffix.lower())
    if named is not None:
        return named
    with path.open("rb") as file:
        start = file.read(max(map(len, _MAGIC)))
    return next((codec for magic, codec in _MAGIC.items() if start.startswith(magic)), None)


def opened(path: Path) -> pa.NativeFile:
    """The bytes of a file, unpacked where it is compressed."""
    return pa.input_stream(str(path), compression=packing(path))


def separator(data: DataConfig) -> str:
    r"""The separator of fields; `\t` and `tab` are spellings of a tab."""
    return "\t" if data.sep in ("\\t", "tab") else data.sep


def check_spelling(data: DataConfig) -> None:
    """Raise ConfigError for a separator, decimal mark, encoding or cap that cannot be."""
    sep = separator(data)
    for key, value in (("sep", sep), ("decimal", data.decimal)):
        if (
            not isinstance(value, str)
            or len(value) != 1
            or not value.isascii()
            or value in '"\r\n\0'
        ):
            raise ConfigError(f"`data.{key}` (={value}) must be one character, such as `;` or `,`")
    if sep == data.decimal:
        raise ConfigError(
            f"`data.sep` and `data.decimal` are both {sep!r}: such as data.sep=';' data.decimal=','"
        )
    try:
        info = codecs.lookup(data.encoding)
        plain = info._is_text_encoding and "a,1\n".encode(data.encoding).decode(data.encoding)
    except (LookupError, ValueError, TypeError) as error:
        raise ConfigError(f"`data.encoding` (={data.encoding}) is not known here") from error
    if plain != "a,1\n":
        raise ConfigError(f"`data.encoding` (={data.encoding}) is not an encoding of text")
    if data.max_bytes is not None and data.max_bytes < 1:
        raise ConfigError(f"`data.max_bytes` (={data.max_bytes}) must be at least 1")


def start_of(path: Path, data: DataConfig) -> Start:
    """Look at a file's start; raises DataError for one that is empty, damaged, or not text."""
    try:
        start, ended = _first_records(path)
        quoted = _look_through(path, data)
    except (OSError, pa.ArrowException) as error:
        packed = path.suffix.lower() in _PACKED or packing(path)
        what = "the archive is damaged or cut short" if packed else "cannot be read"
        raise DataError(f"{path}: {what}: {one_line(error)[:300]}") from error
    text = _decoded(path, start, ended, data)
    if not text.strip():
        raise DataError(f"{path}: the file is empty")
    sep = separator(data)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep)
        records = (record for record in reader if record)
        names = next(records)
        cells = next(records, [])
    except csv.Error as error:
        raise DataError(f"{path}: row 1: cannot be read as CSV: {error}") from error
    if len(names) == 1 and sep not in names[0]:
        _reject_other_separator(path, names[0], cells, sep)
    return Start(path, names, dict(zip(names, cells, strict=False)), len(start), quoted)


def _first_records(path: Path) -> tuple[bytes, bool]:
    """The start of a file, with its first two records whole; and whether that is all of it."""
    start = b""
    with opened(path) as stream:
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


def _look_through(path: Path, data: DataConfig) -> bool:
    """Whether there is a quote in the file; raises DataError where an archive is too big."""
    own = path.stat().st_size
    packed = packing(path) is not None
    cap = (data.max_bytes or max(_LEAST_CAP, _RATIO * own)) if packed else None
    size, quoted = 0, not data.encoding.lower().replace("_", "-").startswith(("utf-8", "latin"))
    with opened(path) as stream:
        while (cap is not None or not quoted) and (piece := stream.read(_PIECE)):
            size += len(piece)
            quoted = quoted or b'"' in piece
            if cap is not None and size > cap:
                raise DataError(
                    f"{path}: expands from {own:,} to more than {cap:,} bytes: if that is right, "
                    f"set `data.max_bytes=` to a larger number"
                )
    return quoted


def _decoded(path: Path, start: bytes, ended: bool, data: DataConfig) -> str:
    wide = next((name for bom, name in _BOMS.items() if start.startswith(bom)), None)
    chosen = data.encoding.lower().replace("_", "-")
    if wide is not None and not chosen.startswith(("utf-16", "utf-32", "u16", "u32")):
        raise DataError(
            f"{path}: starts as {wide} does, not as {data.encoding}: set `data.encoding={wide}`"
        )
    decoder = codecs.getincrementaldecoder(data.encoding)()
    try:
        text = str(decoder.decode(start, ended))
    except UnicodeError as error:
        raise _not_encoded(path, data) from error
    if "\0" in text:
        even = start[0:200:2].count(0) > start[1:200:2].count(0)
        wide = "utf-16-be" if even else "utf-16-le"
        raise DataError(f"{path}: holds zero bytes: it is no text, or set `data.encoding={wide}`")
    return text.removeprefix("\ufeff")


def _not_encoded(path: Path, data: DataConfig) -> DataError:
    """Name the first row whose bytes the encoding does not have, and an encoding that has them."""
    row, found = 1, b""
    with opened(path) as stream:
        lines = io.BufferedReader(io.BytesIO(stream.read(1 << 28)))  # the first 256 MB will do
    for row, line in enumerate(lines, 1):  # noqa: B007
        try:
            line.decode(data.encoding)
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
    where = f"row {row}: the byte 0x{found.hex()} is" if found else "there are bytes that are"
    where = f"{where} not {data.encoding}"
    return DataError(f"{path}: {where}: set `data.encoding=`, such as `data.encoding={other}`")


def _reject_other_separator(path: Path, header: str, cells: list[str], sep: str) -> None:
    other = next((s for s in (";", "\t", "|", ",") if s in header and s != sep), None)
    if other is None:
        return
    shown = "'\\t'" if other == "\t" else f"'{other}'"
    line = sep.join(cells)
    comma = other != "," and any(_has_decimal_comma(field) for field in line.split(other))
    also = " and `data.decimal=','`" if comma else ""
    raise DataError(f"{path}: row 1: one column, `{header[:100]}`: set `data.sep={shown}`{also}")


def _has_decimal_comma(field: str) -> bool:
    whole, comma, rest = field.strip().partition(",")
    return bool(comma) and whole.lstrip("-").isdecimal() and rest.isdecimal()
