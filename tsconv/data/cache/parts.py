"""The parts of a panel that is built shard by shard: large arrays in files, the rest in memory."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import block_ends, indptr_of
from tsconv.data.reading.covariate_columns import CovariateColumns
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import Steps

# A category's name -> the record of the data in which it first stands, by column.
FirstRecords = dict[str, dict[str, int]]
# The number of a column -> (parts, codes) the number in the whole of each category of each part.
Translation = dict[int, npt.NDArray[np.float64]]


@dataclasses.dataclass(frozen=True)
class Part:
    """The series of a shard on their grids, without the values."""

    panel: Panel  # its values and covariates are empty: they are in the files
    lengths: Steps  # (S,) steps of each series
    reach: Steps  # (S,) steps of its covariates; () where there are none
    position: Steps  # (S,) ascending as the series appear in the data
    categories: FirstRecords
    is_empty: bool  # whether no target holds a value


class PartFiles:
    """The values, and the covariates, of all parts end to end in two temporary files."""

    def __init__(self, folder: Path) -> None:
        self.values, self.covariates = folder / "values.parts", folder / "covariates.parts"
        self._files: list[BinaryIO] = [p.open("wb") for p in (self.values, self.covariates)]

    def add(self, panel: Panel, position: Steps, categories: FirstRecords) -> Part:
        """Append what is large of a panel to the files; raises OSError."""
        panel.values.numpy().tofile(self._files[0])
        empty = panel.values.new_empty((0, *panel.values.shape[1:]))
        covariates, reach = panel.covariates, np.zeros(0, dtype="int64")
        if covariates is not None:
            covariates.values.numpy().tofile(self._files[1])
            reach = covariates.lengths.numpy()
            none = covariates.values.new_empty((0, *covariates.values.shape[1:]))
            covariates = dataclasses.replace(covariates, values=none)
        small = dataclasses.replace(panel, values=empty, covariates=covariates)
        is_empty = bool(panel.values[:, : len(panel.targets)].isnan().all())
        return Part(small, panel.lengths.numpy(), reach, position, categories, is_empty)

    def close(self) -> None:
        """Close the files, and have all bytes in them; raises OSError."""
        for file in self._files:
            file.close()


def first_records(table: Table) -> FirstRecords:
    """Where each category of a table that was scanned first stands in the data."""
    found: FirstRecords = {}
    record = table.locations.order
    assert record is not None  # a scan says which record each line is
    for columns in (table.past, table.future, table.static):
        for name in () if columns is None else columns.categories:
            assert columns is not None
            found[name] = _first_of(columns, name, record)
    return found


def _first_of(columns: CovariateColumns, name: str, record: Steps) -> dict[str, int]:
    codes = columns.values[:, columns.names.index(name)]
    seen = ~np.isnan(codes)
    number, names = codes[seen].astype("int64"), columns.categories[name]
    first = np.full(len(names), np.iinfo("int64").max)
    np.minimum.at(first, number, record[seen])
    return dict(zip(names, first.tolist(), strict=True))


def reorder(
    source: Path,
    target: Path,
    shape: tuple[int, ...],
    begins: Steps,
    lengths: Steps,
    translate: Translation | None = None,
    part: Steps | None = None,
) -> None:
    """Copy the series of a file into another one in a new order, a block at a time.

    shape: of a step. begins, lengths: (S,) where each series, in the new order, stands in `source`,
    in steps. translate: of the columns of categories. part: (S,) the part of each series, for
    `translate`. Raises OSError.
    """
    width = int(np.prod(shape, dtype="int64"))
    total = int(lengths.sum())
    with target.open("wb") as file:
        if total * width == 0:
            return
        old = np.memmap(source, dtype="float64", mode="r", shape=(total, *shape))
        ends = block_ends(indptr_of(lengths), width)
        for first, last in itertools.pairwise(ends.tolist()):
            series = slice(first, last)
            count = lengths[series]
            before = indptr_of(count)
            at = np.arange(before[-1]) + np.repeat(begins[series] - before[:-1], count)
            block = old[at]
            if translate is not None and part is not None:
                block = _translated(block, translate, np.repeat(part[series], count))
            block.tofile(file)


def _translated(
    block: npt.NDArray[np.float64], translate: Translation, part: Steps
) -> npt.NDArray[np.float64]:
    """Categories (n, F, H) of a block by their number in the whole."""
    for column, number in translate.items():
        codes = block[:, column]
        seen = ~np.isnan(codes)
        found = number[part[:, None], np.where(seen, codes, 0).astype("int64")]
        block[:, column] = np.where(seen, found, np.nan)
    return block


def joined(parts: Sequence[torch.Tensor], order: Steps) -> torch.Tensor:
    """(S_k, ...) tensors end to end in a new order of the series."""
    return torch.cat(list(parts))[torch.from_numpy(order)]
