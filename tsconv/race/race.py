"""Successive halving: structures by their solved branch, trainings by short ones, then an average.

Sources: sequential halving, Karnin et al. 2013; as a race for hyperparameters, Jamieson & Talwalkar
2016, arXiv 1502.07943.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from tsconv.config.compose import default_config
from tsconv.config.schema import TrainConfig
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.covariates.encode import with_calendar
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.table import Table
from tsconv.errors import TsconvError
from tsconv.model.ensemble import EnsembleNet, Network
from tsconv.race.budget import Clock
from tsconv.race.candidate import Candidate, measure_step, train_on, validation_loss
from tsconv.race.leaderboard import leaderboard
from tsconv.race.lean import MANY_SERIES, lean, origins_of_step
from tsconv.race.members import MOST_MEMBERS, choose_members
from tsconv.race.portfolio import Change, changed, fits
from tsconv.race.structures import (
    CandidateFactory,
    Structure,
    solved_structures,
    structure_of,
    to_train,
)
from tsconv.training.lightning.loop import TrainerResult, TrainingInterrupted
from tsconv.training.panel_cache import PanelCache
from tsconv.training.prepare import Prepared
from tsconv.training.refit import wants_refit
from tsconv.training.solved_start import SolvedStart, untrained_result

_FIRST, _SECOND = 0.25, 0.45  # of the time after solving, until the end of each rung
_LEAST_STEPS = 300  # in the first rung of a budget in time: fewer tell little of many
_STEPS = (40, 120)  # in the first two rungs of a budget in candidates, as large as the base's
_LEAST_OF_FINALIST = 150  # steps: with fewer for each, the best one gets all the time
_FEWEST = 3  # trainings of a first rung; with less time the finalists get all of it
_SECOND_CANDIDATES, _FINALISTS = 3, 2  # that go on
_CLEAR = 0.002  # of the base's loss: a change that lowers it by more may be combined with others
_OTHER = 0.015  # of the best loss: a finalist of another structure may be as much behind
_REFIT = 0.08  # of the budget, for a refit
_MEMBERS = 4.0  # networks and simple forecasts, in passes, that are scored at the end
_LEAST_MEMBERS = 3  # whatever the time: averages are worth it, and solved ones are quick to score
_DENSE = 30.0  # origins that a dense pass goes through at the cost of scoring one
_MOST_SCORING = 0.35  # of the budget that is kept for scoring


@dataclasses.dataclass(frozen=True)
class RaceResult:
    """The winner of a race, and all that took part."""

    net: Network  # one network, or several
    winner: Candidate
    members: tuple[Candidate, ...]  # whose networks are those of `net`, in its order
    panel: Panel  # with what the network takes
    trained: TrainerResult
    leaderboard: list[dict[str, Any]]  # every candidate, the best first
    summary: dict[str, Any]  # for metrics.json


class Race:
    """Candidates on their way; `run` returns the winner.

    Args:
        config: as given, with its open ends.
        base: what it came to, untrained.
        part: the validation origins that candidates are compared on.
        panel_cache, table: of the data.
        clock: the budget.
        notify: is called with what is worth telling.
    """

    def __init__(
        self,
        config: TrainConfig,
        base: Prepared,
        part: OriginRange,
        panel_cache: PanelCache,
        table: Table | None,
        clock: Clock,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self.config, self.base, self.clock = _for_training(config, base), base, clock
        self.part, self.panel_cache = part, panel_cache
        self.factory = CandidateFactory(base, part, panel_cache, table)
        self.notify = notify or (lambda text: None)
        self.candidates: list[Candidate] = []  # solved, then trained
        self.precision = config.precision
        if clock.budget.candidates is not None and self.precision == "auto":
            self.precision = "float32"  # chosen by timing, it would differ from run to run
        self.many_series = len(base.panel) >= MANY_SERIES and not base.panel.rows
        self.solved_at = 0.0  # seconds after the start
        self.stopped = False  # by Ctrl-C
        self.trained: TrainerResult | None = None  # what the last training left

    def run(self) -> RaceResult:
        """Run the race and return its winner; Ctrl-C ends it with the best so far."""
        structures = solved_structures(
            self.config, self.factory, self.clock, self.many_series
        )
        if not structures:
            raise TsconvError("no candidate goes with the data")
        self.candidates, self.solved_at = [s.candidate for s in structures], self.clock.spent
        self.lead = structures[0]
        solved_loss = structures[0].candidate.loss
        if self.config.model.stack:
            try:
                self._final(self._second_rung(self._first_rung(structures)))
            except (TrainingInterrupted, KeyboardInterrupt):
                self.stopped = True
                self.notify("the race was interrupted: the best candidate so far is kept")
            if self.trained is None and not self.stopped:
                self.notify(
                    f"`budget` (={self.config.budget}) is too short to train a candidate: the "
                    f"bundle holds the solved linear branch"
                )
        return self._result(solved_loss)

    # -- stages ----------------------------------------------------------------------------------

    def _first_rung(self, structures: Sequence[Structure]) -> list[Candidate]:
        """Train the best structures, and variations of the better one, for a short time each."""
        changes = self._changes()
        plain = to_train(structures, self.many_series)
        entrants = len(plain) + len(changes)
        if self.clock.budget.candidates is not None:
            entrants = min(entrants, self.clock.budget.candidates)
        out: list[Candidate] = []
        least, leads = self.factory.val_seconds, plain[:1]
        for i in range(entrants):
            if i < len(plain):
                one = self._entrant(plain[i], ())
            else:  # what led before a training may not after it
                one = self._entrant(leads[0], changes[i - len(plain) : i - len(plain) + 1])
            if one is None:
                continue
            if i == 0:
                least = _LEAST_STEPS * self._step_seconds(one) + self.factory.val_seconds
                if self._share(_FIRST) < _FEWEST * least:  # too few to tell what helps
                    return [one, *filter(None, (self._entrant(s, ()) for s in plain[1:]))]
            if len(out) > 1 and self._share(_FIRST) < 0.8 * least:
                break
            seconds = max(self._share(_FIRST) / (entrants - i), least)
            self._train(one, seconds - self.factory.val_seconds, _STEPS[0])
            out.append(one)
            if i < len(plain) and one.loss <= min(c.loss for c in out):
                leads = plain[i : i + 1]
        self.lead = leads[0]
        return out

    def _changes(self) -> list[Change]:
        """The portfolio's variations that go with the data and leave alone what was given."""
        default = _for_training(default_config(self.config.horizon), self.base)
        found = [Change(name, dict(v)) for name, v in self.config.portfolio.variations.items()]
        return [change for change in found if fits(change, self.config, default, self.base)]

    def _second_rung(self, first: list[Candidate]) -> list[Candidate]:
        """Train the best few on, and a combination of the changes that helped."""
        limit = min((c.loss for c in first if not c.changes), default=0.0) * (1 - _CLEAR)
        helped = [change for c in first if c.loss < limit for change in c.changes]
        ranked = _ranked(first)[:_SECOND_CANDIDATES]
        if len(first) <= _SECOND_CANDIDATES and len(helped) < 2:
            return ranked  # the time is better spent on the finalists
        if len(helped) > 1 and self._share(_SECOND) > 0:
            together = self._entrant(self.lead, helped)
            if together is not None:
                ranked = [together, *ranked[:-1]]
        for i, one in enumerate(ranked):
            seconds = self._share(_SECOND) / (len(ranked) - i) - self.factory.val_seconds
            if seconds > 0:
                self._train(one, seconds, _STEPS[1])
        return [*ranked, *(c for c in first if c not in ranked)]

    def _final(self, entrants: Sequence[Candidate]) -> None:
        """Train the finalists for the time that is left, shared among them."""
        ranked = _ranked(entrants)
        finalists = _finalists(ranked, 1 if self.config.ensemble == "false" else _FINALISTS)
        val = self.factory.val_seconds
        most = _MOST_SCORING * (self.clock.budget.seconds or 0.0)
        kept = min(_MEMBERS * self._scoring_seconds(), most) + self._refit_seconds()
        if len(finalists) > 1:
            each = (self.clock.left - kept) / len(finalists) - val
            if each < _LEAST_OF_FINALIST * max(self._step_seconds(one) for one in finalists):
                finalists = finalists[:1]
        for i, one in enumerate(finalists):
            seconds = (self.clock.left - kept) / (len(finalists) - i) - val
            if seconds > _LEAST_STEPS / 4 * self._step_seconds(one):
                self._train(one, seconds, int(one.prepared.config.trainer["max_steps"]))

    def _share(self, part: float) -> float:
        """Seconds until a part of the time after solving is spent."""
        seconds = self.clock.budget.seconds
        if seconds is None:
            return math.inf
        return self.solved_at + part * (seconds - self.solved_at) - self.clock.spent

    def _scoring_seconds(self) -> float:
        """Seconds that scoring one network on the test part takes, from those of a validation.

        That is a dense pass too; it scores fewer origins.
        """
        test = self.base.split.test
        scored = 0 if test is None else int(test.counts.sum())
        ratio = scored / max(1, int(self.part.counts.sum()))
        return self.factory.val_seconds * (1 + ratio / _DENSE)

    def _most_members(self) -> int:
        """Members that there is time to score."""
        if self.clock.budget.seconds is None:
            return MOST_MEMBERS
        left = self.clock.left - self._refit_seconds()
        return min(
            MOST_MEMBERS, max(_LEAST_MEMBERS, int(left / max(1e-6, self._scoring_seconds())))
        )

    def _refit_seconds(self) -> float:
        """Seconds of the budget that are kept for a refit of the winner."""
        seconds = self.clock.budget.seconds
        return _REFIT * seconds if seconds and wants_refit(self.base) else 0.0

    # -- trainings -------------------------------------------------------------------------------

    def _entrant(self, structure: Structure, changes: Sequence[Change]) -> Candidate | None:
        """A candidate that is to be trained; None where a change does not go with the data."""
        config, like = structure.config, structure.candidate
        for change in changes:
            config = changed(config, change, self.base.config)
        names = [c.name for c in changes] or ["trained"]
        return self.factory.make(", ".join([like.name, *names]), config, changes)

    def _train(self, one: Candidate, seconds: float, steps: int) -> None:
        """Train a candidate anew, for longer; it stays as it was where that is worse.

        For some seconds, or, where these are endless, for as many origins as `steps` of the base.
        """
        config = dataclasses.replace(one.prepared.config, precision=self.precision)
        one.prepared = dataclasses.replace(one.prepared, config=config)
        if math.isinf(seconds):
            ratio = origins_of_step(self.base) / origins_of_step(one.prepared)
            steps = max(1, round(steps * ratio))
        else:
            steps = max(1, int(seconds / self._step_seconds(one)))
        loss, steps_before, seconds_before = one.loss, one.steps, one.seconds
        ends = self.clock.spent + 1.02 * seconds
        cache = self.panel_cache.compile_cache
        one.rung += 1
        try:
            result, before = train_on(one, steps, self.part, lambda: ends - self.clock.spent, cache)
        except TrainingInterrupted:
            one.loss = validation_loss(one.net, one.prepared, self.part)
            self._keep(one)
            raise
        self.precision, self.trained = str(result.figures["precision"]), result
        taken = max(1, int(result.figures["train_steps"]))
        one.step_seconds = (one.seconds - seconds_before) / taken
        # As the weights of a training are chosen: a rise mostly says that this part is unlike.
        worse = one.loss > loss * (1 + self.config.callbacks.weights_tolerance)
        if steps_before and worse:
            one.prepared.net.load_state_dict(before)
            one.loss, one.steps = loss, steps_before
        self._keep(one)

    def _keep(self, one: Candidate) -> None:
        if one not in self.candidates:
            self.candidates.append(one)

    def _step_seconds(self, one: Candidate) -> float:
        """The seconds of one of a candidate's steps, measured where it has not trained yet."""
        if not one.step_seconds:
            precision = "float32" if self.precision == "auto" else self.precision
            one.step_seconds = 1.2 * measure_step(one.prepared, precision)
        return one.step_seconds

    # -- the end ---------------------------------------------------------------------------------

    def _result(self, solved_loss: float) -> RaceResult:
        """The best candidate, or the average of a few where validation prefers it."""
        ranked = sorted(self.candidates, key=lambda c: c.loss)
        members = ranked[:1]
        if self.config.ensemble != "false" and not self.stopped:
            least = 2 if self.config.ensemble == "true" else 1
            members = choose_members(ranked, self.part, least, max(least, self._most_members()))
        winner, net = members[0], members[0].net
        loss = winner.loss
        if len(members) > 1:
            net = EnsembleNet([m.prepared.net.eval() for m in members])
            loss = validation_loss(net, winner.prepared, self.part)
        trained = self.trained or untrained_result(winner.prepared, SolvedStart(winner.choice))
        figures = {
            **trained.figures,
            "train_seconds": round(self.clock.spent, 3),
            "train_steps": sum(m.steps for m in members),
            "parameters": sum(p.numel() for p in net.parameters()),
        }
        note = f"winner of a race of {len(self.candidates)} candidates: {winner.name}"
        summary = {
            "budget": self.config.budget,
            "winner": winner.name,
            "members": [m.name for m in members],
            "candidates": len(self.candidates),
            "val_loss": loss,
            "solved_val_loss": solved_loss,
            "seconds": round(self.clock.spent, 3),
        }
        return RaceResult(
            net,
            winner,
            tuple(members),
            with_calendar(winner.prepared.panel, net.spec.calendar, net.spec.horizon),
            dataclasses.replace(trained, figures=figures, weights_note=note),
            leaderboard(ranked, members),
            summary,
        )


def _for_training(config: TrainConfig, base: Prepared) -> TrainConfig:
    """The config with small steps, and with what the portfolio has for all trainings."""
    training = Change("training", dict(base.config.portfolio.training))
    if fits(training, config, default_config(config.horizon), base):
        config = changed(config, training, base.config)
    return lean(config, base)


def _ranked(entrants: Sequence[Candidate]) -> list[Candidate]:
    """The best first; where none has trained yet, as they were chosen for training."""
    if not any(c.steps for c in entrants):
        return list(entrants)
    return sorted(entrants, key=lambda c: c.loss)


def _finalists(ranked: Sequence[Candidate], count: int) -> list[Candidate]:
    """The best candidates, of different structure where it costs little: errors then differ too."""
    best = ranked[0]
    if best.steps == 0:  # not trained yet: chosen to be unlike
        return list(ranked[:count])
    others = [c for c in ranked[1:] if c.loss <= best.loss * (1 + _OTHER)]
    unlike_best = [c for c in others if structure_of(c) != structure_of(best)]
    return [best, *(unlike_best + [c for c in others if c not in unlike_best])[: count - 1]]
