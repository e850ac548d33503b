"""Ranks that this process starts: what they tell each other, and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.helpers.forked import fork_ranks
from tests.helpers.frames import daily_frame
from tests.helpers.rank_work import die_on, everything, refuse_on, train
from tests.helpers.ranks import same_tensors
from tests.helpers.runs import QUICK
from tsconv.config.compose import train_config
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.distributed.rank_pool import RankPool
from tsconv.distributed.ranks import RankLost, Ranks
from tsconv.errors import TsconvError
from tsconv.training.prepare import prepare

SIZE = 2


@pytest.fixture(scope="module")
def pool() -> Iterator[RankPool]:
    """One pool for all: it starts its ranks anew where a test has lost some."""
    with pytest.MonkeyPatch.context() as patch:
        fork_ranks(patch)
        with RankPool() as pool:
            yield pool


def test_values_of_any_kind_travel_and_sums_are_the_same_everywhere(pool: RankPool) -> None:
    ranks = pool.get(SIZE)
    value = {"x": torch.arange(3), "frame": pd.DataFrame({"a": ["b", None]})}
    total, count, gathered, answers = ranks.run(everything, value)
    assert torch.equal(total, torch.full((2,), 3.0))
    assert int(count) == 1
    assert [rank for rank, _, _ in gathered] == [0, 1]
    assert all(torch.equal(x, value["x"]) for _, x, _ in gathered)
    assert [tuple(rows.shape) for _, _, rows in gathered] == [(0, 2), (1, 2)]
    assert answers == ["from rank 0"] * 2
    assert pool.get(SIZE) is ranks  # kept for the next job


def test_alone_the_same_calls_give_the_same_without_other_processes() -> None:
    total, count, gathered, answers = Ranks.alone().run(everything, {"x": 1})
    assert total.tolist() == [1.0, 1.0]
    assert int(count) == 0
    assert len(gathered) == len(answers) == 1


@pytest.mark.parametrize("which", [0, 1])
def test_a_fault_on_one_rank_is_told_by_rank_0_and_the_next_job_has_new_ranks(
    pool: RankPool, which: int
) -> None:
    ranks = pool.get(SIZE)
    with pytest.raises(TsconvError, match="line 7 is bad") as fault:
        ranks.run(refuse_on, which)
    assert str(fault.value) == ("line 7 is bad" if which == 0 else "rank 1: line 7 is bad")
    assert ranks.is_broken
    assert pool.get(SIZE) is not ranks


def test_a_killed_rank_is_named(pool: RankPool) -> None:
    with pytest.raises(RankLost, match=r"^rank 1 \(process \d+\) was killed by SIGKILL$"):
        pool.get(SIZE).run(die_on, 1)


def test_all_ranks_end_with_the_same_weights_to_the_last_bit(
    pool: RankPool, tmp_path: Path
) -> None:
    config = train_config([f"{k}={v}" for k, v in {**QUICK, "trainer.max_steps": 6}.items()])
    panel = build_panel(table_from_frame(daily_frame(), config.data))
    prepared = prepare(config, panel)
    found = pool.get(SIZE).run(train, prepared, tmp_path)
    assert found is not None
    first, second = found
    assert same_tensors(first, second)
    assert not same_tensors(first, prepare(config, panel).net.state_dict())
