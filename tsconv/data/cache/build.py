"""Out of core: files of any size become the files of a panel, a part of the series at a time.

One pass over the files routes each line to the part of its series; each part is then read, checked
and laid on its grid as a whole file would be, and its values go to the end of a file. At the end
the series are copied into the order of the data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tsconv.config.schema import DataConfig
from tsconv.data.cache.merge import merge_parts
from tsconv.data.cache.panel_files import COVARIATES, VALUES, write_panel
from tsconv.data.cache.parts import Part, PartFiles, first_records
from tsconv.data.panel.find_frequency import TooFewTimesError
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.shards.line_store import LineStore
from tsconv.data.reading.shards.scan import scan
from tsconv.data.reading.shards.shard import shards_of
from tsconv.data.reading.shards.shard_table import ScannedFiles, Shards, WholeTable
from tsconv.data.reading.table import take_lines
from tsconv.data.timestamps.frequency import Frequency
from tsconv.errors import DataError

_HEAD = 200  # the first lines of the data come with every part: they show how times are written
_ADVICE = "set `data.cache_dir=` to a folder on another disk"


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a build tells on its way."""

    lines: Callable[[int], None]  # so many more lines were read
    part: Callable[[int, int], None]  # the first of so many parts are laid on their grids


def build_in_parts(
    data: DataConfig, count: int, folder: Path, key: str, progress: Progress
) -> None:
    """Write the files of the panel of `data` into an empty folder, by `count` parts of the series.

    Layouts that do not come line by line are read whole. Raises DataError where the files cannot be
    used, ConfigError where the disk is full for the lines, OSError where it is for the panel.
    """
    store = LineStore(folder, _ADVICE)
    try:
        shards = scan(data, count, range(count), store, head=_HEAD, report=progress.lines)
        if isinstance(shards, WholeTable):
            write_panel(build_panel(shards.whole, data.freq), folder, key)
            return
        assert isinstance(shards, ScannedFiles)
        shards = dataclasses.replace(shards, are_whole=False)
        files = PartFiles(folder)
        try:
            parts = _parts(data, shards, count, files, progress)
        finally:
            files.close()
    finally:
        store.close()
    if all(part.is_empty for part in parts):
        raise DataError(
            f"{data.path}: no series has an observed value: name another column in `data.target=`"
        )
    panel = merge_parts(parts, files, folder / VALUES, folder / COVARIATES)
    files.values.unlink()
    files.covariates.unlink()
    if panel.covariates is None:
        (folder / COVARIATES).unlink(missing_ok=True)
    write_panel(panel, folder, key)


def _parts(
    data: DataConfig, shards: Shards, count: int, files: PartFiles, progress: Progress
) -> list[Part]:
    """Lay the lines of each part on its grids; parts without a frequency of their own come last."""
    found: list[Part] = []
    waiting: list[tuple[int, TooFewTimesError]] = []
    for number in range(count):
        try:
            part = _part(data, shards, number, count, files, data.freq)
        except TooFewTimesError as error:
            waiting.append((number, error))
            continue
        found += [] if part is None else [part]
        progress.part(number + 1, count)
    for number, fault in waiting:
        if not found:
            raise fault
        part = _part(data, shards, number, count, files, found[0].panel.frequency)
        found += [] if part is None else [part]
    return found


def _part(
    data: DataConfig,
    shards: Shards,
    number: int,
    count: int,
    files: PartFiles,
    freq: str | Frequency | None,
) -> Part | None:
    """The series of one part, which may have none; their values are in the files."""
    found = shards.table(number)
    assert found is not None  # the first lines of the data come with every part
    categories = first_records(found.table)
    mine = shards_of(found.table.ids, count) == number
    if not mine.any():
        return None
    table = take_lines(found.table, mine[found.table.codes])
    position = found.position[np.flatnonzero(mine)]
    del found
    panel: Panel = build_panel(table, freq)
    return files.add(panel, position, categories)
