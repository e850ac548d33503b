"""The worker processes of one command: started, told when to stop, and replaced when they die."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna

from tsconv.errors import TrainingError, TsconvError
from tsconv.sweep.results.trial_table import TrialTable
from tsconv.sweep.storage.errors import retry_while_unreachable
from tsconv.sweep.worker_environment import threads_per_worker, worker_environment
from tsconv.sweep.worker_job import WorkerJob
from tsconv.sweep.worker_logs import last_line, remove_old_logs, worker_log

_MOST_DEATHS = 5  # in a row, with no trial that ended between them, before the sweep gives up
_REFRESH_SECONDS = 5.0  # between two queries of the study for trials that other machines ended


@dataclasses.dataclass(frozen=True)
class WorkerSpec:
    """What every worker of a command has in common."""

    overrides: list[str]
    config_dir: str | None
    folder: Path  # of the sweep
    study: str
    workers: int  # how many
    timeout: float | None  # seconds from now on in which trials may begin
    devices: int = 1  # that each trial trains on; 0 for all of this machine


@dataclasses.dataclass
class _WorkerProcess:
    """A worker process and its state."""

    process: subprocess.Popen[str]
    index: int
    log: Path
    reader: threading.Thread  # queues its messages
    ready: bool = False
    over: bool = False  # it ended, or is no longer waited for
    faulty: bool = False  # its message says what was wrong

    def send(self, command: str) -> None:
        """Write a line to its standard input; nothing happens where it is dead."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # its death arrives as a message of its own
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()


