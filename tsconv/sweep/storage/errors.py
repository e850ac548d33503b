"""What happens when a database does not answer: retries, one-line errors, hidden passwords."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError

from tsconv.errors import ConfigError

Result = TypeVar("Result")
RETRY_SECONDS = 300.0  # how long a worker waits for a database that went away
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0  # seconds between two attempts


class StorageUnreachableError(ConfigError):
    """The database does not answer."""


UNREACHABLE = (DBAPIError, StorageInternalError, StorageUnreachableError)


def retry_while_unreachable(call: Callable[[], Result], seconds: float = RETRY_SECONDS) -> Result:
    """Call again, with growing pauses, while the database cannot be reached.

    Returns what the first call that reaches it returns. Raises its last error after `seconds`.

    >>> retry_while_unreachable(lambda: 3)
    3
    """
    begun, pause = time.monotonic(), _FIRST_PAUSE
    while True:
        try:
            return call()
        except UNREACHABLE:
            if time.monotonic() - begun > seconds:
                raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


@contextlib.contextmanager
def storage_errors_in_one_line(url: str | None) -> Iterator[None]:
    """Turn the errors of a database that stops answering into StorageUnreachableError.

    url: `sweep.storage`, which the message shows without its password.
    """
    try:
        yield
    except (DBAPIError, StorageInternalError) as error:
        raise unreachable_error(mask_password(str(url)), error) from error


def unreachable_error(shown: str, error: Exception) -> StorageUnreachableError:
    """The one-line error for a database that does not answer; `shown` is its masked address."""
    cause = str(getattr(error, "orig", None) or error)
    return StorageUnreachableError(f"`sweep.storage` (={shown}): {' '.join(cause.split())[:200]}")


def mask_password(url: str) -> str:
    """The address of a database without its password, for messages and files.

    >>> mask_password("postgresql://me:secret@db.example.org/tsconv")
    'postgresql://me:***@db.example.org/tsconv'
    """
    url = re.sub(r"(?i)(password=)[^&]*", r"\1***", url)
    head, at, host = url.rpartition("@")
    scheme, slashes, user = head.rpartition("://")
    if not at or ":" not in user:
        return url
    return f"{scheme}{slashes}{user.partition(':')[0]}:***@{host}"
