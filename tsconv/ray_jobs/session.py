"""A connection to Ray, and tasks on it whose worker may die."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tsconv.errors import ConfigError, TrainingError, TsconvError, nearest, one_line
from tsconv.ray_jobs.cluster import cluster_machines, require_answer, require_room

_PREFIX = "ray."
_MAY_BE_NULL = ("address", "tasks", "temp_dir")
_LEAST: dict[str, tuple[type[int] | type[float], int]] = {  # of the numbers among the keys
    "tasks": (int, 1),
    "num_cpus": (float, 0),
    "num_gpus": (float, 0),
    "retries": (int, 0),
}
_TOO_MANY = 1e6
_ANSWER_SECONDS = 20.0  # for a cluster; Ray would try for minutes, and then end the process


@dataclasses.dataclass(frozen=True)
class RaySettings:
    """The keys `ray.*` of a script.

    address: of a running cluster, `auto` for the one of this machine; None starts Ray here for the
    time of the script. tasks: that run at once; None for as many as the cluster has room for.
    num_cpus, num_gpus: that each task reserves. retries: of a task whose worker died. temp_dir: for
    Ray's files where it is started here.
    """

    address: str | None = None
    tasks: int | None = None
    num_cpus: float = 1
    num_gpus: float = 0
    retries: int = 3
    temp_dir: str | None = None


def split_settings(overrides: Sequence[str]) -> tuple[RaySettings, list[str]]:
    """Take the keys `ray.*` out of overrides.

    Raises ConfigError for one that does not exist, and for a number that cannot be used.

    >>> settings, rest = split_settings(["ray.tasks=4", "ray.num_gpus=0.5", "shards=8"])
    >>> settings.tasks, settings.num_gpus, rest
    (4, 0.5, ['shards=8'])
    """
    given: dict[str, Any] = {}
    rest = []
    names = [field.name for field in dataclasses.fields(RaySettings)]
    for override in overrides:
        key, _, value = override.partition("=")
        if not key.startswith(_PREFIX):
            rest.append(override)
            continue
        name = key.removeprefix(_PREFIX)
        if name not in names:
            choices = [f"{_PREFIX}{n}" for n in names]
            raise ConfigError(f"unknown config key `{key}`{nearest(key, choices)}")
        if value == "null" and name in _MAY_BE_NULL:
            given[name] = None
        elif name in _LEAST:
            given[name] = _number(key, value, *_LEAST[name])
        else:
            given[name] = value
    return RaySettings(**given), rest


def _number(key: str, value: str, kind: type[int] | type[float], least: int) -> float:
    """The number of a key; raises ConfigError for one that Ray could not use."""
    try:
        number = kind(value)
    except ValueError as error:
        what = "a whole number" if kind is int else "a number"
        raise ConfigError(f"`{key}` (={value}) must be {what}") from error
    if not least <= number < _TOO_MANY:
        raise ConfigError(f"`{key}` (={value}) must be at least {least}, and below {_TOO_MANY:g}")
    if number > 1 and number != int(number):
        raise ConfigError(f"`{key}` (={value}) must be a whole number where it is above 1")
    return number


@contextlib.contextmanager
def ray_session(settings: RaySettings) -> Iterator[None]:
    """Connect to a cluster, or start Ray on this machine for the time of the block.

    Raises ConfigError where Ray is not installed, or the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise ConfigError('Ray is not installed: pip install "tsconv[ray]"') from error
    if ray.is_initialized():  # by whoever called this
        yield
        return
    given = settings.address or os.environ.get("RAY_ADDRESS")
    where: dict[str, Any] = {"address": given or "local"}
    if where["address"] == "local":
        where["include_dashboard"] = False
        if settings.temp_dir is not None:
            where["_temp_dir"] = str(Path(settings.temp_dir).resolve())
    elif given is not None:
        require_answer(given, _ANSWER_SECONDS)
    try:
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(f"`ray.address` (={given}): {one_line(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


def run_tasks(
    work: Callable[..., Any],
    arguments: Sequence[tuple[Any, ...]],
    settings: RaySettings,
    done: Callable[[Any], None],
) -> None:
    """Call `work(folder, *arguments)` for each tuple as a task of Ray.

    Args:
        work: of a module that the workers can import. It is called in this process' folder, which
            must be there on every machine.
        arguments: of each task.
        settings: how many tasks run at once, and what each reserves.
        done: is called here with what each task returns, in the order of their ends.

    A task whose worker dies is run again, `settings.retries` times. Raises the first TsconvError of
    a task, TrainingError where its worker keeps dying, ConfigError where no machine has room for
    one.
    """
    import ray

    require_room(cluster_machines(), settings.num_cpus, settings.num_gpus)
    remote = ray.remote(
        num_cpus=settings.num_cpus, num_gpus=settings.num_gpus, max_retries=settings.retries
    )(_in_folder)
    waiting = list(reversed(arguments))
    running: list[Any] = []
    try:
        while waiting or running:
            while waiting and (settings.tasks is None or len(running) < settings.tasks):
                running.append(remote.remote(work, str(Path.cwd()), waiting.pop()))
            (ended,), running = ray.wait(running, num_returns=1)
            error, result = ray.get(ended)
            if error is not None:
                raise TsconvError(error)
            done(result)
    except ray.exceptions.RayError as error:
        raise TrainingError(
            f"a task of Ray failed after {settings.retries} retries: {one_line(error)[:300]}"
        ) from error
    finally:
        for task in running:
            ray.cancel(task, force=True)


def _in_folder(
    work: Callable[..., Any], folder: str, arguments: tuple[Any, ...]
) -> tuple[str | None, Any]:
    """The line of a user's fault, and the result: Ray would wrap an error in pages of its own."""
    try:
        os.chdir(folder)
        return None, work(*arguments)
    except TsconvError as error:
        return one_line(error), None
    except FileNotFoundError as error:
        return f"{error.filename} is not there on every machine: {error.strerror}", None
