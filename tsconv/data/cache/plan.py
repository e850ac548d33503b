"""Whether a panel goes through a cache, where the cache lies, and in how many parts it is built."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import torch

from tsconv.available_memory import available_memory
from tsconv.config.schema import DataConfig
from tsconv.data.reading.csv_files.compression import compression_of, open_unpacked
from tsconv.data.reading.files import is_excel, is_parquet
from tsconv.data.reading.roles import DeclaredRoles
from tsconv.data.reading.shards.scan import can_stream
from tsconv.errors import require_choice

CHOICES = ("auto", "true", "false")
# Bytes that reading takes at its peak: of a line, and of each number in it. A Parquet file of 6
# million lines and one number took 70 bytes a line; the rest is an estimate.
_LINE, _NUMBER = 60, 24
_PART_LINE, _PART_NUMBER = 110, 40  # the same, of the lines of a part
_SCAN = 120_000_000  # bytes: the batches of the pass that routes the lines
_FAIR_SHARE = 0.5  # of the memory that is available
_PART_SHARE = 0.25
_MOST_PARTS = 1024
_START = 1 << 18  # bytes of a text file, from which the length of its lines is taken
_UNPACKED = 6  # a compressed text file becomes about so many times larger


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is read how."""

    lines: int  # about
    in_memory: int  # bytes that reading all at once takes at its peak
    available: int | None  # bytes; None where that cannot be read
    parts: int  # 1: all at once
    streams: bool  # whether the layout comes line by line

    @property
    def is_large(self) -> bool:
        """Whether reading takes more than half of the memory that is available."""
        return self.available is not None and self.in_memory > _FAIR_SHARE * self.available


def make_plan(data: DataConfig, files: Sequence[Path]) -> Plan:
    """Estimate what reading takes, from the sizes of the files and the start of each."""
    lines = sum(_lines_of(path) for path in files)
    roles = DeclaredRoles.of(data)
    columns = (*roles.targets, *roles.past, *roles.future, *roles.static)
    numbers = max(1, len(columns))
    found = available_memory(torch.device("cpu"))
    available = None if found is None else found.n_bytes
    in_memory = lines * (_LINE + _NUMBER * numbers)
    streams = can_stream(data, list(files))
    plan = Plan(lines, in_memory, available, 1, streams)
    if available is None or not streams or not plan.is_large:
        return plan
    budget = max(_PART_SHARE * available, 0.5 * available - _SCAN)
    parts = lines * (_PART_LINE + _PART_NUMBER * numbers) / max(1.0, budget)
    return dataclasses.replace(plan, parts=min(_MOST_PARTS, max(2, int(parts) + 1)))


def wants_cache(data: DataConfig, plan: Plan) -> bool:
    """Whether `data.cache` and `data.cache_dir` ask for a cache of such data.

    Raises ConfigError for another value of `data.cache`.
    """
    asked = check_choice(data)
    if asked == "auto":
        return data.cache_dir is not None or (plan.streams and plan.is_large)
    return asked == "true"


def check_choice(data: DataConfig) -> str:
    """`data.cache` as auto, true or false; raises ConfigError for anything else.

    >>> check_choice(DataConfig(cache=True))
    'true'
    """
    asked = str(data.cache).strip().lower()
    require_choice("data.cache", asked, CHOICES)
    return asked


def cache_folder(data: DataConfig, files: Sequence[Path]) -> Path:
    """Where the caches of some files lie: in `data.cache_dir`, or else beside the first of them.

    >>> cache_folder(DataConfig(path="data/sales.csv"), [Path("data/sales.csv")]).as_posix()
    'data/sales.csv.tsconv-cache'
    """
    if data.cache_dir is not None:
        return Path(data.cache_dir)
    path = Path(str(data.path))
    named = path if path.is_dir() else files[0]
    return named.with_name(f"{named.name}.tsconv-cache")


def _lines_of(path: Path) -> int:
    """About how many lines a file has; a file that cannot be read has none."""
    try:
        if is_parquet(path):
            lines: int = pyarrow.parquet.read_metadata(path).num_rows
            return lines
        if is_excel(path):
            return path.stat().st_size // 10
        with open_unpacked(path) as stream:
            start = stream.read(_START)
        size = path.stat().st_size
        if size > len(start) and compression_of(path) is not None:
            size *= _UNPACKED
        return size * int(start.count(b"\n")) // max(1, len(start))
    except (OSError, pa.ArrowException, EOFError):
        return 0
