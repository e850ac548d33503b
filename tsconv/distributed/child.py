"""A process that serves rank 0: one of a launcher's, or `python -m tsconv.distributed.child JOB`.

It gets all that it computes from rank 0, never from a command line of a user.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING

from tsconv.errors import TsconvError

if TYPE_CHECKING:
    from tsconv.distributed.ranks import Ranks

_CONNECT_SECONDS = 20.0


@dataclasses.dataclass(frozen=True)
class ChildJob:
    """What a child is told at its start."""

    port: int  # of rank 0's store
    rank: int
    size: int
    preload: tuple[str, ...]  # modules to import while rank 0 is still reading


def serve_quietly(ranks: Ranks) -> int:
    """Serve rank 0 until it is done, and return the exit code.

    Rank 0 says what went wrong. Only where it is gone does the lowest of the others say so, on
    standard error; and a fault of the program is printed where it happened.
    """
    from tsconv.distributed.ranks import RankLost

    try:
        ranks.serve()
        return 0
    except RankLost as error:
        if ranks.reports:
            print(f"tsconv: {error}", file=sys.stderr, flush=True)
        return 1
    except TsconvError:
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        ranks.close()


def main() -> int:
    """Serve rank 0 until it is done.

    A scheduler may send SIGTERM to every process: rank 0 decides when to end, for all.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is rank 0's to handle
    job = ChildJob(**json.loads(sys.argv[1]))
    from torch.distributed.distributed_c10d import Store

    from tsconv.distributed.ranks import Ranks
    from tsconv.distributed.rendezvous import open_store

    def connect() -> Store:
        return open_store("127.0.0.1", job.port, hosts=False)

    # The store was there before this process. Its client would try for minutes where rank 0 ended.
    try:
        socket.create_connection(("127.0.0.1", job.port), _CONNECT_SECONDS).close()
    except OSError as error:
        if job.rank == 1:
            print(f"tsconv: rank 0 is gone: {error}", file=sys.stderr, flush=True)
        return 1
    ranks = Ranks(job.rank, job.size, job.rank, job.size, connect)
    for module in job.preload:
        importlib.import_module(module)
    return serve_quietly(ranks)


if __name__ == "__main__":
    sys.exit(main())
