"""What a worker process gets at its start, and what it and its pool say to each other.

The pool writes lines to the worker's standard input: first its job as JSON, then `go` (run
trials) and `stop` (finish the running trial, then end). The worker writes one JSON object a line,
each with an `event`:

    ready  data, baseline, notes         the data are read and every range is checked
    begin  number, values, attempt       a trial begins
    step   number, step, steps, error    a validation of the running trial
    end    number                        the trial's outcome is stored
    again  number, error                 the machine failed the trial, which waits to begin again
    idle                                 no trial is left, but other workers still run some
    over                                 the worker is done and ends
    fault  error                         the input or the config is wrong; the worker ends
"""

from __future__ import annotations

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class WorkerJob:
    """What one worker is to do.

    >>> job = WorkerJob(["horizon=7"], None, "out", "sweep", "worker-1", None, 60.0)
    >>> WorkerJob.from_json(job.to_json()) == job
    True
    """

    overrides: list[str]
    config_dir: str | None
    folder: str  # of the sweep
    study: str
    name: str  # of the worker
    threads: int | None  # of torch; None leaves the choice to it
    timeout: float | None  # seconds from now on in which trials may begin

    def to_json(self) -> str:
        """The job in one line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> WorkerJob:
        """The job that `to_json` wrote."""
        return cls(**json.loads(line))
