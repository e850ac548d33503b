"""Whether all ranks see the same data: rank 0 reads for all, so a difference would stay unseen."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

from tsconv.data.reading.files import find_files
from tsconv.distributed.ranks import Ranks
from tsconv.errors import DataError

_BLOCK = 2**22  # bytes

Fingerprint = tuple[str, dict[str, str]]  # the host, and a hash of each file that is there


def require_same_files(ranks: Ranks, pattern: str) -> None:
    """Raise DataError where a rank finds other files at a path, or other bytes in them.

    pattern: of `data.path`, as each rank finds it from its own folder. A rank that has none of them
    is no fault: rank 0 reads them and sends what they hold.
    """
    ranks.run(_compare, pattern)


def _compare(ranks: Ranks, pattern: str) -> None:
    found = ranks.gather((socket.gethostname(), fingerprints(pattern)))
    if found is None:
        return
    host, first = found[0]
    for rank, (other_host, other) in enumerate(found):
        different = differing(first, other)
        if different is not None:
            raise DataError(
                f"{different} of rank {rank} on {other_host} is not the file that rank 0 on {host} "
                f"reads: give all ranks the same data, or none but rank 0"
            )


def differing(first: dict[str, str], other: dict[str, str]) -> str | None:
    """The first file that is there for the other and not the same; None where all agree.

    >>> differing({"a.csv": "1"}, {}), differing({"a.csv": "1"}, {"a.csv": "2"})
    (None, 'a.csv')
    """
    return next((name for name, value in other.items() if first.get(name) != value), None)


def fingerprints(pattern: str) -> dict[str, str]:
    """A hash of each file of a pattern, by its path; files that cannot be read are left out."""
    found = {}
    try:
        names = [str(path) for path in find_files(pattern)]
    except DataError:
        names = []
    for name in names:
        try:
            with Path(name).open("rb") as file:
                digest = hashlib.blake2b(digest_size=16)
                while block := file.read(_BLOCK):
                    digest.update(block)
            found[name] = digest.hexdigest()
        except OSError:
            continue
    return found