class WorkerPool:
    """The worker processes of one command; they start with the pool and read the data at once.

    Call `first_ready`, then `run`, and `close` whatever happened.
    """

    def __init__(self, worker_spec: WorkerSpec) -> None:
        self.worker_spec = worker_spec
        self.trials: set[int] = set()  # numbers of those that ended here
        self._messages: queue.Queue[tuple[_WorkerProcess, dict[str, Any] | None]] = queue.Queue()
        self._worker_processes: list[_WorkerProcess] = []
        self._begun = time.monotonic()
        self._interrupts = 0
        self._deaths = 0
        logs = worker_spec.folder / "logs"
        parents = [path for path in worker_spec.folder.parents if not path.exists()]
        self._folders = [logs, worker_spec.folder, *parents]  # removed at the end where empty

    def start(self) -> None:
        """Start the workers; `close` ends them, also where this was interrupted."""
        for index in range(self.worker_spec.workers):
            self._start(index)

    def first_ready(self) -> dict[str, Any]:
        """Wait until a worker has read the data and checked the ranges; returns its message.

        Raises TsconvError with the fault that a worker found, TrainingError where one died.
        """
        while True:
            worker_process, message = self._messages.get()
            if message is None:
                log = worker_process.log
                raise TrainingError(f"a worker died at its start: {last_line(log)}")
            if message["event"] == "fault":
                worker_process.faulty = True
                raise TsconvError(message["error"])
            if message["event"] == "ready":
                worker_process.ready = True
                return message

    def run(self, study: optuna.Study, trial_table: TrialTable) -> bool:
        """Let the workers run trials until none is left; True where Ctrl-C ended it."""
        for worker_process in self._worker_processes:
            if worker_process.ready:
                worker_process.send("go")
        previous = signal.signal(signal.SIGINT, lambda *_: self._interrupt(trial_table))
        refreshed = 0.0
        try:
            retry_while_unreachable(lambda: trial_table.refresh(study))
            while not all(worker_process.over for worker_process in self._worker_processes):
                try:
                    worker_process, message = self._messages.get(timeout=0.5)
                    self._handle(worker_process, message, trial_table)
                    changed = message is None or message["event"] == "end"
                except queue.Empty:
                    changed = False
                if changed or time.monotonic() - refreshed > _REFRESH_SECONDS:
                    retry_while_unreachable(lambda: trial_table.refresh(study))
                    refreshed = time.monotonic()
            retry_while_unreachable(lambda: trial_table.refresh(study))
        finally:
            signal.signal(signal.SIGINT, previous)
            trial_table.close()
        return self._interrupts > 0

    def close(self) -> None:
        """End every worker process that still runs; leave only the logs of those that died."""
        for worker_process in self._worker_processes:
            process, log = worker_process.process, worker_process.log
            unexplained = process.poll() not in (None, 0) and not worker_process.faulty
            process.kill()
            process.wait()
            worker_process.reader.join()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):  # what was left to write has no reader
                    assert pipe is not None
                    pipe.close()
            if self._interrupts or not unexplained or log.stat().st_size == 0:
                log.unlink(missing_ok=True)
        remove_old_logs(self.worker_spec.folder)
        for folder in self._folders:
            with contextlib.suppress(OSError):  # it is not empty
                folder.rmdir()

    def _handle(
        self,
        worker_process: _WorkerProcess,
        message: dict[str, Any] | None,
        trial_table: TrialTable,
    ) -> None:
        """Act on a message of a worker; None says that its process ended."""
        if message is None:
            self._replace_dead(worker_process, trial_table)
            return
        event = message["event"]
        if event == "ready":
            worker_process.ready = True
            worker_process.send("stop" if self._interrupts else "go")
        elif event == "fault":
            worker_process.faulty = True
            raise TsconvError(message["error"])
        elif event == "end":
            self._deaths = 0
            self.trials.add(message["number"])
        elif event == "again":
            trial_table.print_note(
                f"note: the machine failed trial {message['number']}, which begins again: "
                f"{message['error']}"
            )
        elif event == "over":
            worker_process.over = True
        trial_table.show_progress(message)

    def _replace_dead(self, worker_process: _WorkerProcess, trial_table: TrialTable) -> None:
        """Start another worker for one that died, unless they keep dying."""
        if worker_process.over:
            return
        worker_process.over = True
        if self._interrupts:
            return
        self._deaths += 1
        code, log = worker_process.process.wait(), worker_process.log
        if self._deaths > _MOST_DEATHS:
            last = last_line(log)
            raise TrainingError(f"workers keep dying (exit code {code}): {last}; see {log}")
        trial_table.print_note(f"note: a worker died (exit code {code}); another takes its place")
        self._start(worker_process.index)

    def _interrupt(self, trial_table: TrialTable) -> None:
        self._interrupts += 1
        if self._interrupts == 1:
            trial_table.print_note(
                "stopping after the running trials; press Ctrl-C again to stop at once"
            )
            for worker_process in self._worker_processes:
                worker_process.send("stop")
            return
        for worker_process in self._worker_processes:
            worker_process.over = True
            worker_process.process.kill()

    def _start(self, index: int) -> None:
        worker_spec = self.worker_spec
        log = worker_log(worker_spec.folder, index)
        threads = threads_per_worker(worker_spec.workers)
        job = WorkerJob(
            overrides=worker_spec.overrides,
            config_dir=worker_spec.config_dir,
            folder=str(worker_spec.folder),
            study=worker_spec.study,
            name=f"{log.stem}-{secrets.token_hex(3)}",
            threads=threads,
            timeout=self._seconds_left(),
        )
        log.parent.mkdir(parents=True, exist_ok=True)
        # Standard error of the worker, which is only appended to: not written whole or not at all.
        with log.open("a", encoding="utf-8") as errors, _interrupts_blocked():
            process = subprocess.Popen(
                [sys.executable, "-m", "tsconv.sweep.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=worker_environment(index, threads, os.environ, worker_spec.devices),
            )
            # Still within the block: `close` must know of every process that there is.
            reader = threading.Thread(target=lambda: self._read(worker_process), daemon=True)
            worker_process = _WorkerProcess(process, index, log, reader)
            self._worker_processes.append(worker_process)
            reader.start()
        worker_process.send(job.to_json())

    def _seconds_left(self) -> float | None:
        timeout = self.worker_spec.timeout
        return None if timeout is None else max(0.0, timeout - (time.monotonic() - self._begun))

    def _read(self, worker_process: _WorkerProcess) -> None:
        """Queue the messages of a worker, and None after the last."""
        assert worker_process.process.stdout is not None
        for line in worker_process.process.stdout:
            with contextlib.suppress(ValueError):  # half a line, of one killed while it wrote
                self._messages.put((worker_process, json.loads(line)))
        self._messages.put((worker_process, None))


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let a process that is started here begin without Ctrl-C, which reaches the whole group.

    It would end with a traceback in its log. For this process, Ctrl-C only waits for the block.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
