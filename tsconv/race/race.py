"""Successive halving: structures by their solved branch, trainings by short ones, then an average.

Sources: sequential halving, Karnin et al. 2013; as a race for hyperparameters, Jamieson & Talwalkar
2016, arXiv 1502.07943.
"""

from __future__ import annotations

import dataclasses
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
from tsconv.race.candidate import Candidate, validation_loss
from tsconv.race.candidate_trainer import CandidateTrainer
from tsconv.race.leaderboard import leaderboard
from tsconv.race.lean import MANY_SERIES, lean
from tsconv.race.members import choose_members
from tsconv.race.portfolio import Change, changed, fits
from tsconv.race.structures import (
    CandidateFactory,
    Structure,
    solved_structures,
    structure_of,
    to_train,
)
from tsconv.race.time_plan import TimePlan
from tsconv.training.lightning.loop import TrainerResult, TrainingInterrupted
from tsconv.training.panel_cache import PanelCache
from tsconv.training.prepare import Prepared
from tsconv.training.solved_start import SolvedStart, untrained_result

_FIRST, _SECOND = 0.25, 0.45  # of the time after solving, until the end of each rung
_LEAST_STEPS = 300  # in the first rung of a budget in time: fewer tell little of many
_STEPS = (40, 120)  # in the first two rungs of a budget in candidates, as large as the base's
_FEWEST = 3  # trainings of a first rung; with less time the finalists get all of it
_LEAST_OF_FINALIST = 150  # steps: with fewer for each, the best one gets all the time
_LEAST_OF_ALL = 75  # steps of a finalist; fewer are left out
_SECOND_CANDIDATES, _FINALISTS = 3, 2  # that go on
_CLEAR = 0.002  # of the base's loss: a change that lowers it by more may be combined with others
_OTHER = 0.015  # of the best loss: a finalist of another structure may be as much behind


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
        self.part = part
        self.factory = CandidateFactory(base, part, panel_cache, table)
        self.trainer = CandidateTrainer(base, part, clock, panel_cache.compile_cache)
        self.notify = notify or (lambda text: None)
        self.many_series = len(base.panel) >= MANY_SERIES and not base.panel.rows
        self.stopped = False  # by Ctrl-C

    def run(self) -> RaceResult:
        """Run the race and return its winner; Ctrl-C ends it with the best so far."""
        structures = solved_structures(self.config, self.factory, self.clock, self.many_series)
        if not structures:
            raise TsconvError("no candidate goes with the data")
        plan = TimePlan(self.clock, self.base, self.part)
        if self.config.model.stack:
            try:
                first, lead = self._first_rung(structures, plan)
                self._final(self._second_rung(first, lead, plan), plan)
            except (TrainingInterrupted, KeyboardInterrupt):
                self.stopped = True
                self.notify("the race was interrupted: the best candidate so far is kept")
            if self.trainer.last is None and not self.stopped:
                self.notify(
                    f"`budget` (={self.config.budget}) is too short to train a candidate: the "
                    f"bundle holds the solved linear branch"
                )
        most_members = plan.most_members(self.factory.val_seconds)
        return self._result([s.candidate for s in structures], most_members)

    # -- stages ----------------------------------------------------------------------------------

    def _first_rung(
        self, structures: Sequence[Structure], plan: TimePlan
    ) -> tuple[list[Candidate], Structure]:
        """Train the best structures, and variations of the better one, for a short time each.

        Returns the candidates, not trained where there is time for the finalists alone, and the
        structure that leads.
        """
        changes = self._changes()
        plain = to_train(structures, self.many_series)
        most = self.clock.budget.candidates or len(plain) + len(changes)
        out = [one for one in (self._entrant(s, ()) for s in plain[:most]) if one is not None]
        if not out:
            return [], structures[0]
        least = _LEAST_STEPS * self.trainer.step_seconds(out[0]) + self.factory.val_seconds
        if plan.until(_FIRST) < _FEWEST * least:  # too few to tell what helps
            return out, plain[0]
        n_plain = len(out)
        entrants = min(most, n_plain + len(changes))
        for i, one in enumerate(out):
            self._train_in_rung(one, plan.until(_FIRST) / (entrants - i), least)
        # What led before a training may not after it.
        best = min(out, key=lambda c: c.loss)
        lead = next(s for s in plain if structure_of(s.candidate) == structure_of(best))
        for i in range(n_plain, entrants):
            if plan.until(_FIRST) < 0.8 * least:
                break
            varied = self._entrant(lead, [changes[i - n_plain]])
            if varied is not None:
                self._train_in_rung(varied, plan.until(_FIRST) / (entrants - i), least)
                out.append(varied)
        return out, lead

    def _train_in_rung(self, one: Candidate, seconds: float, least: float) -> None:
        self.trainer.train(one, max(seconds, least) - self.factory.val_seconds, _STEPS[0])

    def _changes(self) -> list[Change]:
        """The portfolio's variations that go with the data and leave alone what was given."""
        default = _for_training(default_config(self.config.horizon), self.base)
        found = [Change(name, dict(v)) for name, v in self.config.portfolio.variations.items()]
        return [change for change in found if fits(change, self.config, default, self.base)]

    def _second_rung(
        self, first: list[Candidate], lead: Structure, plan: TimePlan
    ) -> list[Candidate]:
        """Train the best few on, and a combination of the changes that helped."""
        limit = min((c.loss for c in first if not c.changes), default=0.0) * (1 - _CLEAR)
        helped = [change for c in first if c.loss < limit for change in c.changes]
        ranked = _ranked(first)[:_SECOND_CANDIDATES]
        if len(first) <= _SECOND_CANDIDATES and len(helped) < 2:
            return ranked  # the time is better spent on the finalists
        if len(helped) > 1 and plan.until(_SECOND) > 0:
            together = self._entrant(lead, helped)
            if together is not None:
                ranked = [together, *ranked[:-1]]
        for i, one in enumerate(ranked):
            seconds = plan.until(_SECOND) / (len(ranked) - i) - self.factory.val_seconds
            if seconds > 0:
                self.trainer.train(one, seconds, _STEPS[1])
        return [*ranked, *(c for c in first if c not in ranked)]

    def _final(self, entrants: Sequence[Candidate], plan: TimePlan) -> None:
        """Train the finalists for the time that is left, shared among them."""
        if not entrants:
            return
        val = self.factory.val_seconds
        ranked = _ranked(entrants)
        finalists = _finalists(ranked, 1 if self.config.ensemble == "false" else _FINALISTS)
        if len(finalists) > 1:
            each = plan.left_for_training(val) / len(finalists) - val
            if each < _LEAST_OF_FINALIST * max(self.trainer.step_seconds(c) for c in finalists):
                finalists = finalists[:1]
        for i, one in enumerate(finalists):
            seconds = plan.left_for_training(val) / (len(finalists) - i) - val
            if seconds > _LEAST_OF_ALL * self.trainer.step_seconds(one):
                steps = int(one.prepared.config.trainer["max_steps"])
                self.trainer.train(one, seconds, steps)

    def _entrant(self, structure: Structure, changes: Sequence[Change]) -> Candidate | None:
        """A candidate that is to be trained; None where a change does not go with the data."""
        config, like = structure.config, structure.candidate
        for change in changes:
            config = changed(config, change, self.base.config)
        names = [c.name for c in changes] or ["trained"]
        return self.factory.make(", ".join([like.name, *names]), config, changes)

    # -- the end ---------------------------------------------------------------------------------

    def _result(self, solved: list[Candidate], most_members: int) -> RaceResult:
        """The best candidate, or the average of a few where validation prefers it.

        solved: the structures, the best first.
        """
        candidates = [*solved, *self.trainer.trained]
        ranked = sorted(candidates, key=lambda c: c.loss)
        members = ranked[:1]
        if self.config.ensemble != "false" and not self.stopped:
            least = 2 if self.config.ensemble == "true" else 1
            members = choose_members(ranked, self.part, least, max(least, most_members))
        winner, net = members[0], members[0].net
        loss = winner.loss
        if len(members) > 1:
            net = EnsembleNet([m.prepared.net.eval() for m in members])
            loss = validation_loss(net, winner.prepared, self.part)
        trained = self.trainer.last or untrained_result(winner.prepared, SolvedStart(winner.choice))
        figures = {
            **trained.figures,
            "train_seconds": round(self.clock.spent, 3),
            "train_steps": sum(m.steps for m in members),
            "parameters": sum(p.numel() for p in net.parameters()),
        }
        note = f"winner of a race of {len(candidates)} candidates: {winner.name}"
        summary = {
            "budget": self.config.budget,
            "winner": winner.name,
            "members": [m.name for m in members],
            "candidates": len(candidates),
            "val_loss": loss,
            "solved_val_loss": solved[0].loss,
            "seconds": round(self.clock.spent, 3),
            "interrupted": self.stopped,
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
