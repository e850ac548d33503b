"""The ranks that a job runs on: this process, those of a launcher, or children of this process."""

from __future__ import annotations

from collections.abc import Sequence

from tsconv.distributed.launched import launched_ranks
from tsconv.distributed.ranks import Ranks
from tsconv.distributed.start import start_ranks
from tsconv.distributed.threads import threads_of_one


class RankPool:
    """Keeps the ranks of one process from one job to the next, since starting them takes seconds.

    >>> with RankPool() as pool:
    ...     pool.get(1).size
    1
    """

    def __init__(self) -> None:
        self._ranks = Ranks.alone()

    def __enter__(self) -> RankPool:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def get(self, size: int, preload: Sequence[str] = ()) -> Ranks:
        """Return as many ranks on this machine, those of the last call where they are as many.

        Where a launcher started this process with others, its ranks are returned whatever the size.
        preload: modules that new processes import at once.
        """
        launched = launched_ranks()
        if launched is not None:
            return launched
        if size != self._ranks.size or self._ranks.is_broken:
            self.close()
            if size > 1:
                self._ranks = start_ranks(size, threads_of_one(size), preload)
        return self._ranks

    def close(self) -> None:
        """End the ranks that were started here."""
        ranks, self._ranks = self._ranks, Ranks.alone()
        if ranks.size > 1:
            ranks.finish()
            ranks.close()
