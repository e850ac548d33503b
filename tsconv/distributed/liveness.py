"""Who of the ranks is alive: each tells the store every second, and looks at the others.

A collective that fails says that a connection closed, not whose; one on a GPU waits in silence. So
ranks look after each other beside it, by a thread and a connection of its own.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence

import torch.distributed as dist
from torch.distributed.distributed_c10d import Store

from tsconv.distributed.rendezvous import Greeting

_INTERVAL = 1.0  # seconds between two beats
_SILENT_BEATS = 3.5  # that a rank may miss before it counts as gone, where a collective failed
_LOST_SECONDS = 40.0  # without a beat before a rank is given up, where none has failed


class Liveness:
    """Beats for this rank, and knows who else does.

    Args:
        open_store: opens a connection of this thread's own; a store that waits blocks all that
            share its connection.
        rank: of this process.
        greetings: of all ranks, for messages.
        on_lost: is called, from the thread, with a line that names ranks that were silent for
            `lost_after` seconds: the main thread may hang in a collective with them.
        interval, lost_after: seconds.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        rank: int,
        greetings: Sequence[Greeting],
        on_lost: Callable[[str], None],
        interval: float = _INTERVAL,
        lost_after: float = _LOST_SECONDS,
    ) -> None:
        self._open_store, self.rank, self._greetings = open_store, rank, greetings
        self._on_lost, self._interval, self._lost_after = on_lost, interval, lost_after
        self._others = [r for r in range(len(greetings)) if r != rank]
        now = time.monotonic()
        self._beats = dict.fromkeys(self._others, "")
        self._heard = dict.fromkeys(self._others, now)  # when each beat was new
        self._left: dict[int, str] = {}  # what ranks said that ended on purpose
        self._store_is_gone = False
        self._message: str | None = None  # of this rank, once it ends
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tsconv-liveness", daemon=True)

    def start(self) -> None:
        """Begin to beat and to listen."""
        self._thread.start()

    def leave(self, message: str = "") -> None:
        """Tell the others that this rank ends, and why; empty for a normal end."""
        self._message = message
        self._closed.set()
        self._thread.join(5 * self._interval)

    @property
    def reports(self) -> bool:
        """Whether this is the lowest rank that is still there: it alone prints."""
        below = [r for r in self._others if r < self.rank]
        return all(r in self._left or self._is_silent(r) for r in below)

    def explain(self, timeout: float = 15.0) -> str | None:
        """Say who is gone, after a collective failed here; None where nobody is.

        Waits until each of the others has beaten again, has left, or has been silent for a few
        beats. What a rank said is preferred to silence.
        """
        asked = time.monotonic()
        while time.monotonic() < asked + timeout:
            said = {r: m for r, m in self._left.items() if m}
            if said:
                return "; ".join(f"rank {r}: {message}" for r, message in sorted(said.items()))
            if self._store_is_gone:
                return self._describe([0]) if self.rank > 0 else None
            if all(
                r in self._left or self._is_silent(r) or self._heard[r] > asked + self._interval
                for r in self._others
            ):
                break
            time.sleep(self._interval / 10)
        silent = [r for r in self._others if r not in self._left and self._is_silent(r)]
        return self._describe(silent) if silent else None

    def _is_silent(self, rank: int) -> bool:
        if rank == 0 and self._store_is_gone:
            return True
        return time.monotonic() - self._heard[rank] > _SILENT_BEATS * self._interval

    def _describe(self, ranks: Sequence[int]) -> str:
        named = [
            f"rank {r} (process {self._greetings[r].pid} on {self._greetings[r].host})"
            for r in ranks
        ]
        return f"{', '.join(named)} ended without a word, as a killed process does"

    def _run(self) -> None:
        try:
            store = self._open_store()
            count = 0
            while not self._closed.wait(self._interval):
                store.set(f"beat/{self.rank}", str(count))
                count += 1
                self._listen(store)
                self._give_up()
            if self._message is not None:
                store.set(f"left/{self.rank}", self._message or " ")
        except (dist.DistError, RuntimeError):  # whoever served the store has ended
            self._store_is_gone = True
            if self.rank > 0 and not self._closed.is_set():
                self._closed.wait(self._lost_after)
                if not self._closed.is_set():
                    self._on_lost(self._describe([0]))

    def _listen(self, store: Store) -> None:
        now = time.monotonic()
        for r in self._others:
            for key, heard in ((f"left/{r}", self._hear_last), (f"beat/{r}", self._hear_beat)):
                if store.check([key]):
                    heard(r, store.get(key).decode(), now)

    def _hear_last(self, rank: int, message: str, now: float) -> None:
        self._left[rank] = message.strip()

    def _hear_beat(self, rank: int, beat: str, now: float) -> None:
        if beat != self._beats[rank]:
            self._beats[rank], self._heard[rank] = beat, now

    def _give_up(self) -> None:
        now = time.monotonic()
        lost = [
            r
            for r in self._others
            if r not in self._left and now - self._heard[r] > self._lost_after
        ]
        if lost:
            with contextlib.suppress(Exception):
                self._on_lost(self._describe(lost))
