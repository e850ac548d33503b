"""Training the candidates of a race, each anew and for longer than before."""

from __future__ import annotations

import dataclasses
import math

from tsconv.data.batches.origin_range import OriginRange
from tsconv.race.budget import Clock
from tsconv.race.candidate import Candidate, measure_step, train_on, validation_loss
from tsconv.race.lean import origins_of_step
from tsconv.training.lightning.loop import TrainerResult, TrainingInterrupted
from tsconv.training.prepare import Prepared
from tsconv.training.step.compile_cache import CompileCache

_MARGIN = 1.2  # of a step that was measured before its first training
_OVERTIME = 1.02  # of a training's seconds, at which it is ended


class CandidateTrainer:
    """Trains candidates within seconds, or for as many origins as some steps of the base have.

    Args:
        base: what the race's config came to, untrained.
        part: the validation origins that candidates are compared on.
        clock: the budget.
        cache: of compiled steps.
    """

    def __init__(
        self, base: Prepared, part: OriginRange, clock: Clock, cache: CompileCache
    ) -> None:
        self.base, self.part, self.clock, self.cache = base, part, clock, cache
        self.precision = base.config.precision
        if clock.budget.candidates is not None and self.precision == "auto":
            self.precision = "float32"  # chosen by timing, it would differ from run to run
        self.trained: list[Candidate] = []  # each once, in the order of their first training
        self.last: TrainerResult | None = None  # what the last training left

    def train(self, one: Candidate, seconds: float, steps: int) -> None:
        """Train a candidate anew, for longer; it stays as it was where that is worse.

        For some seconds, or, where these are endless, for as many origins as `steps` of the base.
        """
        config = dataclasses.replace(one.prepared.config, precision=self.precision)
        one.prepared = dataclasses.replace(one.prepared, config=config)
        if math.isinf(seconds):
            ratio = origins_of_step(self.base) / origins_of_step(one.prepared)
            steps = max(1, round(steps * ratio))
        else:
            steps = max(1, int(seconds / self.step_seconds(one)))
        loss, steps_before, seconds_before = one.loss, one.steps, one.seconds
        ends = self.clock.spent + _OVERTIME * seconds
        one.rung += 1
        if one not in self.trained:
            self.trained.append(one)
        try:
            self.last, before = train_on(
                one, steps, self.part, lambda: ends - self.clock.spent, self.cache
            )
        except TrainingInterrupted:
            one.loss = validation_loss(one.net, one.prepared, self.part)
            raise
        self.precision = str(self.last.figures["precision"])
        taken = max(1, int(self.last.figures["train_steps"]))
        one.step_seconds = (one.seconds - seconds_before) / taken
        # As the weights of a training are chosen: a rise mostly says that this part is unlike.
        worse = one.loss > loss * (1 + config.callbacks.weights_tolerance)
        if steps_before and worse:
            one.prepared.net.load_state_dict(before)
            one.loss, one.steps = loss, steps_before

    def step_seconds(self, one: Candidate) -> float:
        """The seconds of one of a candidate's steps, measured where it has not trained yet."""
        if not one.step_seconds:
            precision = "float32" if self.precision == "auto" else self.precision
            one.step_seconds = _MARGIN * measure_step(one.prepared, precision)
        return one.step_seconds
