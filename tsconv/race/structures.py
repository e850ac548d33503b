"""Structures: contexts and ways of sharing, each judged by its solved linear branch."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from typing import NamedTuple

from tsconv.config.compose import default_config
from tsconv.config.schema import TrainConfig
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.reading.table import Table
from tsconv.errors import TsconvError
from tsconv.race.budget import Clock
from tsconv.race.candidate import Candidate, validation_loss
from tsconv.race.portfolio import Change, changed, contexts, fits
from tsconv.training.panel_cache import PanelCache
from tsconv.training.prepare import Prepared
from tsconv.training.solved_start import linear_solver, solve_linear_branch

_SOLVING, _SOLVING_MANY = 0.4, 0.2  # of the budget, at most; the latter for many series
_OWN_MAPS = 2.0  # times what solving costs where maps are shared, at least
_FEW, _FEW_OF_ROWS = 4, 2  # contexts that are tried with a further way of sharing
_BEHIND = 0.01  # of the best loss: contexts beyond one that is so far behind are left out
_OTHER_SHARING = 0.1  # of the best loss: what shares otherwise may be as much behind
# Of the loss: what training gains more where maps are shared, and where rows are mixed.
_SIMPLE_GAINS, _MIXED_GAIN = 0.05, 0.01


class CandidateFactory:
    """Makes candidates of configs, with their linear branch solved and judged.

    Args:
        base: what the race's config came to, untrained; candidates have its split.
        part: the validation origins that candidates are compared on.
        panel_cache, table: of the data.
    """

    def __init__(
        self, base: Prepared, part: OriginRange, panel_cache: PanelCache, table: Table | None
    ) -> None:
        self.base, self.part = base, part
        self.panel_cache, self.table = panel_cache, table
        self.solver = linear_solver(base)
        self.val_seconds = 0.0  # of one validation, the last

    def make(
        self, name: str, config: TrainConfig, changes: Sequence[Change] = ()
    ) -> Candidate | None:
        """A candidate as it was solved; None where its config does not go with the data."""
        begun = time.perf_counter()
        config = dataclasses.replace(config, split=self.base.config.split)
        try:
            prepared = self.panel_cache.prepare(config, self.table)
        except TsconvError:
            return None
        solved = solve_linear_branch(prepared, self.solver)
        start = {k: v.clone() for k, v in prepared.net.state_dict().items()}
        validated = time.perf_counter()
        loss = validation_loss(prepared.net, prepared, self.part)
        now = time.perf_counter()
        self.val_seconds = now - validated
        return Candidate(
            name,
            prepared,
            loss,
            seconds=now - begun,
            start=start,
            changes=tuple(changes),
            choice=solved.choice,
        )


class Structure(NamedTuple):
    """A context and a way of sharing, as solved, and its config with open ends."""

    candidate: Candidate
    config: TrainConfig
    sharing: str  # its name in the portfolio

    @property
    def simple(self) -> bool:
        """Whether all series, rows and channels share their maps."""
        return not {"pooled", "separate"} & set(structure_of(self.candidate)[1:])

    @property
    def mixes_rows(self) -> bool:
        """Whether rows see each other."""
        return self.candidate.prepared.config.model.cross_row != "none"

    @property
    def loss(self) -> float:
        """What structures are compared by: the mean of pinball loss and root mean squared error.

        A geometric one, since their units differ; the pinball loss alone where nothing was solved.
        The branch is solved for squared errors, and its quantiles before training are rough.
        """
        pinball, choice = self.candidate.loss, self.candidate.choice
        if choice is None or choice.loss is None:
            return pinball
        return math.sqrt(pinball * math.sqrt(max(0.0, choice.loss)))

    @property
    def context_length(self) -> int:
        """Of its config, without open ends."""
        return self.candidate.prepared.config.context_length or 1


def solved_structures(
    config: TrainConfig, factory: CandidateFactory, clock: Clock, many_series: bool = False
) -> list[Structure]:
    """Every context with each sharing, by the loss of its solved branch, the best first.

    config: of the race, with its open ends. What would take longer than two fifths of the budget
    is left out, but for the first; each way of sharing has an equal part of them. Many series gain
    more from training: a fifth.
    """
    portfolio, base, default = config.portfolio, factory.base, default_config(config.horizon)
    sharing = [
        change
        for name, values in portfolio.sharing.items()
        if fits(change := Change(name, dict(values)), config, default, base) or not values
    ]
    found: list[Structure] = []
    most = _SOLVING_MANY if many_series else _SOLVING
    lengths = contexts(portfolio, base, config.context_length)
    for i, share in enumerate(sharing):
        until = most * (i + 1) / len(sharing)
        loss = {s.context_length: s.loss for s in found}
        # What was good for one way of sharing comes first for the next: time may not do for all.
        if loss:
            lengths = [c for c in lengths if c.values["context_length"] in loss]
            few = _FEW_OF_ROWS if base.panel.rows else _FEW
            lengths = sorted(lengths, key=lambda c: loss[c.values["context_length"]])[:few]
        for context in lengths:
            steps = int(context.values["context_length"])
            if found and clock.share(until) < _predicted_seconds(found, share.name, steps):
                continue
            if _lies_beyond([s for s in found if s.sharing == share.name], steps):
                continue
            own = changed(changed(config, context, base.config), share, base.config)
            one = factory.make(f"{context.name}, {share.name}", _without_stack(own))
            if one is not None:
                found.append(Structure(one, own, share.name))
    return sorted(found, key=lambda s: s.loss)


def _without_stack(config: TrainConfig) -> TrainConfig:
    """The same with the solved branch alone, which is all that is judged; where it is solved."""
    if not config.model.linear or config.model.linear_start != "solved":
        return config
    model = dataclasses.replace(config.model, stack=False, hidden=1, levels=1)
    return dataclasses.replace(config, model=model)


def to_train(structures: Sequence[Structure], many_series: bool = False) -> list[Structure]:
    """The best structure, and the best of those that share otherwise: training may turn them.

    The next best instead where these are clearly behind. Rows that see each other lead where the
    solved branch, which cannot mix them, is hardly behind. Many series gain more from one long
    training than from two: it gets the simpler structure unless that is clearly behind.
    """
    best = structures[0]

    def within(margin: float) -> list[Structure]:
        return [s for s in structures if s.loss <= best.loss * (1 + margin)]

    if many_series:
        return [*(s for s in within(_SIMPLE_GAINS) if s.simple), best][:1]
    lead = next((s for s in within(_MIXED_GAIN) if s.mixes_rows), best)
    sharing = structure_of(lead.candidate)[1:]
    others = [s for s in within(_OTHER_SHARING) if structure_of(s.candidate)[1:] != sharing]
    return [lead, *(others or [s for s in structures if s is not lead])[:1]]


def structure_of(one: Candidate) -> tuple[object, ...]:
    """What tells structures apart: the context first, then what is shared."""
    config = one.prepared.config
    return config.context_length, config.model.maps, config.model.series, config.model.rows


def _lies_beyond(alike: Sequence[Structure], context_length: int) -> bool:
    """Whether a context lies beyond one that is clearly behind the best, on the same side of it.

    alike: structures that share in the same way.
    """
    lengths = {s.context_length: s.loss for s in alike}
    best = min(lengths, key=lambda n: lengths[n], default=context_length)
    return any(
        lengths[n] > lengths[best] * (1 + _BEHIND)
        and (best < n <= context_length or best > n >= context_length)
        for n in lengths
    )


def _predicted_seconds(found: Sequence[Structure], sharing: str, context_length: int) -> float:
    """What solving a context costs, from the dearest so far that shares alike, if there is one.

    Products grow with the square of its length, all else with the length at most.
    """
    alike = [s.candidate for s in found if s.sharing == sharing]
    dearest = max(alike or [s.candidate for s in found], key=lambda c: c.seconds)
    length = dearest.prepared.config.context_length or 1
    # The first way of sharing is the one that costs the least.
    ratio = 1.0 if alike else _OWN_MAPS
    return float(ratio * dearest.seconds * (context_length / length) ** 1.5)
