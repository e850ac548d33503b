"""`tsconv merge`: the parts of all shards become one file, its series in the order of the data.

The file is the one that a forecast without shards writes. A window of series is in memory at a
time, and the position of every series.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from tsconv.atomic_write import replace_file
from tsconv.data.write import CsvStyle, check_output, csv_write_options, header_line
from tsconv.errors import ConfigError, DataError
from tsconv.forecasting.outputs import check_free
from tsconv.forecasting.shards.inputs import difference
from tsconv.forecasting.shards.part_reader import PartReader
from tsconv.forecasting.shards.parts import (
    Manifest,
    check_shards,
    crc32_of,
    manifest_path,
    number_ranges,
    part_path,
)
from tsconv.text import plural

_WINDOW = 1 << 15  # lines that are put in order at a time
_ROW_GROUP = 1 << 20  # lines of a .parquet, as pandas writes them
Positions = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class MergeResult:
    """What a merge wrote."""

    output: Path
    parts: tuple[Path, ...]
    series: int
    lines: int

    @property
    def summary(self) -> str:
        """How many series and lines came from how many parts."""
        return (
            f"merged {plural(len(self.parts), 'part')}: "
            f"{plural(self.series, 'series', 'series')}, {plural(self.lines, 'line')}"
        )


def merge_parts(output: Path, shards: int, overwrite: bool = False) -> MergeResult:
    """Check the parts beside `output` and write them as one file, whole or not at all.

    Raises ConfigError where `output` is in the way, DataError where a part is missing or damaged,
    was made from other inputs than the first, or has a series of another.
    """
    check_shards(shards)
    check_output(output)
    paths = [part_path(output, shard, shards) for shard in range(shards)]
    manifests = _check_parts(output, paths)
    check_free("output", output, paths, overwrite)
    order = _Order.of(manifests)
    full = [m for m in manifests if m.schema is not None]
    if not full:
        raise DataError("no series has an observed value in its context to forecast from")
    schema = full[0].schema
    assert schema is not None
    _check_columns(manifests, paths, schema)
    style = full[0].style
    for manifest in full[1:]:
        style = style.with_style(manifest.style)
    with replace_file(output) as temporary, contextlib.ExitStack() as stack:
        readers = [
            stack.enter_context(PartReader(path, manifest, style))
            for path, manifest in zip(paths, manifests, strict=True)
        ]
        _write(temporary, output.suffix, schema, style, order.windows(readers))
    return MergeResult(output, tuple(paths), len(order.part), int(order.lines.sum()))


def delete_parts(parts: Sequence[Path]) -> None:
    """Delete merged parts and their manifests."""
    for part in parts:
        part.unlink(missing_ok=True)
        manifest_path(part).unlink(missing_ok=True)


@dataclasses.dataclass(frozen=True)
class _Order:
    """Every series in the order of the data: the part that has it, and its lines there."""

    part: Positions
    lines: Positions

    @classmethod
    def of(cls, manifests: Sequence[Manifest]) -> _Order:
        position = np.concatenate([m.position for m in manifests])
        part = np.repeat(np.arange(len(manifests)), [len(m.position) for m in manifests])
        lines = np.concatenate([m.lines for m in manifests])
        order = np.argsort(position, kind="stable")
        twice = np.flatnonzero(np.diff(position[order]) == 0)
        if len(twice):
            first, second = (int(part[order[twice[0] + i]]) for i in (0, 1))
            raise DataError(
                f"shards {first} and {second} both have a series of the same place in the data: "
                f"make them anew"
            )
        return cls(part[order], lines[order])

    def windows(self, readers: Sequence[PartReader]) -> Iterator[pa.Table]:
        """The lines of some series after the others, in order."""
        ends = np.cumsum(self.lines)
        start = 0
        while start < len(ends):
            before = int(ends[start - 1]) if start else 0
            stop = int(np.searchsorted(ends, before + _WINDOW, side="right"))
            stop = max(stop, start + 1)
            yield self._window(readers, slice(start, stop))
            start = stop

    def _window(self, readers: Sequence[PartReader], some: slice) -> pa.Table:
        part, lines = self.part[some], self.lines[some]
        by_part = np.argsort(part, kind="stable")
        counts = np.bincount(part, weights=lines, minlength=len(readers)).astype("int64")
        table = pa.concat_tables(
            reader.take(int(count)) for reader, count in zip(readers, counts, strict=True) if count
        )
        # Where each series begins in that table, and the lines from there on, in order.
        begins = np.empty(len(part), dtype="int64")
        begins[by_part] = np.cumsum(lines[by_part]) - lines[by_part]
        shift = np.repeat(begins - (np.cumsum(lines) - lines), lines)
        return table.take(pa.array(np.arange(len(shift)) + shift))


def _check_parts(output: Path, paths: Sequence[Path]) -> list[Manifest]:
    """The manifests of all parts; raises DataError where one is missing, damaged or of others."""
    found = [Manifest.read(manifest_path(path)) for path in paths]
    shards = len(paths)
    missing = [i for i, m in enumerate(found) if m is None or not paths[i].is_file()]
    if missing:
        one = len(missing) == 1
        raise DataError(
            f"shard{'' if one else 's'} {number_ranges(missing)} of {shards} "
            f"{'is' if one else 'are'} missing beside {output}: make {'it' if one else 'them'} by "
            f"`tsconv forecast ... output={output} shards={shards}"
            f"{f' shard={missing[0]}' if one else ''}`"
        )
    manifests = [m for m in found if m is not None]
    for shard, (path, manifest) in enumerate(zip(paths, manifests, strict=True)):
        differs = difference(manifests[0].inputs, manifest.inputs)
        if differs:
            raise DataError(
                f"{path.name} was made from {differs} than {paths[0].name}: make shard {shard} "
                f"or 0 anew, by `tsconv forecast ... output={output} shards={shards}`"
            )
        if path.stat().st_size != manifest.bytes or crc32_of(path) != manifest.crc32:
            raise DataError(
                f"{path} is damaged, or was changed: delete it, and make it anew by "
                f"`tsconv forecast ... output={output} shards={shards} shard={shard}`"
            )
    faults = [m.fault for m in manifests if m.found]
    if faults and all(faults):
        raise ConfigError(str(faults[0]))
    return manifests


def _check_columns(manifests: Sequence[Manifest], paths: Sequence[Path], schema: pa.Schema) -> None:
    """Raise DataError where a part has other columns than the first with lines."""
    for path, manifest in zip(paths, manifests, strict=True):
        if manifest.schema is not None and not manifest.schema.equals(schema):
            raise DataError(f"{path.name} has other columns than the parts before it")


def _write(
    path: Path, suffix: str, schema: pa.Schema, style: CsvStyle, tables: Iterator[pa.Table]
) -> None:
    if suffix == ".csv":
        with path.open("wb") as sink:
            sink.write(header_line(schema.names))
            plain = schema.remove_metadata()
            with pyarrow.csv.CSVWriter(sink, plain, write_options=csv_write_options(style)) as out:
                for table in tables:
                    out.write_table(table.cast(plain))
        return
    with pyarrow.parquet.ParquetWriter(path, schema) as out:
        for table in _in_groups(tables, _ROW_GROUP):
            out.write_table(table.cast(schema), row_group_size=_ROW_GROUP)


def _in_groups(tables: Iterator[pa.Table], lines: int) -> Iterator[pa.Table]:
    """The tables end to end, in pieces of so many lines and a last one."""
    group: list[pa.Table] = []
    have = 0
    for table in tables:
        group.append(table)
        have += table.num_rows
        while have >= lines:
            whole = pa.concat_tables(group)
            yield whole.slice(0, lines)
            group, have = [whole.slice(lines)], have - lines
    if have:
        yield pa.concat_tables(itertools.chain(group))
