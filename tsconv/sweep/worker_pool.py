"""The worker processes of one command: started, told when to stop, and replaced when they die."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna

from tsconv.errors import TrainingError, TsconvError
from tsconv.sweep.results.trial_table import TrialTable
from tsconv.sweep.storage.store import patiently

_DEATHS = 5  # in a row, without a trial that ended, after which the sweep gives up
_LOOKS = 5.0  # seconds between looks at the study for trials of other machines


@dataclasses.dataclass(frozen=True)
class WorkerSpec:
    """What every worker of a command is told."""

    overrides: list[str]
    config_dir: str | None
    folder: Path  # of the sweep
    study: str
    workers: int
    timeout: float | None  # seconds from now in which trials may begin


@dataclasses.dataclass
class _WorkerProcess:
    """A worker process, and what is known of it."""

    process: subprocess.Popen[str]
    index: int
    log: Path
    ready: bool = False
    over: bool = False


class WorkerPool:
    """The worker processes of one command."""

    def __init__(self, orders: WorkerSpec) -> None:
        self.orders = orders
        self.messages: queue.Queue[tuple[_WorkerProcess, dict[str, Any] | None]] = queue.Queue()
        self.hands: list[_WorkerProcess] = []
        self.trials: set[int] = set()  # numbers of those that ended here
        self._begun = time.monotonic()
        self._interrupts = 0
        self._deaths = 0
        for index in range(orders.workers):
            self._start(index)

    def first_ready(self) -> dict[str, Any]:
        """Wait until a worker has read the data. Raises the fault that a worker found."""
        while True:
            hand, message = self.messages.get()
            if message is None:
                raise TrainingError(f"a worker died at its start: {_last_line(hand.log)}")
            if message["event"] == "fault":
                raise TsconvError(message["error"])
            if message["event"] == "ready":
                hand.ready = True
                return message

    def work(self, study: optuna.Study, board: TrialTable) -> bool:
        """Let the workers take trials; True where Ctrl-C ended it."""
        for hand in self.hands:
            if hand.ready:
                _tell(hand, "go")
        previous = signal.signal(signal.SIGINT, lambda *_: self._interrupt(board))
        looked = 0.0
        try:
            patiently(lambda: board.look(study))
            while not all(hand.over for hand in self.hands):
                try:
                    hand, message = self.messages.get(timeout=0.5)
                    self._follow(hand, message, board)
                    news = message is None or message["event"] == "end"
                except queue.Empty:
                    news = False
                if news or time.monotonic() - looked > _LOOKS:
                    patiently(lambda: board.look(study))
                    looked = time.monotonic()
            patiently(lambda: board.look(study))
        finally:
            signal.signal(signal.SIGINT, previous)
            board.close()
        return self._interrupts > 0

    def end(self) -> None:
        """Whatever happened, leave no process behind, and no log that says nothing."""
        for hand in self.hands:
            if hand.process.poll() is None:
                hand.process.kill()
            hand.process.wait()
            if hand.log.is_file() and hand.log.stat().st_size == 0:
                hand.log.unlink()
        for folder in (self.orders.folder / "logs", self.orders.folder):
            with contextlib.suppress(OSError):  # it holds something
                folder.rmdir()

    def _follow(
        self, hand: _WorkerProcess, message: dict[str, Any] | None, board: TrialTable
    ) -> None:
        if message is None:
            self._ended(hand, board)
            return
        event = message["event"]
        if event == "ready":
            hand.ready = True
            _tell(hand, "stop" if self._interrupts else "go")
        elif event == "fault":
            raise TsconvError(message["error"])
        elif event == "end":
            self._deaths = 0
            self.trials.add(message["number"])
        elif event == "over":
            hand.over = True
        board.message(message)

    def _ended(self, hand: _WorkerProcess, board: TrialTable) -> None:
        """Start another worker for one that died, unless they keep dying."""
        if hand.over:
            return
        hand.over = True
        if self._interrupts:
            return
        self._deaths += 1
        code = hand.process.wait()
        if self._deaths > _DEATHS:
            raise TrainingError(
                f"workers keep dying (exit code {code}): {_last_line(hand.log)}; see {hand.log}"
            )
        board.say(f"note: a worker died (exit code {code}); another takes its place")
        self._start(hand.index)

    def _interrupt(self, board: TrialTable) -> None:
        self._interrupts += 1
        if self._interrupts == 1:
            board.say("stopping after the running trials; Ctrl-C again to stop at once")
            for hand in self.hands:
                _tell(hand, "stop")
            return
        for hand in self.hands:
            hand.over = True
            hand.process.kill()

    def _start(self, index: int) -> None:
        orders = self.orders
        log = orders.folder / "logs" / f"{socket.gethostname()}-{os.getpid()}-{index}.log"
        left = None
        if orders.timeout is not None:
            left = max(0.0, orders.timeout - (time.monotonic() - self._begun))
        threads = threads_of_each(orders.workers)
        job = {
            "overrides": orders.overrides,
            "config_dir": orders.config_dir,
            "folder": str(orders.folder),
            "study": orders.study,
            "name": f"{log.stem}-{secrets.token_hex(3)}",
            "threads": threads,
            "timeout": left,
        }
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tsconv.sweep.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={
                    **os.environ,
                    **own_device(index, os.environ),
                    **_threads_environment(threads),
                },
            )
        hand = _WorkerProcess(process, index, log)
        self.hands.append(hand)
        assert process.stdin is not None
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        threading.Thread(target=self._read, args=(hand,), daemon=True).start()

    def _read(self, hand: _WorkerProcess) -> None:
        assert hand.process.stdout is not None
        for line in hand.process.stdout:
            with contextlib.suppress(ValueError):  # half a line, of one killed while it wrote
                self.messages.put((hand, json.loads(line)))
        self.messages.put((hand, None))


def threads_of_each(workers: int) -> int | None:
    """Threads of each worker: the processor's, shared out; None leaves one worker to torch."""
    if workers == 1:
        return None
    given = os.environ.get("OMP_NUM_THREADS", "")
    total = int(given) if given.isdigit() else len(os.sched_getaffinity(0))
    return max(1, total // workers)


def own_device(index: int, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which worker `index` sees one GPU, in turn, where there are any."""
    given = environment.get("CUDA_VISIBLE_DEVICES")
    gpus = Path("/proc/driver/nvidia/gpus")
    if given is not None:
        devices = [d for d in given.split(",") if d.strip()]
    else:
        devices = [str(i) for i, _ in enumerate(gpus.iterdir())] if gpus.is_dir() else []
    return {"CUDA_VISIBLE_DEVICES": devices[index % len(devices)]} if devices else {}


def _threads_environment(threads: int | None) -> dict[str, str]:
    return {} if threads is None else {"OMP_NUM_THREADS": str(threads)}


def _tell(hand: _WorkerProcess, order: str) -> None:
    assert hand.process.stdin is not None
    try:
        hand.process.stdin.write(order + "\n")
        hand.process.stdin.flush()
    except (BrokenPipeError, OSError):
        pass  # it is dead, and its end is noticed elsewhere


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    return next((line for line in reversed(lines) if line.strip()), "no output")
