"""The panel of a config: read into memory, or mapped from a cache that is built once."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from tsconv.atomic_write import replace_folder
from tsconv.config.schema import DataConfig
from tsconv.data.cache.build import Progress, build_in_parts
from tsconv.data.cache.key import FileState, panel_key, require_unchanged
from tsconv.data.cache.panel_files import UnusableError, read_panel, write_panel
from tsconv.data.cache.plan import Plan, cache_folder, make_plan, wants_cache
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.files import find_files
from tsconv.data.reading.read import read_table
from tsconv.errors import ConfigError

Notify = Callable[[str], None]
_BETWEEN = 10.0  # seconds from one line on the progress to the next
_LOOK = 0.5  # seconds between looks at what another process builds


def open_panel(data: DataConfig, notify: Notify | None = None) -> Panel:
    """The panel of `data.path`, from a cache where `data.cache` asks for one.

    A cache is built by the first process that wants it, while others wait; it is used by all that
    read files of the same content in the same way. notify: is called with a line for each thing
    that happens to a cache. Raises DataError where the files cannot be used, or change while they
    are read, ConfigError where the cache cannot be written.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sales.csv"
    >>> _ = path.write_text("unique_id,ds,y\\na,2024-01-01,3\\na,2024-01-02,4\\na,2024-01-03,5\\n")
    >>> panel = open_panel(DataConfig(path=str(path), cache="true"))
    >>> panel.values.flatten().tolist(), path.with_name("sales.csv.tsconv-cache").is_dir()
    ([3.0, 4.0, 5.0], True)
    """
    files = find_files(str(data.path))
    plan = make_plan(data, files)
    if not wants_cache(data, plan):
        return build_panel(read_table(data), data.freq)
    tell = notify or (lambda text: None)
    folder = cache_folder(data, files)
    with contextlib.suppress(OSError):  # one that is there already may be read all the same
        folder.mkdir(parents=True, exist_ok=True)
    states = [FileState.of(path) for path in files]
    key = panel_key(states, data, folder)
    found = _existing(folder / key, key, tell, tell_faults=False)  # the look under the lock does
    if found is not None:
        return found
    with _faults_of_cache(folder, data):
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder / f".{key}.lock", folder / key, tell):
            found = _existing(folder / key, key, tell)  # another process may have built it
            if found is None:
                _build(data, plan, states, folder / key, tell)
    return found or read_panel(folder / key, key)


def _existing(place: Path, key: str, tell: Notify, tell_faults: bool = True) -> Panel | None:
    """The panel of a cache that is there and whole."""
    if not place.is_dir():
        return None
    try:
        panel = read_panel(place, key)
    except UnusableError as error:
        if tell_faults:
            tell(f"panel cache: {error}: it is built again")
        return None
    tell(f"panel cache: {place} is used")
    return panel


def _build(
    data: DataConfig, plan: Plan, states: Sequence[FileState], place: Path, tell: Notify
) -> None:
    """Build a cache, whole or not at all, and say how fast."""
    key, begun = place.name, time.perf_counter()
    for left in place.parent.glob(f".{key}.*.part"):  # of builds that were killed: we have the lock
        shutil.rmtree(left, ignore_errors=True)
    parts = f" in {plan.parts} parts" if plan.parts > 1 else ""
    tell(f"panel cache: about {plan.lines:,} lines go to {place}{parts}")
    with replace_folder(place) as temporary:
        if plan.parts == 1:
            write_panel(build_panel(read_table(data), data.freq), temporary, key)
        else:
            progress = _ProgressLines(tell).progress
            build_in_parts(data, plan.parts, temporary, key, progress)
        require_unchanged(states)
    seconds = time.perf_counter() - begun
    speed = f"{plan.lines / max(seconds, 1e-3):,.0f} lines/s"
    tell(f"panel cache: {place} was built in {seconds:.1f} s ({speed})")


class _ProgressLines:
    """A line on a build every ten seconds."""

    def __init__(self, tell: Notify) -> None:
        self._tell, self._lines = tell, 0
        self._begun = self._last = time.perf_counter()
        self.progress = Progress(self._add, self._part)

    def _add(self, lines: int) -> None:
        self._lines += lines
        spent = time.perf_counter() - self._begun
        self._say(f"{self._lines:,} lines sorted ({self._lines / max(spent, 1e-3):,.0f} lines/s)")

    def _part(self, done: int, count: int) -> None:
        self._say(f"{done} of {count} parts laid out")

    def _say(self, text: str) -> None:
        if time.perf_counter() - self._last >= _BETWEEN:
            self._last = time.perf_counter()
            self._tell(f"panel cache: {text}")


@contextlib.contextmanager
def _lock(path: Path, place: Path, tell: Notify) -> Iterator[None]:
    """Hold the lock of a cache; the operating system gives it up when its process ends."""
    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell(f"panel cache: another process builds {place}: waiting for it")
            lock.acquire(poll_interval=_LOOK)
    except NotImplementedError:  # a file system without locks: two builds make the same
        yield
        return
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _faults_of_cache(folder: Path, data: DataConfig) -> Iterator[None]:
    """Say of what the disk refuses that it is the cache, and what to change."""
    try:
        yield
    except OSError as error:
        named = "data.cache_dir" if data.cache_dir is not None else "data.cache"
        raise ConfigError(
            f"`{named}`: the panel cache {folder} cannot be written: {error.strerror or error}: "
            f"set `data.cache_dir=` to a folder with room, or `data.cache=false`"
        ) from error
