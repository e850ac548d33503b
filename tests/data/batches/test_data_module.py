"""The batches of one rank among several: slices of the batches that one rank alone would have."""

from typing import Any

import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.panels import panel_of
from tsconv.data.batches.chunks import Batch
from tsconv.data.batches.data_module import DenseDataModule, ScoredChunks
from tsconv.data.batches.split import split_panel
from tsconv.errors import ConfigError

FRAME = daily_frame(3, 60).drop(index=range(100, 115))  # series of several lengths


def data(**changed: Any) -> DenseDataModule:
    panel = panel_of(FRAME)
    split = split_panel(panel, horizon=4, val_size=12, test_size=0)
    sizes = {"history": 9, "horizon": 4, "origins_per_chunk": 6, "chunks_per_batch": 7, "seed": 3}
    return DenseDataModule(panel, split.train, split.val, **{**sizes, **changed})


def assert_joined(parts: list[Batch], whole: Batch) -> None:
    """The parts, one behind the other, are the whole."""
    for name in ("x", "mask", "y", "y_mask", "valid", "series", "first"):
        joined = torch.cat([getattr(part, name) for part in parts])
        assert torch.equal(joined, getattr(whole, name)), name


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_slices_of_all_ranks_are_the_batch(size: int) -> None:
    ranks = [data(rank=rank, world_size=size) for rank in range(size)]
    for step in (0, 5):
        parts = [rank.training_batch(step) for rank in ranks]
        assert max(len(p.x) for p in parts) - min(len(p.x) for p in parts) <= 1
        assert_joined(parts, data().training_batch(step))


def test_the_batches_of_a_step_are_one_of_as_many_times_the_size() -> None:
    ranks = [data(rank=rank, world_size=2, batches_per_step=3) for rank in range(2)]
    streams = [iter(rank.train_dataloader()) for rank in ranks]
    whole = data(chunks_per_batch=21)
    for step in range(2):
        parts = [[next(stream) for _ in range(3)] for stream in streams]
        in_order = [parts[rank][part] for part in range(3) for rank in range(2)]
        assert_joined(in_order, whole.training_batch(step))


def test_more_ranks_than_chunks_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"`data.chunks_per_batch` \(=3\) .* ranks \(=4\)"):
        data(chunks_per_batch=3, rank=0, world_size=4)


@pytest.mark.parametrize("size", [1, 2, 5, 7])
def test_validation_is_shared_out(size: int) -> None:
    def origins(module: DenseDataModule) -> list[tuple[int, int]]:
        assert module.val_origins is not None
        return [
            (int(s), int(f) + o)
            for batch in ScoredChunks(module, module.val_origins)
            for s, f, valid in zip(batch.series, batch.first, batch.valid, strict=True)
            for o in torch.nonzero(valid).flatten().tolist()
        ]

    met = [origins(data(rank=rank, world_size=size)) for rank in range(size)]
    assert [o for part in met for o in part] == origins(data())
    assert all(met)


@pytest.mark.parametrize("size", [1, 3])
def test_a_large_part_is_validated_on_a_fixed_sample(size: int) -> None:
    def met(most: int | None, **changed: Any) -> list[tuple[int, int]]:
        found = []
        for rank in range(size):
            module = data(
                rank=rank, world_size=size, most_val_origins=most, origins_per_chunk=2, **changed
            )
            for batch in module.val_dataloader():
                found += list(zip(batch.series.tolist(), batch.first.tolist(), strict=True))
        return found

    whole, some = met(None), met(9)
    assert len(some) == 5  # tiles of two origins
    assert set(some) < set(whole)
    assert some == sorted(some)
    assert {series for series, _ in some} == {0, 1, 2}
    assert some == met(9, seed=4)  # losses of several seeds are of one sample
    assert met(1000) == whole
