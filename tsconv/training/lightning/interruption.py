"""Ctrl-C or SIGTERM in a training: the running step is finished and kept, then it ends."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist

from tsconv.termination import is_listening, note_termination


class TrainingStopped(BaseException):
    """Ends Lightning's loop after Ctrl-C; for a KeyboardInterrupt, Lightning ends the process."""


class StopRequest:
    """Whether Ctrl-C was pressed, or a scheduler sent SIGTERM, since the training began.

    In the middle of a step the weights, the optimizer and the random state do not belong together,
    so the signal only asks: whoever keeps the state of a finished step calls `obey` after it.

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
        self._handlers: dict[int, Any] = {}  # of signals, while it listens

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """Take Ctrl-C as a request within the block; the second one stops at once.

        So is SIGTERM where a command listens for it. Outside the main thread, and where the process
        handles a signal in its own way, nothing changes.
        """
        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
            ours: dict[int, bool] = {
                signal.SIGINT: before[signal.SIGINT] is signal.default_int_handler
            }
            ours[signal.SIGTERM] = is_listening()
            self._handlers = {n: self._handle if ours[n] else before[n] for n in before}
        self.take_signals()
        try:
            yield
        finally:
            self._handlers = {}
            for number, handler in before.items():
                signal.signal(number, handler)

    def take_signals(self) -> None:
        """Handle the signals once more, where somebody has put a handler in front.

        Lightning's own for SIGTERM ends a step before it is kept, and waits for other ranks.
        """
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def obey(self) -> None:
        """Raise TrainingStopped where a stop was requested."""
        if self.requested:
            raise TrainingStopped

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM and not note_termination():
            return
        if self.pressed:
            self.at_once = True
            raise TrainingStopped
        self.pressed = True
        self.requested = not self.is_shared


class StopAfterStep(pl.Callback):
    """Obeys a stop request after each step, for a training that keeps no checkpoints."""

    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def on_train_start(self, *args: object) -> None:
        self.request.take_signals()

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
