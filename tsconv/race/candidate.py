"""A candidate of a race: its network on the way, and what it cost and reached so far."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import pytorch_lightning as pl
import torch
from torch import Tensor

from tsconv.config.schema import TrainConfig
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.covariates.encode import with_calendar
from tsconv.evaluation.metrics import MetricSums, SeriesScale
from tsconv.evaluation.scoring import evaluate
from tsconv.model.ensemble import Network
from tsconv.race.portfolio import Change
from tsconv.ridge.choose import RidgeChoice
from tsconv.ridge.gram import spread_stride
from tsconv.training.lightning.loop import (
    TrainerResult,
    TrainingInterrupted,
    first_step,
    run_trainer,
)
from tsconv.training.prepare import Prepared
from tsconv.training.step.compile_cache import CompileCache

_MEASURING = 0.5  # seconds after which no further step is measured
_MOST_VALUES = 1_500_000  # forecast values of a validation within a race


@dataclasses.dataclass(eq=False)
class Candidate:
    """A network with the config that it is trained by."""

    name: str
    prepared: Prepared
    loss: float  # on the validation part
    steps: int = 0
    seconds: float = 0.0  # of training and validation
    rung: int = 0  # of the race, the last that it took part in
    start: dict[str, Tensor] = dataclasses.field(default_factory=dict)  # its weights at first
    changes: tuple[Change, ...] = ()  # that it differs by from the best structure
    step_seconds: float = 0.0  # measured before its first training
    choice: RidgeChoice | None = None  # of its solved branch

    @property
    def net(self) -> Network:
        """The network, trained as far as `steps`."""
        return self.prepared.net


def scored_part(prepared: Prepared) -> OriginRange | None:
    """The validation origins that a race looks at: all, or as many as there is time for."""
    val = prepared.split.val
    if val is None or int(val.counts.sum()) == 0:
        return None
    panel, horizon = prepared.panel, prepared.config.horizon
    values = int(val.counts.sum()) * len(panel.targets) * panel.n_rows * horizon
    return dataclasses.replace(val, stride=spread_stride(values / _MOST_VALUES))


def validation_loss(net: Network, prepared: Prepared, part: OriginRange) -> float:
    """The pinball loss of a network in units of each series' spread, as candidates compare it.

    The same for all candidates, whatever each is trained on. For a point forecast it is the scaled
    absolute error.
    """
    panel = with_calendar(prepared.panel, net.spec.calendar, net.spec.horizon)
    return mean_loss(evaluate(net, panel, part, prepared.scale)[0], prepared.scale)


def mean_loss(sums: MetricSums, scale: SeriesScale) -> float:
    """The mean pinball loss over points, each in units of its series' spread."""
    counted = scale.std > 0
    pinball, points = sums.pinball.sum(-1), sums.sums["points"].sum(-1)  # (S, T, H)
    scaled = torch.where(counted, pinball / torch.where(counted, scale.std, 1), 0)
    points = torch.where(counted, points, 0).sum()
    return float(scaled.sum() / points.clamp_min(1))


class StopAtDeadline(pl.Callback):
    """Ends a training after the step in which its time is over; left: seconds until then.

    >>> StopAtDeadline(lambda: 1.0).left()
    1.0
    """

    def __init__(self, left: Callable[[], float]) -> None:
        self.left = left

    def on_train_batch_end(self, trainer: pl.Trainer, *args: object) -> None:
        if self.left() <= 0:
            trainer.should_stop = True


def train_on(
    candidate: Candidate,
    steps: int,
    part: OriginRange,
    left: Callable[[], float],
    cache: CompileCache,
) -> tuple[TrainerResult, dict[str, Tensor]]:
    """Train a candidate's network anew from its start, for some steps, and validate it.

    Anew, since a learning rate that rises again costs more than the steps before have brought: on
    ETTh1, 400 steps at once reach a validation loss of .4335, in three stretches .4388. Returns
    the Trainer's result, and the weights that the network had before. After Ctrl-C the network
    keeps its averaged weights and the interrupt goes on.
    """
    prepared, begun = candidate.prepared, time.perf_counter()
    before = {k: v.clone() for k, v in prepared.net.state_dict().items()}
    config = stretch_config(prepared.config, steps, candidate.rung)
    own = dataclasses.replace(prepared, config=config)
    prepared.net.load_state_dict(candidate.start)
    own.seed_process()
    try:
        result = run_trainer(
            own.module(),
            _without_validation(own).data(),
            config,
            None,
            callbacks=[StopAtDeadline(left)],
            compile_cache=cache,
        )
    except TrainingInterrupted as stop:
        prepared.net.to("cpu").load_state_dict({**before, **stop.weights})
        raise
    candidate.steps = int(result.figures["train_steps"])
    candidate.loss = validation_loss(prepared.net, prepared, part)
    candidate.seconds += time.perf_counter() - begun
    return result, before


def measure_step(prepared: Prepared, precision: str) -> float:
    """The seconds of one eager training step; a step of the optimizer is a little longer.

    The first one is slower than those that follow; where steps are slow, fewer are measured.
    """
    step = first_step(prepared.module(), _without_validation(prepared).data(), torch.device("cpu"))
    with torch.random.fork_rng(devices=[]):
        times = [step.run(precision)]
        while len(times) < 5 and sum(times) < _MEASURING:
            times.append(step.run(precision))
        return min(times)


def _without_validation(prepared: Prepared) -> Prepared:
    """The same without a validation part: a race validates by itself, on one part for all."""
    return dataclasses.replace(prepared, split=dataclasses.replace(prepared.split, val=None))


def stretch_config(config: TrainConfig, steps: int, rung: int) -> TrainConfig:
    """The config of one stretch: no validations within, nothing written, other chunks each time."""
    return dataclasses.replace(
        config,
        seed=(config.seed + 7919 * rung) % 2**32,
        compile="false",
        trainer={**config.trainer, "max_steps": steps, "val_check_interval": steps},
        callbacks=dataclasses.replace(
            config.callbacks, checkpoints=False, progress=False, patience=None, weights="last"
        ),
        logger=dataclasses.replace(config.logger, name="none"),
        resume=None,
        plots=False,
    )
