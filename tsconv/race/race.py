"""Successive halving: structures by their solved branch, candidates by short trainings, then few.

Sources: sequential halving, Karnin et al. 2013; as a race for hyperparameters, Jamieson & Talwalkar
2016, arXiv 1502.07943.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tsconv.config.compose import default_config
from tsconv.config.schema import TrainConfig
from tsconv.data.covariates.encode import with_calendar
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.table import Table
from tsconv.errors import TsconvError
from tsconv.model.ensemble import EnsembleNet, Network
from tsconv.race.budget import Clock
from tsconv.race.candidate import (
    Candidate,
    measure_step,
    scored_part,
    train_on,
    validation_loss,
)
from tsconv.race.portfolio import Change, changed, contexts, fits
from tsconv.training.lightning.loop import TrainerResult, TrainingInterrupted
from tsconv.training.panel_cache import PanelCache
from tsconv.training.prepare import Prepared
from tsconv.training.refit import wants_refit
from tsconv.training.solved_start import (
    SolvedStart,
    linear_solver,
    solve_linear_branch,
    untrained_result,
)

_SOLVING, _FIRST, _SECOND = 0.25, 0.45, 0.6  # of the budget, until the end of each rung
_LEAST_STEPS = 100  # in the first rung of a budget in time; what has no room for them is left out
_STEPS = (40, 120)  # in the first two rungs of a budget in candidates, as large as the base's
_FEWEST = 3  # candidates of a first rung; with less time the finalists get all of it
_SECOND_CANDIDATES, _FINALISTS = 3, 2  # that go on
_CLEAR = 0.002  # of the base's loss: a change that lowers it by more may be combined with others
_ALIKE = 0.003  # of the winner's loss: what an average may lose on one part, as it gains on others
_OTHER = 0.015  # of the winner's loss: a finalist of another structure may be as much behind
_VALUES_OF_STEP, _LEAST_ORIGINS = 2_000_000, 512  # forecast values and origins of a training step
_REFIT = 0.08  # of the budget, for a refit
_SCORING = 3.0  # times the validation's seconds that are kept for the end


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


class Structure(NamedTuple):
    """A context and a way of sharing, with the loss of its solved branch."""

    loss: float
    candidate: Candidate
    config: TrainConfig  # with its open ends


class Race:
    """Candidates on their way; `run` returns the winner.

    Args:
        config: as given, with its open ends.
        base: what it came to, untrained.
        panel_cache, table: of the data.
        clock: the budget.
        notify: is called with what is worth telling.
    """

    def __init__(
        self,
        config: TrainConfig,
        base: Prepared,
        panel_cache: PanelCache,
        table: Table | None,
        clock: Clock,
        notify: Callable[[str], None] | None,
    ) -> None:
        self.config, self.base, self.clock = lean(config, base), base, clock
        self.panel_cache, self.table = panel_cache, table
        self.notify = notify or (lambda text: None)
        self.default = default_config(config.horizon)
        self.part = scored_part(base)
        self.solver = linear_solver(base, compares=True)
        self.candidates: list[Candidate] = []
        self.val_seconds = 0.0
        self.precision = config.precision
        if clock.budget.candidates is not None and self.precision == "auto":
            self.precision = "float32"  # chosen by timing, it would differ from run to run
        self.stopped = False  # by Ctrl-C
        self.trained: TrainerResult | None = None  # what the last training left
        self.solved_loss = math.inf  # of the best structure

    # -- candidates ------------------------------------------------------------------------------

    def prepare(self, name: str, config: TrainConfig) -> Candidate | None:
        """A candidate with its solved start; None where its config does not go with the data."""
        config = dataclasses.replace(config, split=self.base.config.split)
        try:
            prepared = self.panel_cache.prepare(config, self.table)
        except TsconvError:
            return None
        solve_linear_branch(prepared, self.solver)
        start = {k: v.clone() for k, v in prepared.net.state_dict().items()}
        return Candidate(name, prepared, math.inf, start=start)

    def structures(self) -> list[Structure]:
        """Every context with each sharing, by the loss of its solved branch, the best first."""
        portfolio = self.config.portfolio
        sharing = [
            Change(name, values)
            for name, values in portfolio.sharing.items()
            if not values or fits(Change(name, values), self.config, self.default, self.base)
        ]
        found: list[Structure] = []
        for context in contexts(portfolio, self.base, self.config.context_length):
            for share in sharing:
                steps = int(context.values["context_length"])
                if found and self.clock.share(_SOLVING) < _predicted_seconds(found, steps):
                    continue
                config = changed(
                    changed(self.config, context, self.base.config), share, self.base.config
                )
                begun = time.perf_counter()
                one = self.prepare(f"{context.name}, {share.name}", config)
                if one is None:
                    continue
                loss = self._solved_loss(one)
                one.loss, one.seconds = loss, time.perf_counter() - begun
                found.append(Structure(loss, one, config))
        return sorted(found, key=lambda f: f[0])

    def _solved_loss(self, one: Candidate) -> float:
        if self.part is None:
            return 0.0
        begun = time.perf_counter()
        loss = validation_loss(one.net, one.prepared, self.part)
        self.val_seconds = time.perf_counter() - begun
        return loss

    # -- stages ----------------------------------------------------------------------------------

    def run(self) -> RaceResult:
        """Run the race and return its winner; Ctrl-C ends it with the best so far."""
        structures = self.structures()
        if not structures:
            raise TsconvError("no candidate goes with the data")
        self.candidates = [s.candidate for s in structures]
        self.solved_loss = structures[0][0]
        finalists = [self.candidates[0]]
        try:
            if self.part is not None and self.config.model.stack:
                first = self._first_rung(structures)
                finalists = self._final(self._second_rung(first, structures))
        except (TrainingInterrupted, KeyboardInterrupt):
            self.stopped = True
            self.notify("the race was interrupted: the best candidate so far is kept")
            finalists = sorted(self.candidates, key=lambda c: c.loss)[:1]
        if self.trained is None and self.config.model.stack and not self.stopped:
            self.notify(
                f"`budget` (={self.config.budget}) is too short to train a candidate: the bundle "
                f"holds the solved linear branch"
            )
        return self._result(finalists)

    def _train(self, one: Candidate, seconds: float, steps: int) -> None:
        """Train a candidate for longer; its network stays as it was where that is worse.

        For some seconds, or, where these are endless, for as many origins as `steps` of the base.
        """
        assert self.part is not None
        config = dataclasses.replace(one.prepared.config, precision=self.precision)
        one.prepared = dataclasses.replace(one.prepared, config=config)
        if math.isinf(seconds):
            steps = max(1, round(steps * _origins(self.base) / _origins(one.prepared)))
        else:
            steps = max(1, int(seconds / self._step_seconds(one)))
        one.rung += 1
        loss, before_steps, ends = one.loss, one.steps, self.clock.spent + 1.02 * seconds
        begun = one.seconds
        try:
            result, before = train_on(
                one,
                steps,
                self.part,
                lambda: ends - self.clock.spent,
                self.panel_cache.compile_cache,
            )
        except TrainingInterrupted:
            one.loss = validation_loss(one.net, one.prepared, self.part)
            raise
        self.precision, self.trained = str(result.figures["precision"]), result
        one.step_seconds = (one.seconds - begun) / max(1, int(result.figures["train_steps"]))
        # As the weights of a training are chosen: a rise mostly says that this part is unlike.
        if one.loss > loss * (1 + self.config.callbacks.weights_tolerance):
            one.prepared.net.load_state_dict(before)
            one.loss, one.steps = loss, before_steps

    def _step_seconds(self, one: Candidate) -> float:
        """The seconds of one of a candidate's steps, measured where it has not trained yet."""
        if not one.step_seconds:
            precision = "float32" if self.precision == "auto" else self.precision
            one.step_seconds = 1.2 * measure_step(one.prepared, precision)
        return one.step_seconds

    def _first_rung(self, structures: Sequence[Structure]) -> list[Candidate]:
        """Train the best structures, and the best one's variations, for a short time each."""
        best, config = structures[0].candidate, structures[0].config
        changes = [
            change
            for name, values in self.config.portfolio.variations.items()
            if fits(change := Change(name, dict(values)), self.config, self.default, best.prepared)
        ]
        entrants: list[Candidate | Change] = [*_unlike(structures), *changes]
        if self.clock.budget.candidates is not None:
            entrants = entrants[: self.clock.budget.candidates]
        out: list[Candidate] = []
        least = _LEAST_STEPS * self._step_seconds(best) + self.val_seconds
        if self.clock.share(_FIRST) < _FEWEST * least:  # too few to tell what helps
            return _unlike(structures)
        for i, entrant in enumerate(entrants):
            if len(out) > 1 and self.clock.share(_FIRST) < 0.8 * least:
                break
            seconds = max(self.clock.share(_FIRST) / (len(entrants) - i), least) - self.val_seconds
            one = self._varied(best, config, [entrant]) if isinstance(entrant, Change) else entrant
            if one is not None:
                self._train(one, seconds, _STEPS[0])
                out.append(one)
        return out

    def _varied(
        self, base: Candidate, config: TrainConfig, changes: Sequence[Change]
    ) -> Candidate | None:
        """A candidate that differs from another by some changes; None where it does not fit."""
        for change in changes:
            config = changed(config, change, base.prepared.config)
        one = self.prepare(", ".join([base.name, *(c.name for c in changes)]), config)
        if one is not None:
            one.loss = self._solved_loss(one)
            one.changes = tuple(changes)
            self.candidates.append(one)
        return one

    def _second_rung(
        self, first: list[Candidate], structures: Sequence[Structure]
    ) -> list[Candidate]:
        """Train the best few on, and a combination of the changes that helped."""
        base, config = structures[0].candidate, structures[0].config
        limit = base.loss * (1 - _CLEAR)
        helped = [change for c in first if c.loss < limit for change in c.changes]
        ranked = sorted(first, key=lambda c: c.loss)[:_SECOND_CANDIDATES]
        if len(first) <= _SECOND_CANDIDATES and len(helped) < 2:
            return ranked  # the time is better spent on the finalists
        if len(helped) > 1 and self.clock.share(_SECOND) > 0:
            together = self._varied(base, config, helped)
            if together is not None:
                ranked = [together, *ranked[:-1]]
        for i, one in enumerate(ranked):
            seconds = self.clock.share(_SECOND) / (len(ranked) - i) - self.val_seconds
            if seconds > 0:
                self._train(one, seconds, _STEPS[1])
        return [*ranked, *(c for c in first if c not in ranked)]

    def _final(self, entrants: list[Candidate]) -> list[Candidate]:
        """Train the finalists for the time that is left, shared among them."""
        ranked = sorted(entrants, key=lambda c: c.loss)
        count = 1 if self.config.ensemble == "false" else _FINALISTS
        finalists = _finalists(ranked, count)
        for i, one in enumerate(finalists):
            kept = (_SCORING + 1) * self.val_seconds + self._refit_seconds()
            seconds = (self.clock.left - kept) / (len(finalists) - i) - self.val_seconds
            if seconds > _LEAST_STEPS / 4 * self._step_seconds(one):
                self._train(one, seconds, int(one.prepared.config.trainer["max_steps"]))
        return [*finalists, *(c for c in ranked if c not in finalists)]

    def _refit_seconds(self) -> float:
        """Seconds of the budget that are kept for a refit of the winner."""
        seconds = self.clock.budget.seconds
        return _REFIT * seconds if seconds and wants_refit(self.base) else 0.0

    def _result(self, finalists: list[Candidate]) -> RaceResult:
        """The best candidate, or an ensemble of the best few where validation prefers it."""
        ranked = sorted(finalists, key=lambda c: c.loss)
        winner, net, loss, count = ranked[0], ranked[0].net, ranked[0].loss, 1
        if self.part is not None and self.config.ensemble != "false" and not self.stopped:
            for n in range(2, min(3, len(ranked)) + 1):
                together = EnsembleNet([c.prepared.net.eval() for c in ranked[:n]])
                joint = validation_loss(together, winner.prepared, self.part)
                if joint < loss * (1 + _ALIKE) or self.config.ensemble == "true":
                    net, loss, count = together, joint, n
        panel = with_calendar(winner.prepared.panel, net.spec.calendar, net.spec.horizon)
        trained = self.trained or untrained_result(winner.prepared, SolvedStart())
        figures = {
            **trained.figures,
            "train_seconds": round(self.clock.spent, 3),
            "train_steps": winner.steps,
            "parameters": sum(p.numel() for p in net.parameters()),
        }
        note = f"winner of a race of {len(self.candidates)} candidates: {winner.name}"
        trained = dataclasses.replace(trained, figures=figures, weights_note=note)
        board = self._leaderboard(ranked[:count])
        summary = {
            "budget": self.config.budget,
            "winner": winner.name,
            "members": [c.name for c in ranked[:count]],
            "candidates": len(self.candidates),
            "val_loss": loss,
            "solved_val_loss": self.solved_loss,
            "seconds": round(self.clock.spent, 3),
        }
        return RaceResult(net, winner, tuple(ranked[:count]), panel, trained, board, summary)

    def _leaderboard(self, members: Sequence[Candidate]) -> list[dict[str, Any]]:
        return [
            {
                "candidate": c.name,
                "val_loss": c.loss,
                "steps": c.steps,
                "seconds": round(c.seconds, 2),
                "in_bundle": any(c is m for m in members),
            }
            for c in sorted(self.candidates, key=lambda c: c.loss)
        ]


