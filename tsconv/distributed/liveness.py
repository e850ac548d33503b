"""Who of the ranks is alive: each tells the store every second, and looks at the others.

A collective of gloo fails at once where a neighbour died, but does not say whose process that was,
and ranks further off wait on; a collective of nccl waits in silence. So ranks look after each other
beside it, by threads and a connection of their own.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Sequence

import torch.distributed as dist
from torch.distributed.distributed_c10d import Store

from tsconv.distributed.rendezvous import Greeting
from tsconv.errors import ConfigError

_INTERVAL = 1.0  # seconds between two beats
_MISSED_BEATS = 4  # that make a rank count as gone, where a collective failed
_LOST_SECONDS = 40.0  # without a beat before a rank is given up, where none has failed

# What stands at a rank's key: a beat, or its last words.
_BEAT, _END, _FAULT, _FOUND = "beat ", "end", "fault ", "found "
SILENCE = "fell silent: killed, stopped or out of reach"


class Liveness:
    """Beats for this rank, and knows who else does.

    Silence is counted in this rank's own rounds, not by the clock: a rank that was stopped for a
    while together with the others finds nobody missing when it goes on.

    Args:
        open_store: opens a connection of this thread's own; a store that waits blocks all that
            share its connection.
        rank: of this process.
        greetings: of all ranks, for messages.
        on_lost: is called once, from a thread, with a line that names ranks that have been gone
            for `lost_after` seconds: the main thread may hang in a collective with them.
        interval, lost_after: seconds.
        store_rank: the rank whose process serves the store; None where a launcher does.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        rank: int,
        greetings: Sequence[Greeting],
        on_lost: Callable[[str], None],
        interval: float = _INTERVAL,
        lost_after: float = _LOST_SECONDS,
        store_rank: int | None = 0,
    ) -> None:
        self._open_store, self.rank, self._greetings = open_store, rank, greetings
        self._on_lost, self._interval, self._lost_after = on_lost, interval, lost_after
        self._store_rank = store_rank
        self._others = [r for r in range(len(greetings)) if r != rank]
        self._said = dict.fromkeys(self._others, "")  # what stood last at each rank's key
        self._news = dict.fromkeys(self._others, 0)  # how often that changed
        self._missed = dict.fromkeys(self._others, 0)  # rounds since it last changed
        self._rounds = 0  # that were completed
        self._stalled = 0  # intervals since one was: the store does not answer, or is gone
        self._store_is_gone = False
        self._last_words = _END
        self._closed = threading.Event()
        # Where the store's machine falls silent its calls do not return, whatever their timeout,
        # and a connection is tried for minutes: so another thread watches.
        self._beating = threading.Thread(target=self._beat, name="tsconv-beats", daemon=True)
        self._watching = threading.Thread(target=self._watch, name="tsconv-watch", daemon=True)

    def start(self) -> None:
        """Begin to beat and to listen."""
        self._beating.start()
        self._watching.start()

    def leave(self, fault: str = "", found: str = "") -> None:
        """Tell the others that this rank ends, and why: neither is given for a normal end.

        fault: what went wrong in this rank. found: the line of `explain`, where another is gone.
        """
        if self._closed.is_set():
            return
        self._last_words = _FAULT + fault if fault else _FOUND + found if found else _END
        self._closed.set()
        if self._beating.is_alive():
            self._beating.join(3 * self._interval)
        if self.rank == self._store_rank and self._last_words != _END:
            time.sleep(2 * self._interval)  # with this process ends the store: let the others hear

    @property
    def reports(self) -> bool:
        """Whether this is the lowest rank that can still speak: it alone prints.

        A lower rank that ended on purpose has spoken for itself.
        """
        return set(range(self.rank)) <= set(self._gone())

    def explain(self, timeout: float = 15.0) -> str | None:
        """Say who is gone, after a collective failed here; None where nobody is.

        Waits until each of the others has beaten anew, has left, or has missed a few beats. What a
        rank said is preferred to silence.
        """
        before = dict(self._news)
        end = time.monotonic() + timeout
        while not self._is_clear(before) and time.monotonic() < end:
            time.sleep(self._interval / 10)
        return self._told() or self._silence(self._gone())

    def _is_clear(self, before: dict[int, int]) -> bool:
        """Whether it is known of every other rank how it is, since `before`."""
        gone = self._gone()
        return (
            self._told() is not None
            or self._has_no_store()
            # The first of two news may have been on its way already.
            or all(
                r in gone or self._has_ended(r) or self._news[r] >= before[r] + 2
                for r in self._others
            )
        )

    def _has_ended(self, rank: int) -> bool:
        """Whether a rank ended on purpose."""
        return bool(self._said[rank]) and not self._said[rank].startswith(_BEAT)

    def _has_no_store(self) -> bool:
        """Whether the store is gone, or does not answer."""
        return self._store_is_gone or self._stalled >= _MISSED_BEATS

    def _gone(self) -> list[int]:
        """The other ranks that fell silent, without a last word."""
        no_store = self._has_no_store()
        return [
            r
            for r in self._others
            if not self._has_ended(r)
            and (self._missed[r] >= _MISSED_BEATS or (no_store and r == self._store_rank))
        ]

    def _told(self) -> str | None:
        """The faults of other ranks, or else what one of them found."""
        faults = [
            f"rank {r}: {said.removeprefix(_FAULT)}"
            for r, said in self._said.items()
            if said.startswith(_FAULT)
        ]
        found = [s.removeprefix(_FOUND) for s in self._said.values() if s.startswith(_FOUND)]
        return "; ".join(faults or found[:1]) or None

    def _silence(self, ranks: Collection[int]) -> str | None:
        """A line that says of ranks that they are gone; None for none."""
        named = [
            f"rank {r} (process {self._greetings[r].pid} on {self._greetings[r].host})"
            for r in ranks
        ]
        if not named and self._store_rank is None and self._has_no_store():
            named = ["the launcher"]
        return f"{', '.join(named)} {SILENCE}" if named else None

    def _beat(self) -> None:
        """Tell the store that this rank is there, and hear of the others, until `leave`."""
        try:
            store = self._open_store()
            while not self._closed.is_set():
                store.set(_key(self.rank), f"{_BEAT}{self._rounds}")
                self._listen(store)
                self._rounds += 1
                self._closed.wait(self._interval)
            store.set(_key(self.rank), self._last_words)
        except (dist.DistError, RuntimeError, ConfigError):  # whoever served the store has ended
            self._store_is_gone = not self._closed.is_set()

    def _listen(self, store: Store) -> None:
        keys = [_key(r) for r in self._others]
        if all(self._said.values()) or store.check(keys):
            texts = store.multi_get(keys)
        else:  # at the start some have not beaten yet
            texts = [store.get(key) if store.check([key]) else b"" for key in keys]
        for r, text in zip(self._others, texts, strict=True):
            said = text.decode()
            if said != self._said[r]:
                self._said[r], self._missed[r] = said, 0
                self._news[r] += 1
            else:
                self._missed[r] += 1

    def _watch(self) -> None:
        """Call `on_lost` where others have been gone for long, and this rank has not ended."""
        rounds = self._rounds
        while not self._closed.wait(self._interval):
            self._stalled = self._stalled + 1 if self._rounds == rounds else 0
            rounds = self._rounds
            line = self._loss()
            if line is not None:
                self.leave(found=line)  # otherwise the others would find this rank gone as well
                with contextlib.suppress(Exception):
                    self._on_lost(line)

    def _loss(self) -> str | None:
        """A line that says who has been gone for too long; None where nobody has."""
        limit = self._lost_after / self._interval
        if self._stalled > limit:
            return self._told() or self._silence(self._gone())
        late = [r for r in self._others if self._missed[r] > limit]
        if any(self._said[r].startswith((_FAULT, _FOUND)) for r in late):
            return self._told()
        lost = [r for r in late if not self._has_ended(r)]
        return self._silence(lost) if lost else None


def _key(rank: int) -> str:
    return f"alive/{rank}"
