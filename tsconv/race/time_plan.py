"""How the seconds of a race's budget are shared among solving, training, scoring and a refit."""

from __future__ import annotations

import math

from tsconv.data.batches.origin_range import OriginRange
from tsconv.race.budget import Clock
from tsconv.race.members import MOST_MEMBERS
from tsconv.training.prepare import Prepared
from tsconv.training.refit import wants_refit

_REFIT = 0.08  # of the budget, for a refit
_SCORED = 4.0  # networks and simple forecasts, in passes, that are scored at the end
_MOST_SCORING = 0.35  # of the budget that is kept for scoring
_LEAST_MEMBERS = 3  # whatever the time: averages are worth it, and solved ones are quick to score
_DENSE = 30.0  # origins that a dense pass goes through at the cost of scoring one


class TimePlan:
    """The time of a race after its structures were solved; endless for a budget in candidates.

    Args:
        clock: of the race.
        base: what its config came to, untrained.
        part: the validation origins that candidates are compared on.

    Scoring is reckoned from the seconds of one validation, `val_seconds`.
    """

    def __init__(self, clock: Clock, base: Prepared, part: OriginRange) -> None:
        self.clock, self._begins = clock, clock.spent
        self._wants_refit = wants_refit(base)
        test = base.split.test
        scored = 0 if test is None else int(test.counts.sum())
        self._test_ratio = scored / max(1, int(part.counts.sum()))

    def until(self, share: float) -> float:
        """Seconds until a share of the time after solving is spent."""
        seconds = self.clock.budget.seconds
        if seconds is None:
            return math.inf
        return self._begins + share * (seconds - self._begins) - self.clock.spent

    def left_for_training(self, val_seconds: float) -> float:
        """Seconds that are left when what scoring and a refit take is kept."""
        most = _MOST_SCORING * (self.clock.budget.seconds or 0.0)
        return self.clock.left - min(_SCORED * self._scoring(val_seconds), most) - self._refit

    def most_members(self, val_seconds: float) -> int:
        """Networks that there is time to score."""
        if self.clock.budget.seconds is None:
            return MOST_MEMBERS
        affordable = int((self.clock.left - self._refit) / max(1e-6, self._scoring(val_seconds)))
        return min(MOST_MEMBERS, max(_LEAST_MEMBERS, affordable))

    def _scoring(self, val_seconds: float) -> float:
        """Seconds that scoring one network on the test part takes, from those of a validation.

        That is a dense pass too; it scores fewer origins.
        """
        return val_seconds * (1 + self._test_ratio / _DENSE)

    @property
    def _refit(self) -> float:
        """Seconds that are kept for a refit of the winner."""
        return _REFIT * (self.clock.budget.seconds or 0.0) if self._wants_refit else 0.0
