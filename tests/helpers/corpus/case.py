"""What a case of the corpus is: a file made by a script, the truth beside it, what is allowed."""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

READS, REFUSES, EITHER = "reads", "refuses", "either"
_SEED = 13


@dataclasses.dataclass(frozen=True)
class Series:
    """One series of the truth, in order of time; a value that is NaN is missing.

    names: the values of its key columns in any order, each a text or several that are as good;
    () where the file holds one series. channel: its column of values; None where the file has none.
    A time that stands twice was so in the file, with either value.
    """

    names: tuple[str | tuple[str, ...], ...]
    channel: str | None
    times: np.ndarray  # as written: datetime64[us] on the file's own clock, or integers
    values: np.ndarray
    also: tuple[np.ndarray, ...] = ()  # other times that are as good
    utc: np.ndarray | None = None  # where the file says which moments they are


Make = Callable[[Path, np.random.Generator], list[Series]]


@dataclasses.dataclass(frozen=True)
class Case:
    """A file, or several, and what `tsconv check` may make of them."""

    name: str
    make: Make  # writes the files into a folder and returns the truth
    path: str = "data.csv"
    hints: tuple[str, ...] = ()  # what a user would give besides data.path
    expect: str = READS  # the last line reads the truth; REFUSES: none can; EITHER
    refusal: str = ""  # a regular expression that the message of a refusal must hold
    states: str = ""  # one that the report must hold where the file is read
    complete: bool = True  # whether all channels of the truth must be read, or some at least
    names_in_file_names: bool = False  # whether files' names hold those of the series
    plain: bool = False  # whether it is much like another: the everyday tests leave it out

    def write(self, folder: Path) -> list[Series]:
        """Write the files, the same each time, and return the truth."""
        return self.make(folder, np.random.default_rng([_SEED, zlib.crc32(self.name.encode())]))

    @property
    def overrides(self) -> list[str]:
        """What `tsconv check` is given."""
        return [f"data.path={self.path}", *self.hints]

    def allows(self, what: str) -> bool:
        """Whether a case may end so: READS or REFUSES."""
        return self.expect in (what, EITHER)

    def explains(self, message: str) -> bool:
        """Whether the message of a refusal says what the matter is."""
        return re.search(self.refusal, message, re.IGNORECASE) is not None


class Cases(dict[str, Case]):
    """The cases of a module, by name."""

    def define(self, name: str, make: Make, **options: Any) -> None:
        """Add a case."""
        assert name not in self, name
        self[name] = Case(name, make, **options)

    def add(self, **options: Any) -> Callable[[Make], Make]:
        """Add a case that has the name of the decorated function."""

        def register(make: Make) -> Make:
            self.define(make.__name__, make, **options)
            return make

        return register
