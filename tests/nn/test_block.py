"""Dropout on a part of a batch: what it would have done within the whole batch."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.nn.block import SpatialDropout, set_batch_share
from tsconv.nn.tcn import TemporalStack

CHUNKS = 5
PARTS = {"halves": [(0, 2), (2, 3)], "uneven": [(0, 1), (1, 4)], "three": [(0, 1), (1, 2), (3, 2)]}


def seeded(net: nn.Module, *args: Any) -> Any:
    torch.manual_seed(7)
    return net(*args)


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"channels": "mixed", "n_targets": 2},
        {"n_rows": 3, "rows": "pooled", "cross_row": "mean"},
        {"n_rows": 3, "rows": "separate", "cross_row": "dense", "gated": True},
    ],
    ids=["independent", "mixed", "pooled", "separate"],
)
def test_a_network_drops_the_same_in_a_part_as_in_the_whole(
    spec: dict[str, Any], parts: list[tuple[int, int]]
) -> None:
    net = ForecastNet(NetSpec(4, 8, hidden=6, levels=3, dropout=0.5, **spec)).double().train()
    with torch.no_grad():
        for p in net.parameters():
            p.normal_(std=0.3)
    x = torch.randn(CHUNKS, 2, 3, 30, dtype=torch.float64)  # two targets, three rows
    mask = (torch.rand_like(x) > 0.2).double()
    whole = seeded(net, x * mask, mask, 5).values()
    for first, count in parts:
        set_batch_share(net, first, count, CHUNKS)
        mine = slice(first, first + count)
        part = seeded(net, (x * mask)[mine], mask[mine], 5).values()
        torch.testing.assert_close(part, whole[mine], rtol=0, atol=1e-10)
    set_batch_share(net, 0, 2, CHUNKS)
    other = seeded(net, (x * mask)[2:4], mask[2:4], 5).values()
    assert not torch.allclose(other, whole[2:4])  # another part is another draw


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_series_with_filters_of_their_own_drop_the_same(parts: list[tuple[int, int]]) -> None:
    spec = NetSpec(4, 8, hidden=6, levels=3, dropout=0.5, series="separate", n_series=CHUNKS)
    net = ForecastNet(spec).double().train()
    with torch.no_grad():
        for p in net.parameters():
            p.normal_(std=0.3)
    x = torch.randn(CHUNKS, 2, 30, dtype=torch.float64)
    numbers = torch.arange(CHUNKS)
    whole = seeded(net, x, torch.ones_like(x), 5, numbers).values()
    for first, count in parts:
        set_batch_share(net, first, count, CHUNKS, net.series_as_rows)
        mine = slice(first, first + count)
        part = seeded(net, x[mine], torch.ones_like(x[mine]), 5, numbers[mine]).values()
        torch.testing.assert_close(part, whole[mine], rtol=0, atol=1e-10)


def test_a_stack_without_rows_drops_the_same() -> None:
    stack = TemporalStack(6, 3, 2, dropout=0.4).train()
    x = torch.randn(CHUNKS, 20, 6)
    whole = seeded(stack, x)
    set_batch_share(stack, 3, 2, CHUNKS)
    torch.testing.assert_close(seeded(stack, x[3:]), whole[3:])


def test_the_whole_batch_is_drawn_as_without_a_share() -> None:
    dropout, x = SpatialDropout(0.3).train(), torch.randn(2, 4, 6, 3)
    before = seeded(dropout, x)
    set_batch_share(dropout, 0, 4, 4)
    assert dropout.share is None
    assert torch.equal(seeded(dropout, x), before)


def test_compiled_dropout_drops_the_same() -> None:
    def compiled(module: nn.Module, x: Tensor) -> Tensor:
        out: Tensor = seeded(torch.compile(module, dynamic=False), x)
        return out

    dropout, x = SpatialDropout(0.5).train(), torch.ones(3, 2 * CHUNKS, 6, 4)
    whole = compiled(dropout, x).view(3, 2, CHUNKS, 6, 4)
    set_batch_share(dropout, 3, 2, CHUNKS)
    part = compiled(dropout, x[:, :4]).view(3, 2, 2, 6, 4)
    assert torch.equal(part, whole[:, :, 3:])
