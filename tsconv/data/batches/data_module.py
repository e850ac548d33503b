"""The LightningDataModule: batches are one indexed gather each, on the device where the panel is.

No worker processes and no per-sample Python: the panel sits in one tensor, and a batch is a pure
function of (seed, step).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, IterableDataset

from tsconv.data.batches.chunks import Batch, draw_chunks, gather, tile_chunks
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel


class TrainingChunks(IterableDataset[Batch]):
    """An endless stream of training batches from `first_step()` on; rank r takes its slice."""

    def __init__(self, module: DenseDataModule, first_step: Callable[[], int]) -> None:
        self.module = module
        self.first_step = first_step

    def __iter__(self) -> Iterator[Batch]:
        module = self.module
        step = self.first_step()
        share = slice(
            module.rank * module.chunks_per_rank, (module.rank + 1) * module.chunks_per_rank
        )
        while True:
            series, first = draw_chunks(
                module.train_origins,
                module.seed,
                step,
                module.chunks_per_rank * module.world_size,
                module.origins_per_chunk,
            )
            yield module.fetch(
                module.train_origins, series[share], first[share], module.origins_per_chunk
            )
            step += 1


class ScoredChunks(IterableDataset[Batch]):
    """Every origin of a range once; rank r takes every world_size-th batch.

    Tiles are no longer than the longest run of origins, and a batch holds about as many origins as
    a training step does.
    """

    def __init__(self, module: DenseDataModule, origins: OriginRange) -> None:
        self.module, self.origins = module, origins
        self.n_origins = min(module.origins_per_chunk, max(1, int(origins.counts.max())))
        per_step = module.origins_per_chunk * module.chunks_per_batch
        self.n_chunks = max(1, per_step // self.n_origins)

    def __iter__(self) -> Iterator[Batch]:
        module = self.module
        tiles = tile_chunks(self.origins, self.n_origins, self.n_chunks)
        for index, (series, first) in enumerate(tiles):
            if index % module.world_size == module.rank:
                yield module.fetch(self.origins, series, first, self.n_origins)


class DenseDataModule(pl.LightningDataModule):
    """Training and validation batches of dense chunks from one panel.

    `chunks_per_batch` counts over all ranks; it must be divisible by the number of devices.
    """

    def __init__(
        self,
        panel: Panel,
        train_origins: OriginRange,
        val_origins: OriginRange | None,
        *,
        history: int,
        horizon: int,
        origins_per_chunk: int,
        chunks_per_batch: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__()
        self.panel = panel
        self.train_origins, self.val_origins = train_origins, val_origins
        self.history, self.horizon = history, horizon
        self.origins_per_chunk, self.chunks_per_batch = origins_per_chunk, chunks_per_batch
        self.seed = seed
        self.rank, self.world_size = rank, world_size

    def _current_step(self) -> int:
        return self.trainer.global_step if self.trainer else 0

    @property
    def chunks_per_rank(self) -> int:
        return max(1, self.chunks_per_batch // self.world_size)

    def setup(self, stage: str) -> None:
        """Move the panel to the training device, once."""
        if self.trainer is not None:
            self.panel = self.panel.to(self.trainer.strategy.root_device)

    def fetch(
        self, origins: OriginRange, series: torch.Tensor, first: torch.Tensor, n_origins: int
    ) -> Batch:
        """Gather chunks of n_origins on the panel's device."""
        device = self.panel.values.device
        return gather(
            self.panel,
            origins.to(device),
            series.to(device),
            first.to(device),
            n_origins,
            self.history,
            self.horizon,
        )

    def train_dataloader(self) -> DataLoader[Batch]:
        """An endless loader that starts at the trainer's step, so that a resumed run goes on."""
        return DataLoader(TrainingChunks(self, self._current_step), batch_size=None)

    def val_dataloader(self) -> DataLoader[Batch] | list[DataLoader[Batch]]:
        """One pass over the validation origins; none where there is no validation part."""
        if self.val_origins is None:
            return []
        return DataLoader(ScoredChunks(self, self.val_origins), batch_size=None)
