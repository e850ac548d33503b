"""Values that travel between ranks arrive as they were, in as many messages as they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.distributed as dist

from tests.helpers.rank_processes import RankFailed, run_ranks
from tests.helpers.ranks import same_tensors
from tsconv.data.mapped import MappedFile, mapped_file
from tsconv.distributed import transfer
from tsconv.distributed.transfer import Packed, broadcast, gather
from tsconv.errors import DataError


def nested(rank: int) -> dict[str, Any]:
    """Tensors and arrays among other values; no two ranks have the same shapes."""
    return {
        "rows": torch.arange(10.0 * rank).view(rank, 10),  # none for rank 0
        "mask": [torch.tensor([True, False]), (torch.tensor(rank), None)],
        "array": np.arange(50 + rank, dtype=np.float32),
        "none": np.empty((0, 3)),
        "frame": pd.DataFrame({"id": ["a", None], "y": [1.0, float(rank)]}),
        "layer": torch.nn.Linear(2, 3 + rank),
    }


def assert_nested(value: dict[str, Any], rank: int) -> None:
    expected = nested(rank)
    assert torch.equal(value["rows"], expected["rows"])
    mask, (number, nothing) = value["mask"]
    assert mask.tolist() == [True, False]
    assert (number.shape, int(number), nothing) == ((), rank, None)
    assert np.array_equal(value["array"], expected["array"])
    assert value["none"].shape == (0, 3)
    pd.testing.assert_frame_equal(value["frame"], expected["frame"])
    assert value["layer"].weight.shape == (3 + rank, 2)
    assert value["layer"].weight.requires_grad


def _send_both_ways(most_bytes: int) -> Any:
    transfer._MOST_BYTES = most_bytes
    rank, size = dist.get_rank(), dist.get_world_size()
    assert_nested(broadcast(nested(2) if rank == 0 else "not looked at", rank == 0), 2)
    return gather(nested(rank), rank, size)


@pytest.mark.parametrize("most_bytes", [2**28, 7], ids=["one message", "many messages"])
def test_nested_values_go_to_all_and_come_back_in_rank_order(most_bytes: int) -> None:
    first, *others = run_ranks(3, _send_both_ways, most_bytes)
    assert others == [None, None]
    for rank, value in enumerate(first):
        assert_nested(value, rank)


def _send_what_cannot_be_pickled() -> None:
    broadcast((lambda: 0) if dist.get_rank() == 0 else None, dist.get_rank() == 0)


def test_a_value_that_cannot_travel_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(RankFailed, match=r"rank 0: [^$]*<lambda>"):
        run_ranks(2, _send_what_cannot_be_pickled)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"a": [1, ("b", 2.5)]},
        torch.zeros(0, 3),
        torch.tensor(2.0),
        torch.tensor([True, False]),
        torch.arange(6).view(2, 3).T,
        torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        torch.nn.Parameter(torch.ones(2)),
        np.arange(4.0),
        pd.Series(["a", "b"]),
        torch.nn.Linear(2, 3),
    ],
    ids=lambda v: type(v).__name__,
)
def test_a_value_is_put_together_as_it_was(value: object) -> None:
    packed = Packed.pack(value)
    room = Packed.room_for(packed.layout)
    for there, message in zip(room.messages, packed.messages, strict=True):
        there.copy_(message)
    back = room.unpack()
    assert type(back) is type(value)
    if isinstance(value, torch.Tensor):
        assert back.dtype == value.dtype
        assert torch.equal(back, value)
    elif isinstance(value, torch.nn.Module):
        assert same_tensors(back.state_dict(), value.state_dict())
    elif isinstance(value, np.ndarray | pd.Series):
        assert list(back) == list(value)
        assert back.dtype == value.dtype
    else:
        assert back == value


def test_a_mapped_tensor_travels_as_the_name_of_its_file(tmp_path: Path) -> None:
    np.arange(30_000.0).tofile(tmp_path / "values.bin")
    tensor = MappedFile(str(tmp_path / "values.bin"), (10_000, 3)).map()
    packed = Packed.pack({"values": tensor, "part": tensor[:2]})
    assert sum(len(message) for message in packed.messages) < 10_000
    found = packed.unpack()
    assert torch.equal(found["values"], tensor)
    assert mapped_file(found["values"]) == mapped_file(tensor)
    assert found["part"].tolist() == tensor[:2].tolist()


def test_a_rank_that_does_not_see_the_file_says_so(tmp_path: Path) -> None:
    np.arange(6.0).tofile(tmp_path / "values.bin")
    packed = Packed.pack(MappedFile(str(tmp_path / "values.bin"), (3, 2)).map())
    (tmp_path / "values.bin").unlink()
    with pytest.raises(DataError, match=r"values\.bin.*all processes must see it"):
        packed.unpack()
