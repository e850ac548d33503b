"""The errors that users meet: one line each that says what to change."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from pathlib import Path

from tsconv.text import printable

_LARGEST = 2**62  # what the sizes of a tensor can hold


class TsconvError(Exception):
    """A fault in the input or the config; the commands print it as one line and exit with 1.

    >>> from tsconv.config.compose import train_config
    >>> try:
    ...     train_config(["horizon=7", "model.hiden=32"])
    ... except TsconvError as error:
    ...     print(error)
    unknown config key `model.hiden` (did you mean `model.hidden`?)
    """


class DataError(TsconvError):
    """The data cannot be used as they are; the message names file, line, column and value.

    >>> from tsconv import Forecaster
    >>> try:
    ...     Forecaster(horizon=7).fit("no such file.csv")
    ... except DataError as error:
    ...     print(error)  # doctest: +ELLIPSIS
    `data.path` (=no such file.csv) ...
    """


class DataTypeError(DataError, TypeError):
    """What was given as data is neither a table nor a path; the message names its type.

    >>> from tsconv import Forecaster
    >>> try:
    ...     Forecaster(horizon=7).fit([1.0, 2.0])
    ... except TypeError as error:
    ...     print(error)  # doctest: +ELLIPSIS
    fit takes a DataFrame of pandas or polars, a pyarrow table, or ..., not a list
    """


class ConfigError(TsconvError):
    """A config key or an argument is wrong; the message names it, its value and valid ones.

    >>> from tsconv import Forecaster
    >>> try:
    ...     Forecaster(horizon=7, modle__hidden=32)
    ... except ConfigError as error:
    ...     print(error)
    unknown config key `modle.hidden` (did you mean `model.hidden`?)
    """


class BundleError(TsconvError):
    """A bundle or a checkpoint cannot be read or written; the message names it and the fault.

    >>> from tsconv import Forecaster
    >>> try:
    ...     Forecaster(horizon=7).save("bundle")
    ... except BundleError as error:
    ...     print(error)
    this Forecaster is not trained yet: call fit or load first
    """


class TrainingError(TsconvError):
    """Training cannot go on; the message names the step and the cause.

    >>> try:
    ...     raise TrainingError("the gradient of step 7 is not finite")
    ... except TsconvError as error:
    ...     print(error)
    the gradient of step 7 is not finite
    """


def one_line(error: BaseException) -> str:
    """The message of an error in one line, with the type in front unless it is a TsconvError.

    >>> one_line(ValueError("not a\\nnumber"))
    'ValueError: not a number'
    """
    text = printable(" ".join(str(error).split())) or type(error).__name__
    return text if isinstance(error, TsconvError) else f"{type(error).__name__}: {text}"[:500]


# What to do about a fault of the disk, by its number.
_ELSEWHERE = "was not written; free some space, or name another disk"
_NO_RIGHT = "no permission for {}; change its permissions, or name another path"
_NO_FOLDER = "{}: a file stands where a folder should be; move it, or name another path"
_DISK_FAULTS = {
    errno.ENOSPC: f"the disk is full: {{}} {_ELSEWHERE}",
    errno.EDQUOT: f"your disk quota is used up: {{}} {_ELSEWHERE}",
    errno.EROFS: "{} cannot be written: the disk is read-only; name another folder",
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
    errno.EISDIR: "{} is a folder, not a file; name another path",
    errno.EIO: "the disk failed at {}: look at the machine, or name another disk",
}


def disk_fault(error: OSError) -> str:
    """What happened to a file, in one line that names it and says what to do.

    >>> disk_fault(OSError(errno.ENOSPC, "No space left on device", "runs/a/metrics.json"))
    'the disk is full: runs/a/metrics.json was not written; free some space, or name another disk'
    """
    if error.errno in _DISK_FAULTS:
        name = error.filename or "a file"
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            name = _file_in_the_way(str(name))
        return printable(_DISK_FAULTS[error.errno].format(name))
    where = f" ({error.filename})" if error.filename else ""
    return printable(f"{' '.join(str(error.strerror or error).split())}{where}")


def _file_in_the_way(name: str) -> str:
    """The file that a path leads through, or the path itself."""
    way = [Path(name), *Path(name).parents]
    return next((str(path) for path in way if path.is_file()), name)


def nearest(name: str, names: Iterable[str]) -> str:
    """Return " (did you mean `x`?)" for the one of `names` closest to `name`, "" for none.

    >>> nearest("hiden", ["hidden", "levels"])
    ' (did you mean `hidden`?)'
    """
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (did you mean `{found[0]}`?)" if found else ""


def require_choice(key: str, value: object, choices: Iterable[str]) -> None:
    """Raise ConfigError unless `value` is one of the choices, naming them and the nearest.

    key: the config key that holds the value, for the message.

    >>> require_choice("model.norm", "layer", ["layer", "rms"])
    """
    choices = list(choices)
    if value not in choices:
        raise ConfigError(
            f"`{key}` (={value}) must be one of {', '.join(choices)}{nearest(str(value), choices)}"
        )


def require_positive(**sizes: object) -> None:
    """Raise ConfigError unless every named size is an integer of at least 1.

    Examples:
        >>> require_positive(kernel_size=3, stride=1)
        >>> require_positive(kernel_size=0)
        Traceback (most recent call last):
            ...
        tsconv.errors.ConfigError: `kernel_size` (=0) must be an integer of at least 1
    """
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < _LARGEST:
            raise ConfigError(f"`{name}` (={value}) must be an integer of at least 1")
