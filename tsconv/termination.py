"""SIGTERM as a request to end: what schedulers send before they kill. Standard library only.

The commands take it as one Ctrl-C: what can be kept is kept, and they exit with `EXIT_CODE`. Within
the library nothing changes: a process that handles SIGTERM in its own way, or not at all, is left
alone.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

# EX_TEMPFAIL of sysexits.h, "try again later": schedulers can tell it from a fault and requeue.
EXIT_CODE = 75


class Terminated(KeyboardInterrupt):
    """SIGTERM came; whoever handles Ctrl-C handles it too."""


class Termination:
    """Whether SIGTERM came within the block that `listen` opens.

    >>> import os
    >>> termination = Termination()
    >>> with termination.listen():
    ...     try:
    ...         os.kill(os.getpid(), signal.SIGTERM)
    ...     except KeyboardInterrupt:
    ...         print(termination.came)
    True
    """

    def __init__(self) -> None:
        self.came = False

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """Raise Terminated at SIGTERM within the block, unless the process handles it already."""
        global _listener
        in_main_thread = threading.current_thread() is threading.main_thread()
        if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            yield
            return
        before, _listener = _listener, self
        signal.signal(signal.SIGTERM, _handle)
        try:
            yield
        finally:
            _listener = before
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


_listener: Termination | None = None  # of the command that runs


def is_listening() -> bool:
    """Whether a command listens in this thread: SIGTERM may then be handled in another way.

    >>> is_listening()
    False
    """
    return threading.current_thread() is threading.main_thread() and _listener is not None


def note_termination() -> bool:
    """Let the command that listens know that SIGTERM came; False where it knows.

    A scheduler and its launcher may both send it: only the first counts.
    """
    if _listener is None or _listener.came:
        return False
    _listener.came = True
    return True


def _handle(number: int, frame: FrameType | None) -> None:
    if note_termination():
        raise Terminated
