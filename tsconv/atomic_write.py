"""Atomic writes: a file or a folder appears under its name whole, or not at all.

What is written goes to a temporary name beside the target, is flushed to the disk and renamed, and
the new name is flushed too. Who reads the target meanwhile sees the old content or the new, and two
may write at once: the last one to finish stays. Where writing fails, the old content stays, the
temporary file is removed, and the error names the target. New files have the permissions that the
process gives to any new file, whatever library wrote them. Nothing is written elsewhere: the
machine's folder for temporary files may be full, read-only or on another disk.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from tsconv.errors import TsconvError

_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_PART = re.compile(r"\..+\.[0-9a-f]{8}\.part(\.probe)?")
_PROBE = 64 * 1024  # bytes
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
_ATTEMPTS = 100  # to take a folder's place, each lost to somebody who took it at the same time


@contextlib.contextmanager
def replace_file(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; it becomes `target` when the block ends.

    Raises OSError where the folder is missing or cannot be written to; an exception in the block
    leaves `target` as it was.

    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with replace_file(target) as temporary:
    ...     _ = temporary.write_text("1 2 3")
    >>> target.read_text()
    '1 2 3'
    """
    temporary = _temporary_path(target)
    try:
        with _faults_name(target, temporary):
            yield temporary
            _set_ordinary_mode(temporary, _mode_of_new_files(target))
            _flush(temporary)
            os.replace(temporary, target)
            _flush_names(target.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_by_link(source: Path, target: Path) -> None:
    """Give a file that is on the disk already a second name, in place of what had it.

    Where the file system has no links, it is copied. Raises OSError.

    >>> import pathlib, tempfile
    >>> source = pathlib.Path(tempfile.mkdtemp()) / "last.ckpt"
    >>> _ = source.write_text("weights")
    >>> replace_by_link(source, source.with_name("previous.ckpt"))
    >>> source.with_name("previous.ckpt").read_text()
    'weights'
    """
    temporary = _temporary_path(target)
    try:
        with _faults_name(target, temporary):
            try:
                os.link(source, temporary)
            except OSError:
                shutil.copyfile(source, temporary)
                _flush(temporary)
            os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def replace_text(target: Path, text: str) -> None:
    """Write a text in UTF-8 to `target`, line ends as they are; raises OSError.

    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "best.yaml"
    >>> replace_text(target, "horizon: 28")
    >>> target.read_text()
    'horizon: 28'
    """
    with replace_file(target) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


@contextlib.contextmanager
def replace_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target` to fill; it becomes `target` when the block ends.

    A folder that is there already is replaced with all that it holds: check first that it may be.
    Raises OSError where `target` is a file, and where its parent is missing or cannot be written
    to; an exception in the block leaves `target` as it was.

    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "bundle"
    >>> with replace_folder(target) as temporary:
    ...     _ = (temporary / "config.json").write_text("{}")
    >>> [path.name for path in target.iterdir()]
    ['config.json']
    """
    asked, target = target, target.resolve()
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(asked))
    temporary = _temporary_path(target)
    try:
        with _faults_name(asked, temporary):
            temporary.mkdir()
            yield temporary
            mode = stat.S_IMODE(temporary.stat().st_mode) & 0o666  # the umask's, as of a new folder
            for path in temporary.rglob("*"):
                if path.is_file():
                    _set_ordinary_mode(path, mode)
                    _flush(path)
                elif path.is_dir():
                    _flush_names(path)
            _flush_names(temporary)
            _take_place(temporary, target)
            _flush_names(target.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def is_part_file(name: str) -> bool:
    """Whether a name is that of a file or folder that was not written to its end.

    >>> is_part_file(".metrics.json.0a1b2c3d.part")
    True
    """
    return _PART.fullmatch(name) is not None


def remove_parts(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder to which nobody else writes.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / ".metrics.json.0a1b2c3d.part").write_text("{")
    >>> remove_parts(folder)
    >>> list(folder.iterdir())
    []
    """
    for path in [path for path in folder.rglob(".*") if is_part_file(path.name)]:
        with contextlib.suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


@contextlib.contextmanager
def _faults_name(target: Path, temporary: Path) -> Iterator[None]:
    """Let every fault of the disk be an OSError that names `target`, not the temporary path.

    Libraries that write by themselves say in their own way that the disk is full: what they raise
    is told apart from other faults by trying to write.
    """
    try:
        yield
    except TsconvError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            names = [str(name) for name in (error.filename, error.filename2) if name is not None]
            if not names or any(f"{os.sep}.{target.name}." in name for name in names):
                error.filename = str(target)
                del error.filename2  # where it was to be renamed to
            raise
        named = _OS_ERROR.search(str(error))  # as safetensors says it, having removed its half
        found = int(named[1]) if named else _why_not_writable(temporary)
        if found not in _OF_THE_DISK:
            raise
        raise OSError(found, os.strerror(found), str(target)) from error


def _why_not_writable(temporary: Path) -> int | None:
    """The number of the fault that writing a little more beside `temporary` meets; None: it works.

    The half of what was to be written is still there, so a full disk is still full.
    """
    probe = temporary.with_name(f"{temporary.name}.probe")
    try:
        with probe.open("xb") as file:
            file.write(bytes(_PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    return None


def _temporary_path(target: Path) -> Path:
    """A hidden name in the same folder, hence on the same disk, that nobody else has."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")


def _mode_of_new_files(target: Path) -> int:
    """The permissions that a file made now beside `target` gets.

    A file is made to find out: the umask can only be read by setting it, for every thread.
    """
    probe = _temporary_path(target)
    try:
        with probe.open("x") as file:
            return stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    finally:
        probe.unlink(missing_ok=True)


def _set_ordinary_mode(path: Path, mode: int) -> None:
    """Give a file the permissions of any new one: some libraries write for the owner alone."""
    if stat.S_IMODE(path.stat().st_mode) != mode:
        with contextlib.suppress(PermissionError):  # a file system without permissions
            path.chmod(mode)


def _flush(path: Path) -> None:
    """Have the file on the disk before its new name is: a crash must not leave an empty file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _flush_names(folder: Path) -> None:
    """Have the names in a folder on the disk: a crash of the machine must not undo a rename."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # some systems open no folders
        return
    try:
        with contextlib.suppress(OSError):  # nor do some file systems flush them
            os.fsync(handle)
    finally:
        os.close(handle)


def _take_place(temporary: Path, target: Path) -> None:
    """Rename a folder to a name that may be taken: no single step replaces a folder with content.

    The old folder steps aside first, and comes back where the new one cannot take its place.
    """
    for _ in range(_ATTEMPTS):
        aside = _temporary_path(target)
        with contextlib.suppress(FileNotFoundError):
            os.replace(target, aside)
        try:
            os.replace(temporary, target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # not another writer's folder
                if aside.exists():
                    os.replace(aside, target)
                raise
            shutil.rmtree(aside, ignore_errors=True)
        else:
            shutil.rmtree(aside, ignore_errors=True)
            return
    raise OSError(errno.EBUSY, "other programs keep writing it", str(target))
