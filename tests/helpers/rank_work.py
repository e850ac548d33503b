"""What ranks do in tests: functions that they import by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import torch

from tsconv.distributed.ranks import Ranks
from tsconv.errors import DataError
from tsconv.training.lightning.loop import run_trainer
from tsconv.training.prepare import Prepared


def everything(ranks: Ranks, value: dict[str, object]) -> tuple[object, ...]:
    """Use each way that ranks have to talk; return what rank 0 got."""
    total = torch.full((2,), float(ranks.rank + 1))
    count = torch.tensor(ranks.rank, dtype=torch.int64)
    ranks.sum_([total, count])
    gathered = ranks.gather((ranks.rank, value["x"], torch.full((ranks.rank, 2), 1.0)))
    said = ranks.broadcast("from rank 0" if ranks.is_main else None)
    answers = ranks.gather(said)
    ranks.barrier()
    return total, count, gathered, answers


def refuse_on(ranks: Ranks, which: int) -> None:
    """Find a fault on one rank, while the others wait for it."""
    if ranks.rank == which:
        raise DataError("line 7 is bad")
    ranks.barrier()


def die_on(ranks: Ranks, which: int) -> None:
    """Die on one rank, while the others wait for it."""
    if ranks.rank == which:
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    ranks.barrier()


def train(ranks: Ranks, prepared: Prepared, folder: Path) -> list[dict[str, torch.Tensor]] | None:
    """Train together; return the weights that each rank ends with."""
    prepared.seed_process()
    data = prepared.data(ranks.rank, ranks.size)
    run_trainer(prepared.module(), data, prepared.config, folder, ranks=ranks)
    return ranks.gather(prepared.net.state_dict())
