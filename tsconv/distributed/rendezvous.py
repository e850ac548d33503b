"""How ranks meet: each says who it is and what it runs, and rank 0 checks that all fit together."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import json
import os
import platform
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import TCPStore  # torch.distributed.TCPStore, with its types
from torch.distributed.distributed_c10d import Store

from tsconv.errors import ConfigError, TrainingError

_ARRIVAL_SECONDS = 600.0  # machines of a cluster do not start at the same moment
_POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Greeting:
    """What a rank says of itself: where it runs, which code, and how it was called."""

    host: str
    pid: int
    code: str
    arguments: tuple[str, ...] | None  # of its command line; None where rank 0 started it

    @staticmethod
    def of_this_process(arguments: Sequence[str] | None = None) -> Greeting:
        """Describe this process."""
        given = None if arguments is None else tuple(arguments)
        return Greeting(socket.gethostname(), os.getpid(), code_version(), given)


def open_store(
    address: str, port: int, *, hosts: bool, timeout_seconds: float = _ARRIVAL_SECONDS
) -> TCPStore:
    """Open the store at which ranks meet; `hosts`: this process serves it, at any port for 0.

    Raises ConfigError where it cannot be reached in time, or the port is taken.
    """
    try:
        return TCPStore(
            address,
            port,
            is_master=hosts,
            wait_for_workers=False,
            timeout=datetime.timedelta(seconds=timeout_seconds),
        )
    except (dist.DistError, RuntimeError) as error:
        what = "cannot listen" if hosts else "found nobody"
        reason = " ".join(str(error).split())[:160]
        raise ConfigError(
            f"the ranks cannot meet: this one {what} at {address}:{port} (MASTER_ADDR, "
            f"MASTER_PORT): {reason}"
        ) from error


def greet(store: Store, rank: int, greeting: Greeting) -> None:
    """Tell the others that this rank is there."""
    text = json.dumps(dataclasses.asdict(greeting))
    store.set(f"greeting/{rank}", text)


def await_all(
    store: Store, size: int, still_alive: Callable[[], None], seconds: float = _ARRIVAL_SECONDS
) -> list[Greeting]:
    """Wait until every rank has greeted; return what they said.

    still_alive: is called again and again meanwhile, and raises where a rank died. Raises
    TrainingError where some do not arrive in time, ConfigError where they do not fit together.
    """
    keys = [f"greeting/{rank}" for rank in range(size)]
    end = time.monotonic() + seconds
    while not store.check(keys):
        still_alive()
        if time.monotonic() > end:
            missing = [rank for rank, key in enumerate(keys) if not store.check([key])]
            raise TrainingError(
                f"{len(missing)} of {size} ranks did not arrive within {seconds:.0f} s: "
                f"rank {', '.join(map(str, missing[:8]))}"
            )
        time.sleep(_POLL_SECONDS)
    greetings = greetings_at(store, size)
    check_greetings(greetings)
    return greetings


def greetings_at(store: Store, size: int) -> list[Greeting]:
    """What all ranks have said of themselves, once they have."""
    return [_greeting_from(store.get(f"greeting/{rank}")) for rank in range(size)]


def check_greetings(greetings: Sequence[Greeting]) -> None:
    """Raise ConfigError for a rank that runs other code, or was called otherwise, than rank 0.

    >>> same = Greeting("a", 1, "tsconv 1", None)
    >>> check_greetings([same, Greeting("b", 2, "tsconv 1", None)])
    """
    first = greetings[0]
    for rank, other in enumerate(greetings):
        if other.code != first.code:
            raise ConfigError(
                f"rank {rank} on {other.host} runs {other.code}, rank 0 on {first.host} runs "
                f"{first.code}: install the same on every machine"
            )
        if other.arguments is None or first.arguments is None:
            continue
        if other.arguments != first.arguments:
            theirs = [a for a in other.arguments if a not in first.arguments]
            ours = [a for a in first.arguments if a not in other.arguments]
            raise ConfigError(
                f"rank {rank} on {other.host} was started with other arguments than rank 0: "
                f"{' '.join(theirs) or 'none'} in place of {' '.join(ours) or 'none'}; give "
                f"every rank the same command line"
            )


@functools.cache
def code_version() -> str:
    """The versions that ranks must share, with a fingerprint of tsconv's own source files.

    >>> "torch" in code_version()
    True
    """
    from tsconv import __version__

    package = Path(__file__).resolve().parent.parent
    digest = hashlib.blake2b(digest_size=4)
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    python = ".".join(platform.python_version_tuple()[:2])
    return (
        f"tsconv {__version__} ({digest.hexdigest()}), torch {torch.__version__}, python {python}"
    )


def _greeting_from(text: bytes) -> Greeting:
    content = json.loads(text)
    given = content["arguments"]
    return Greeting(
        content["host"], content["pid"], content["code"], None if given is None else tuple(given)
    )


def command_line() -> list[str]:
    """What this process was called with, without the name of the program."""
    return sys.argv[1:]
