"""Dense chunks: the gather, the counter-based sampler, the sweep over every origin."""

import torch

from tests.helpers.frames import long
from tests.helpers.panels import panel_of
from tsconv.data.batches.chunks import draw_chunks, gather, sampled_tiles, tile_chunks
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import split_panel


def toy() -> tuple:
    rows = [("a", t, float(t)) for t in range(20)] + [("b", t, 100.0 + t) for t in (0, 1, 3, 4, 5)]
    panel = panel_of(long(rows))
    origins = OriginRange(torch.tensor([0, 0]), torch.tensor([15, 3]), torch.tensor([17, 5]))
    return panel, origins


def test_gather_fetches_history_origins_and_targets() -> None:
    panel, origins = toy()
    batch = gather(panel, origins, torch.tensor([0, 1]), torch.tensor([4, 2]), 3, 5, 2)
    assert batch.x.shape == (2, 1, 1, 8)
    # Series a: origins 4, 5, 6 after history -1..3; values count from its first one.
    assert batch.x[0, 0, 0].tolist() == [0, 0, 1, 2, 3, 4, 5, 6]
    assert batch.mask[0, 0, 0].tolist() == [0, 1, 1, 1, 1, 1, 1, 1]
    assert batch.y[0, 0, 0].tolist() == [5, 6, 7, 8]
    # Series b: step 2 is a hole, step 5 lies beyond the end, steps 6.. do not exist.
    assert batch.mask[1, 0, 0].tolist() == [0, 0, 0, 1, 1, 0, 1, 1]
    assert batch.y_mask[1, 0, 0].tolist() == [1, 1, 0, 0]
    assert batch.valid.tolist() == [[True] * 3, [True, True, False]]


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    _, origins = toy()
    first = draw_chunks(origins, 3, 11, 64, 4)
    assert all(
        torch.equal(a, b) for a, b in zip(first, draw_chunks(origins, 3, 11, 64, 4), strict=True)
    )
    for other in (draw_chunks(origins, 3, 12, 64, 4), draw_chunks(origins, 4, 11, 64, 4)):
        assert not torch.equal(first[1], other[1])


def test_a_smaller_batch_is_the_start_of_a_larger_one() -> None:
    """So that N ranks with a slice each train on what one rank with the whole batch would."""
    _, origins = toy()
    small, large = draw_chunks(origins, 0, 5, 8, 4), draw_chunks(origins, 0, 5, 64, 4)
    assert all(torch.equal(a, b[:8]) for a, b in zip(small, large, strict=True))


def test_drawn_chunks_stay_inside_and_follow_the_counts() -> None:
    _, origins = toy()
    series, first = draw_chunks(origins, 0, 0, 4000, 4)
    assert (first >= origins.first[series]).all()
    assert (first[series == 0] + 3 <= 15).all()
    assert set(first[series == 0].tolist()) == set(range(13))
    assert abs((series == 0).double().mean() - 16 / 20) < 0.03


def test_a_sweep_meets_every_origin_once() -> None:
    panel, origins = toy()
    seen = []
    for series, first in tile_chunks(origins, 3, 2):
        batch = gather(panel, origins, series, first, 3, 5, 2)
        for b in range(len(series)):
            steps = first[b] + torch.arange(3)
            seen += [(int(series[b]), int(t)) for t in steps[batch.valid[b]]]
    assert sorted(seen) == [(0, t) for t in range(16)] + [(1, t) for t in range(4)]


def test_split_scores_whole_horizons_only() -> None:
    panel, _ = toy()
    split = split_panel(panel, horizon=2, val_size=4, test_size=5)
    assert split.train_end.tolist() == [11, 0]
    assert split.train.last.tolist()[0] == 9  # step 10 is its last target
    assert split.test is not None
    assert split.val is not None
    assert (split.val.first[0], split.val.last[0], split.val.end[0]) == (10, 12, 15)
    assert (split.test.first[0], split.test.last[0]) == (14, 17)
    assert split.test.counts.tolist() == [4, 4]  # 5 steps less a horizon of 2, and one


def test_a_sample_of_tiles_takes_one_of_each_stretch() -> None:
    series, first = torch.arange(1000) // 7, torch.arange(1000) % 7
    taken, at = sampled_tiles((series, first), 40)
    place = taken * 7 + at
    assert (place // 25).tolist() == list(range(40))
    assert set(at.tolist()) == set(range(7))  # all times, though 25 tiles are no whole series
    assert sampled_tiles((series, first), 1000)[0] is series
