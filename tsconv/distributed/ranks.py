"""Ranks: the processes that do one job together, and what each of them does with the others."""

from __future__ import annotations

import contextlib
import datetime
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore, Store

from tsconv.data.batches.share import share_of
from tsconv.distributed.child_processes import ChildProcesses
from tsconv.distributed.liveness import SILENCE, Liveness
from tsconv.distributed.rendezvous import Greeting, await_all, greet, greetings_at
from tsconv.distributed.threads import own_cores
from tsconv.distributed.transfer import broadcast, gather
from tsconv.errors import TrainingError, TsconvError, one_line

Result = TypeVar("Result")

# A collective waits as long as it takes: who has died is found out otherwise.
_TIMEOUT = datetime.timedelta(hours=12)
_POLL = datetime.timedelta(seconds=60)  # of an idle rank, for the next job
_READY = "ready"  # key of the store: empty where the group is opened, else what ends it
_EXIT_SECONDS = 0.3  # for a child that was killed to be seen as such
_PARTING_SECONDS = 5.0
_PATIENCE_SECONDS = 20.0  # for children that have been told to end


class RankLost(TrainingError):
    """A rank died, or ended with a fault: what the others were doing cannot go on."""


class Ranks:
    """One process' view of all that do a job together.

    rank, size: its number, and how many there are over all machines. local_rank, local_size: the
    same on its machine. open_store: opens a connection to the store where they meet; None for one
    process. children: those of them that
    this process started. arguments: of this process' command line where a launcher started it.
    store_rank: the rank that serves the store; None where the launcher does.

    Rank 0 calls `run` and at last `finish`; all others are in `serve`. Nothing is waited for before
    the first of these. Of one process, all of it is plain calls:

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
        open_store: Callable[[], Store] | None = None,
        children: ChildProcesses | None = None,
        arguments: Sequence[str] | None = None,
        store_rank: int | None = 0,
    ) -> None:
        self.rank, self.size = rank, size
        self.local_rank, self.local_size = local_rank, local_size
        self._open_store = open_store
        self._store = None if open_store is None else open_store()
        self._liveness: Liveness | None = None
        self._children = children or ChildProcesses()
        self._arguments = arguments
        self._store_rank = store_rank
        self._server: Any = None
        self._jobs = 0  # that rank 0 has sent
        self._joined = self._broken = self._busy = False
        self._lost: str | None = None  # who is gone, noticed between two jobs

    @staticmethod
    def alone() -> Ranks:
        """One process that does the whole job."""
        return Ranks(0, 1)

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, which alone reads, chooses, writes and prints."""
        return self.rank == 0

    @property
    def are_children(self) -> bool:
        """Whether rank 0 started the others, and not a launcher."""
        return bool(self._children.processes)

    @property
    def were_launched(self) -> bool:
        """Whether torchrun or SLURM started them, each with a folder and files of its own."""
        return self.size > 1 and self._arguments is not None

    def own_cores(self) -> AbstractContextManager[None]:
        """A block in which this rank keeps to its part of the cores; a launcher does so itself."""
        return own_cores(self.local_rank, 1 if self.were_launched else self.local_size)

    @property
    def is_broken(self) -> bool:
        """Whether a rank failed or ended, so that no further job can be sent."""
        return self._broken or self._children.have_ended()

    def keep(self, server: Any) -> None:
        """Hold what serves the store until `close`; it ends with the last reference to it."""
        self._server = server

    def share(self, n: int) -> slice:
        """This rank's contiguous part of n equal pieces of work; parts differ by one at most.

        >>> [Ranks(rank, 3).share(7) for rank in range(3)]
        [slice(0, 2, None), slice(2, 4, None), slice(4, 7, None)]
        """
        return share_of(n, self.rank, self.size)

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
        if self.size > 1:
            dist.all_reduce(torch.zeros(1))

    def run(self, function: Callable[..., Result], *arguments: Any, **local: Any) -> Result:
        """Call `function(ranks, *arguments)` on every rank; return the result of rank 0.

        function: of a module, since the others import it by its name. local: keyword arguments
        that this process alone gets. Raises RankLost where another rank ends before it is done.
        """
        if self.size == 1:
            return function(self, *arguments, **local)
        with self.explained():
            if self._lost is not None:
                raise RankLost(self._lost)
            self._send("run", (function, arguments))
            return function(self, *arguments, **local)

    def finish(self, value: Any = None) -> None:
        """Let `serve` return a value on the other ranks."""
        self._broken = self.is_broken
        if self.size == 1 or self._broken:
            return
        if value is None and not self._joined:  # they were not needed
            assert self._store is not None
            self._store.set(_READY, "end")
            return
        with self.explained():
            self._send("end", value)

    def fail(self, message: str) -> None:
        """Let `serve` raise a TsconvError on the other ranks; nothing is waited for."""
        if self._store is not None:
            self._broken = True
            with contextlib.suppress(RuntimeError):
                key = f"job/{self._jobs}" if self._joined else _READY
                self._store.set(key, f"fail {message}")

    def serve(self) -> Any:
        """Run the jobs that rank 0 sends, and return what it gives to `finish`.

        Raises TsconvError with the message of `fail`, RankLost where rank 0 dies.
        """
        with self.explained():
            while True:
                kind = self._next_job()
                if kind.startswith("fail "):
                    self._broken = True
                    raise TsconvError(kind.removeprefix("fail "))
                if kind == "end" and not self._joined:
                    return None
                content = broadcast(None, is_source=False)
                if kind == "end":
                    return content
                function, arguments = content
                with contextlib.suppress(KeyboardInterrupt):  # all ranks stopped after one step
                    function(self, *arguments)

    def close(self) -> None:
        """Leave the process group, and end the children."""
        joined, self._joined = self._joined, False
        if self._liveness is not None:
            self._liveness.leave()
        if self._broken or not joined:
            self._children.end(0.0)
        else:
            self._children.end(_PATIENCE_SECONDS)
        if joined and dist.is_initialized():
            with contextlib.suppress(RuntimeError):  # its connections may be broken
                dist.destroy_process_group()
        if self.were_launched:
            self._part()
        self._store = self._server = None

    def _part(self) -> None:
        """Let rank 0, which may serve the store, be the last to go."""
        with contextlib.suppress(RuntimeError):
            assert self._store is not None
            self._store.set(f"parted/{self.rank}", "")
            everybody = [f"parted/{rank}" for rank in range(self.size)]
            end = time.monotonic() + _PARTING_SECONDS
            while self.is_main and not self._store.check(everybody) and time.monotonic() < end:
                time.sleep(0.05)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the failure of a collective into a RankLost that says which rank is gone.

        A fault of this rank's own is left as it is, and told to the others. A KeyboardInterrupt
        with `is_agreed` was raised by all ranks after the same step: they can take another job.
        """
        self._busy = True
        try:
            yield
        except Exception as error:
            self._broken = True
            reason = self._explain() if _is_of_others(error) else None
            if self._liveness is not None:
                self._liveness.leave("" if reason else one_line(error), reason or "")
            if reason is None:
                raise
            raise RankLost(reason) from error
        except BaseException as stop:
            # Ctrl-C in the middle of a job: the others may wait in a collective.
            self._broken = self._broken or not getattr(stop, "is_agreed", False)
            raise
        finally:
            self._busy = False

    @property
    def reports(self) -> bool:
        """Whether this is the lowest rank that is still there: it alone prints."""
        if self._liveness is None:  # the first job has not begun: only rank 0 can be missed
            return self.is_main or (self.rank == 1 and self._store_rank == 0)
        return self.is_main or self._liveness.reports

    def _explain(self) -> str | None:
        killed = self._children.killed(_EXIT_SECONDS)
        said = None
        if not killed:
            said = self._lost_store() if self._liveness is None else self._liveness.explain()
            killed = self._children.killed()
        return "; ".join(killed) if killed else said

    def _lost_store(self) -> str:
        """Say who served the store, before the ranks know more of each other."""
        who = "the launcher" if self._store_rank is None else f"rank {self._store_rank}"
        return f"{who} {SILENCE}"

    def _send(self, kind: str, content: Any) -> None:
        assert self._store is not None
        # Idle ranks wait at the store: a collective would keep a processor busy, or time out.
        self._join()
        self._store.set(f"job/{self._jobs}", kind)
        self._jobs += 1
        broadcast(content, is_source=True)

    def _next_job(self) -> str:
        if not self._joined:
            assert self._store is not None
            greet(self._store, self.rank, Greeting.of_this_process(self._arguments))
            news = self._await(_READY)
            if news:  # rank 0 ended before it needed the others
                return news
            self._open_group()
        self._jobs += 1
        return self._await(f"job/{self._jobs - 1}")

    def _await(self, key: str) -> str:
        """Return what stands at a key of the store, as soon as it does."""
        assert self._store is not None
        while True:
            with contextlib.suppress(dist.DistStoreError):  # nothing yet
                self._store.wait([key], _POLL)
                return self._store.get(key).decode()

    def _join(self) -> None:
        """On rank 0: wait for all others, check that they fit, and open the process group."""
        if self._joined:
            return
        assert self._store is not None
        greet(self._store, self.rank, Greeting.of_this_process(self._arguments))
        await_all(self._store, self.size, self._children.require_alive)
        self._children.require_alive()  # one may have died after it greeted
        self._store.set(_READY, "")
        self._open_group()

    def _open_group(self) -> None:
        """Tensors on the CPU travel by gloo, those on a GPU by nccl."""
        both = torch.cuda.is_available() and dist.is_nccl_available()
        assert self._store is not None
        assert self._open_store is not None
        # First, since the group waits for hours for a rank that died after it greeted.
        self._liveness = Liveness(
            self._open_store,
            self.rank,
            greetings_at(self._store, self.size),
            self._end_at_once,
            store_rank=self._store_rank,
        )
        self._liveness.start()
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if both else "gloo",
            store=PrefixStore("group", self._store),
            rank=self.rank,
            world_size=self.size,
            timeout=_TIMEOUT,
        )
        self._joined = True

    def _end_at_once(self, reason: str) -> None:
        """End this process, whose main thread may wait for a rank that is gone.

        Between two jobs nobody waits: the process may be a user's own, and goes on.
        """
        # Set first: a job that begins meanwhile is refused, or else is seen to be busy.
        self._lost, self._broken = reason, True
        if self.are_children and not self._busy:
            return
        if self.reports:
            print(f"tsconv: {reason}", file=sys.stderr, flush=True)
        self._children.end(0.0)  # one that is stopped would stay
        os._exit(1)


def _is_of_others(error: Exception) -> bool:
    """Whether an exception is what a collective raises where another rank is gone."""
    text = str(error)
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and any(name in text for name in ("gloo", "NCCL", "nccl"))
    )
