"""Ranks: the processes that do one job together, and what each of them does with the others."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from tsconv.distributed.transfer import broadcast, gather
from tsconv.errors import TrainingError, TsconvError, one_line

Result = TypeVar("Result")

# A collective that takes longer has no hope: the ranks in it are looked after by `Liveness`.
_TIMEOUT = datetime.timedelta(hours=12)
_POLL = datetime.timedelta(seconds=60)  # of an idle rank, for the next job


@dataclasses.dataclass
class _Ending:
    """The last thing that rank 0 sends: what `serve` returns, or the error that it raises."""

    value: Any = None
    error: TsconvError | None = None


class Ranks:
    """One process' view of all that do a job together.

    rank, size: its number, and how many there are over all machines. local_rank, local_size: the
    same on its machine.

    Rank 0 calls `run`; all others are in `serve`. Of one process, all of it is plain calls:

    >>> ranks = Ranks.alone()
    >>> ranks.share(10), ranks.broadcast("value"), ranks.gather(1)
    (slice(0, 10, None), 'value', [1])
    """

    def __init__(
        self,
        rank: int,
        size: int,
        local_rank: int = 0,
        local_size: int = 1,
        store: dist.Store | None = None,
    ) -> None:
        self.rank, self.size = rank, size
        self.local_rank, self.local_size = local_rank, local_size
        self._store = store
        self._jobs = 0  # that rank 0 has sent

    @staticmethod
    def alone() -> Ranks:
        """One process that does the whole job."""
        return Ranks(0, 1)

    @staticmethod
    def join(
        store: dist.Store, rank: int, size: int, local_rank: int, local_size: int
    ) -> Ranks:
        """Meet the other ranks at a store and open the process group; returns when all are there.

        Tensors on the CPU travel by gloo, those on a GPU by nccl.
        """
        both = torch.cuda.is_available() and dist.is_nccl_available()
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if both else "gloo",
            store=dist.PrefixStore("group", store),
            rank=rank,
            world_size=size,
            timeout=_TIMEOUT,
        )
        return Ranks(rank, size, local_rank, local_size, store)

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, which alone reads, chooses, writes and prints."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """This rank's contiguous part of n equal pieces of work; parts differ by one at most.

        >>> [Ranks(rank, 3).share(7) for rank in range(3)]
        [slice(0, 2, None), slice(2, 4, None), slice(4, 7, None)]
        """
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    def sum_(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all ranks, in place; the same bits on every rank."""
        if self.size > 1:
            for tensor in tensors:
                dist.all_reduce(tensor)

    def broadcast(self, value: Any) -> Any:
        """Return rank 0's value; tensors of it arrive on the CPU."""
        return value if self.size == 1 else broadcast(value, self.is_main)

    def gather(self, value: Any) -> list[Any] | None:
        """Return every rank's value in rank order on rank 0, None on the others."""
        return [value] if self.size == 1 else gather(value, self.rank, self.size)

    def barrier(self) -> None:
        """Wait until every rank is here."""
        self.broadcast(None)
        self.gather(None)

    def run(self, function: Callable[..., Result], *arguments: Any, **local: Any) -> Result:
        """Call `function(ranks, *arguments)` on every rank; return the result of rank 0.

        function: of a module, since the others import it by its name. local: keyword arguments
        that this process alone gets.
        """
        if self.size > 1:
            self._send("run", (function, arguments))
        return function(self, *arguments, **local)

    def finish(self, value: Any = None, error: TsconvError | None = None) -> None:
        """Let the other ranks' `serve` return a value, or raise an error."""
        if self.size > 1:
            self._send("end", _Ending(value, error))

    def serve(self) -> Any:
        """Run the jobs that rank 0 sends, and return what it gives to `finish`."""
        while True:
            kind, content = self._receive()
            if kind == "end":
                if content.error is not None:
                    raise content.error
                return content.value
            function, arguments = content
            function(self, *arguments)

    def close(self) -> None:
        """Leave the process group."""
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()

    def _send(self, kind: str, content: Any) -> None:
        assert self._store is not None
        # Idle ranks wait at the store, for as long as it takes: a collective would time out.
        self._store.set(f"job/{self._jobs}", kind)
        self._jobs += 1
        broadcast(content, is_source=True)

    def _receive(self) -> tuple[str, Any]:
        assert self._store is not None
        key = f"job/{self._jobs}"
        while True:
            try:
                self._store.wait([key], _POLL)
                break
            except dist.DistStoreError:  # nothing to do yet
                continue
        kind = self._store.get(key).decode()
        self._jobs += 1
        return kind, broadcast(None, is_source=False)
