"""Where a panel lies, by sizes that are made up; and batches of the host on another device."""

from __future__ import annotations

import pytest
import torch

from tests.helpers.panels import panel_of_zeros
from tsconv.data.batches.chunks import gather
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.placement import fits_on, move_batch, place_panel

META = torch.device("meta")  # in place of a GPU: tensors without values


@pytest.mark.parametrize(
    ("panel", "free", "fits"),
    [(10, 100, True), (50, 100, True), (51, 100, False), (10, None, True), (0, 0, True)],
)
def test_half_of_what_is_free_may_be_taken(panel: int, free: int | None, fits: bool) -> None:
    assert fits_on(panel, free) is fits


def test_a_panel_goes_to_the_device_where_it_fits() -> None:
    panel = panel_of_zeros("D", 3, 20)
    size = sum(t.numel() * t.element_size() for t in panel.tensors())
    assert place_panel(panel, META, 2 * size).values.device == META
    assert place_panel(panel, META, 2 * size - 1) is panel


def test_on_the_cpu_the_values_stay_where_they_are() -> None:
    panel = panel_of_zeros("D", 3, 20)
    assert place_panel(panel, torch.device("cpu"), 0).values is panel.values


def test_all_of_a_batch_moves() -> None:
    panel = panel_of_zeros("D", 3, 20)
    ends = panel.lengths
    origins = OriginRange(torch.zeros_like(ends), ends - 2, ends)
    batch = gather(panel, origins, torch.tensor([0, 1]), torch.tensor([3, 4]), 2, 3, 2)
    moved = move_batch(batch, META)
    for name, part in moved._asdict().items():
        if part is not None:
            assert part.device == META, name
            assert part.shape == getattr(batch, name).shape