def lean(config: TrainConfig, base: Prepared) -> TrainConfig:
    """A config whose steps are small, where their size was left open: more of them fit in a budget.

    On the processor, forecast values of a step are what costs; on ETTh1 a quarter of the default
    step reached a lower validation loss in half of the time.
    """
    data, chosen = config.data, base.config.data
    if data.origins_per_chunk is not None or data.chunks_per_batch is not None:
        return config
    sides = len(base.panel.targets) * base.panel.n_rows
    values = config.horizon * len(config.head.quantiles or (0.5,)) * sides
    whole = _origins(base)
    origins = min(whole, max(_LEAST_ORIGINS // sides, 64, _VALUES_OF_STEP // values))
    per_chunk = min(chosen.origins_per_chunk or 1, max(32, origins // 4))
    data = dataclasses.replace(
        data, origins_per_chunk=per_chunk, chunks_per_batch=max(1, round(origins / per_chunk))
    )
    return dataclasses.replace(config, data=data)


def _unlike(structures: Sequence[Structure]) -> list[Candidate]:
    """The best structure, and the best of those that share otherwise: training may turn them."""
    best = structures[0].candidate
    sharing = _structure(best)[1:]
    others = [s.candidate for s in structures if _structure(s.candidate)[1:] != sharing]
    return [best, *(others or [s.candidate for s in structures[1:]])[:1]]


def _predicted_seconds(found: Sequence[Structure], context_length: int) -> float:
    """What solving a context costs, from the dearest so far.

    Products grow with the square of its length, all else with the length at most.
    """
    dearest = max((s.candidate for s in found), key=lambda c: c.seconds)
    length = dearest.prepared.config.context_length or 1
    return float(dearest.seconds * (context_length / length) ** 1.5)


def _origins(prepared: Prepared) -> int:
    """Origins of a training step."""
    data = prepared.config.data
    return (data.origins_per_chunk or 1) * (data.chunks_per_batch or 1)


def _finalists(ranked: Sequence[Candidate], count: int) -> list[Candidate]:
    """The best candidates, of different structure where it costs little: errors then differ too."""
    best = ranked[0]
    others = [c for c in ranked[1:] if c.loss <= best.loss * (1 + _OTHER)]
    unlike = [c for c in others if _structure(c) != _structure(best)]
    return [best, *(unlike + [c for c in others if c not in unlike])[: count - 1]]


def _structure(one: Candidate) -> tuple[object, ...]:
    config = one.prepared.config
    return config.context_length, config.model.maps, config.model.series, config.model.rows
