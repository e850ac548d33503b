"""`budget`: how long a race takes, or how many candidates it has."""

from __future__ import annotations

import dataclasses
import math
import re
import time

from tsconv.errors import ConfigError

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h|candidates?)\s*")
_MOST_SECONDS = 30 * 24 * 3600.0


@dataclasses.dataclass(frozen=True)
class Budget:
    """Seconds, or a number of candidates, which makes a race reproducible on any machine."""

    seconds: float | None = None
    candidates: int | None = None

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `60s`, `2m`, `1h` or `12candidates`; raises ConfigError for anything else.

        >>> Budget.parse("2m").seconds, Budget.parse("12candidates").candidates
        (120.0, 12)
        """
        found = _PATTERN.fullmatch(str(text))
        if found is not None:
            number, unit = float(found[1]), found[2]
            if unit not in _UNITS and number == int(number) >= 1:
                return cls(candidates=int(number))
            if unit in _UNITS and 0 < number * _UNITS[unit] <= _MOST_SECONDS:
                return cls(seconds=number * _UNITS[unit])
        raise ConfigError(
            f"`budget` (={text}) must be a time, such as 60s, 2m or 1h, or a number of candidates, "
            f"such as 12candidates"
        )


class Clock:
    """The time that a budget has left; endless for a budget in candidates.

    >>> Clock(Budget(candidates=3)).left
    inf
    """

    def __init__(self, budget: Budget, begun: float | None = None) -> None:
        self.budget = budget
        self.begun = time.perf_counter() if begun is None else begun

    @property
    def spent(self) -> float:
        """Seconds since the race began."""
        return time.perf_counter() - self.begun

    @property
    def left(self) -> float:
        """Seconds of the budget that are left; below 0 where it is overdrawn."""
        return math.inf if self.budget.seconds is None else self.budget.seconds - self.spent

    def share(self, part: float) -> float:
        """Seconds that are left until `part` of the whole budget is spent."""
        seconds = self.budget.seconds
        return math.inf if seconds is None else part * seconds - self.spent
