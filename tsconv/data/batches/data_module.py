"""The LightningDataModule: batches are one indexed gather each, on the device where the panel is.

No worker processes and no per-sample Python: the panel sits in one tensor, and a batch is a pure
function of (seed, step).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, IterableDataset

from tsconv.available_memory import available_memory
from tsconv.data.batches.chunks import (
    LONGEST_SAMPLED,
    Batch,
    draw_chunks,
    gather,
    read_chunks_ahead,
    sampled_tiles,
    tiles,
)
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.placement import move_batch, place_panel
from tsconv.data.batches.share import share_of, shared_batches, tile_length
from tsconv.data.panel.panel import Panel
from tsconv.errors import ConfigError

Chunks = tuple[torch.Tensor, torch.Tensor]  # (B,) series, and (B,) first origins


class TrainingChunks(IterableDataset[Batch]):
    """An endless stream of this rank's training batches, from optimizer step `first_step()` on."""

    def __init__(self, module: DenseDataModule, first_step: Callable[[], int]) -> None:
        self.module = module
        self.first_step = first_step

    def __iter__(self) -> Iterator[Batch]:
        module = self.module
        steps = itertools.count(self.first_step())
        parts = range(module.batches_per_step)
        chunks = (module.training_chunks(step, part) for step in steps for part in parts)
        yield from module.fetch_each(module.train_origins, chunks, module.origins_per_chunk)


class ScoredChunks(IterableDataset[Batch]):
    """Every origin of a range once over all ranks, each with a contiguous part of the tiles.

    Tiles are no longer than the longest run of origins, and a batch holds about as many origins as
    a training step does. Where tiles of that length are fewer than the ranks, they are shorter.

    most: origins at least of which a sample of the tiles is taken in place of all, see
    `sampled_tiles`; None: all.
    """

    def __init__(
        self, module: DenseDataModule, origins: OriginRange, most: int | None = None
    ) -> None:
        self.module, self.origins = module, origins
        longest = min(module.origins_per_chunk, max(1, int(origins.counts.max())))
        self.most = None if most is None or int(origins.counts.sum()) <= most else most
        if self.most is not None:
            longest = min(longest, LONGEST_SAMPLED)
        self.n_origins = tile_length(origins, longest, module.world_size)
        per_step = module.origins_per_chunk * module.chunks_per_batch // module.world_size
        self.n_chunks = max(1, per_step // self.n_origins)

    def __iter__(self) -> Iterator[Batch]:
        module = self.module
        chunks = tiles(self.origins, self.n_origins)
        if self.most is not None:
            count = max(module.world_size, -(-self.most // self.n_origins))
            chunks = sampled_tiles(chunks, count)
        batches = shared_batches(chunks, self.n_chunks, module.rank, module.world_size)
        yield from module.fetch_each(self.origins, batches, self.n_origins)


class DenseDataModule(pl.LightningDataModule):
    """Training and validation batches of dense chunks from one panel.

    Args:
        panel: all series.
        train_origins, val_origins: the parts of the split; no validation where the latter is None.
        history, horizon: steps before and after an origin.
        origins_per_chunk: of training.
        chunks_per_batch: of a training batch over all ranks.
        seed: of the chunks that are drawn.
        rank, world_size: the number of this process among all that train together. Rank r has a
            contiguous slice of each batch; slices differ by one chunk at most.
        batches_per_step: batches of an optimizer step; together they hold the chunks that one batch
            of as many times the size would.
        most_val_origins: of a validation: of more, a fixed sample of about as many; None: all.

    Raises ConfigError where there are more ranks than chunks.
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
        batches_per_step: int = 1,
        most_val_origins: int | None = None,
    ) -> None:
        super().__init__()
        if chunks_per_batch < world_size:
            raise ConfigError(
                f"`data.chunks_per_batch` (={chunks_per_batch}) must be at least the number of "
                f"ranks (={world_size}), since each trains on a part of every batch"
            )
        self.panel = panel
        self.train_origins, self.val_origins = train_origins, val_origins
        self.history, self.horizon = history, horizon
        self.origins_per_chunk, self.chunks_per_batch = origins_per_chunk, chunks_per_batch
        self.seed = seed
        self.rank, self.world_size = rank, world_size
        self.batches_per_step = batches_per_step
        self.device = panel.values.device  # on which batches are wanted
        self.most_val_origins = most_val_origins

    @property
    def share(self) -> slice:
        """The chunks of each training batch that are this rank's."""
        return share_of(self.chunks_per_batch, self.rank, self.world_size)

    @property
    def terms_per_batch(self) -> int:
        """Terms of the loss in a training batch with nothing missing, over all ranks."""
        forecasts = self.chunks_per_batch * self.origins_per_chunk * self.horizon
        return forecasts * len(self.panel.targets) * self.panel.n_rows

    def _current_step(self) -> int:
        return self.trainer.global_step if self.trainer else 0

    def setup(self, stage: str) -> None:
        """Move to the training device, once."""
        if self.trainer is not None:
            self.move_to(self.trainer.strategy.root_device)

    def move_to(self, device: torch.device) -> None:
        """Have batches on a device from now on, and the panel too where it fits: see placement."""
        if device == self.device:
            return
        left = available_memory(device)
        self.panel = place_panel(self.panel, device, None if left is None else left.n_bytes)
        self.device = device

    def fetch(
        self, origins: OriginRange, series: torch.Tensor, first: torch.Tensor, n_origins: int
    ) -> Batch:
        """Gather chunks of n_origins where the panel lies; the batch is on the training device."""
        place = self.panel.values.device
        batch = gather(
            self.panel,
            origins.to(place),
            series.to(place),
            first.to(place),
            n_origins,
            self.history,
            self.horizon,
        )
        return batch if place.type == self.device.type else move_batch(batch, self.device)

    def fetch_each(
        self, origins: OriginRange, chunks: Iterable[Chunks], n_origins: int
    ) -> Iterator[Batch]:
        """Fetch batch after batch. What the next one needs of a mapped panel is read meanwhile."""
        for now, then in itertools.pairwise(itertools.chain(chunks, [None])):
            if then is not None:
                read_chunks_ahead(self.panel, *then, n_origins, self.history, self.horizon)
            if now is not None:
                yield self.fetch(origins, *now, n_origins)

    def training_batch(self, step: int, part: int = 0) -> Batch:
        """This rank's chunks of one batch of an optimizer step; part: the number of the batch."""
        chunks = self.training_chunks(step, part)
        return self.fetch(self.train_origins, *chunks, self.origins_per_chunk)

    def training_chunks(self, step: int, part: int = 0) -> Chunks:
        """Series and first origins of this rank's chunks of a batch."""
        series, first = draw_chunks(
            self.train_origins,
            self.seed,
            step,
            self.chunks_per_batch * self.batches_per_step,
            self.origins_per_chunk,
        )
        begin = part * self.chunks_per_batch
        mine = slice(begin + self.share.start, begin + self.share.stop)
        return series[mine], first[mine]

    def train_dataloader(self) -> DataLoader[Batch]:
        """An endless loader that starts at the trainer's step, so that a resumed run goes on."""
        return DataLoader(TrainingChunks(self, self._current_step), batch_size=None)

    def val_dataloader(self) -> DataLoader[Batch] | list[DataLoader[Batch]]:
        """One pass over the validation origins, or over a sample; none without such a part."""
        if self.val_origins is None:
            return []
        chunks = ScoredChunks(self, self.val_origins, self.most_val_origins)
        return DataLoader(chunks, batch_size=None)
