"""Ctrl-C in a training: the running step is finished and kept, then the training ends."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytorch_lightning as pl
import torch
import torch.distributed as dist


class TrainingStopped(BaseException):
    """Ends Lightning's loop after Ctrl-C; for a KeyboardInterrupt, Lightning ends the process."""


class StopRequest:
    """Whether Ctrl-C was pressed since the training began.

    In the middle of a step the weights, the optimizer and the random state do not belong together,
    so Ctrl-C only asks: whoever keeps the state of a finished step calls `obey` after it.

    >>> request = StopRequest()
    >>> request.obey()
    >>> request.requested
    False
    """

    def __init__(self) -> None:
        self.requested = False
        self.is_shared = False  # several ranks stop after the same step, see `AgreeOnStop`
        self.pressed = False
        self.at_once = False  # pressed twice: nothing was waited for

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """Take Ctrl-C as a request within the block; the second one stops at once.

        Outside the main thread, and where the process handles Ctrl-C in its own way, nothing
        changes.
        """
        in_main_thread = threading.current_thread() is threading.main_thread()
        if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def obey(self) -> None:
        """Raise TrainingStopped where a stop was requested."""
        if self.requested:
            raise TrainingStopped

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            self.at_once = True
            raise TrainingStopped
        self.pressed = True
        self.requested = not self.is_shared


class StopAfterStep(pl.Callback):
    """Obeys a stop request after each step, for a training that keeps no checkpoints."""

    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def on_train_batch_end(self, *args: object) -> None:
        self.request.obey()

    def on_validation_end(self, *args: object) -> None:
        self.request.obey()


class AgreeOnStop(pl.Callback):
    """Lets all ranks obey a stop request of one of them after the same step.

    Each step sends whether Ctrl-C was pressed here, and looks at what the step before has brought,
    so that no step waits for it. Must be the first of the callbacks.
    """

    def __init__(self, request: StopRequest) -> None:
        self.request = request
        request.is_shared = True
        self._sent: tuple[torch.Tensor, dist.Work] | None = None

    def on_train_batch_end(self, *args: object) -> None:
        if self._sent is not None:
            pressed, work = self._sent
            work.wait()
            self.request.requested = bool(pressed.item())
        pressed = torch.tensor([int(self.request.pressed)])  # on the CPU, whatever trains
        work = dist.all_reduce(pressed, async_op=True)
        assert work is not None
        self._sent = pressed, work

    def on_train_end(self, *args: object) -> None:
        if self._sent is not None:
            self._sent[1].wait()
