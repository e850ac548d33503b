"""Refit: after scoring, training goes on over all the data, for the network that forecasts.

The figures stay those of the network before, which has never seen what it was scored on.
"""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Sequence

from tsconv.config.schema import TrainConfig
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import Split
from tsconv.distributed.ranks import RankLost, Ranks
from tsconv.distributed.threads import torch_threads
from tsconv.errors import TrainingError, one_line
from tsconv.evaluation.scoring import training_scale
from tsconv.evaluation.training_ends import describe_ends
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.model.ensemble import EnsembleNet
from tsconv.model.network import ForecastNet
from tsconv.ridge.choose import RidgeChoice
from tsconv.training.lightning.loop import TrainerResult, run_trainer
from tsconv.training.prepare import Prepared
from tsconv.training.solved_start import linear_solver
from tsconv.training.step.compile_cache import CompileCache

SHARE = 0.2  # of the steps that were trained
RATE = 1.0  # of the learning rate
_HELD = 0.25  # auto: a refit where more of a typical series was held out of training than this
_NO_TIME = "the budget had no time left for it"
_NOTHING_TO_REFIT = "a solved linear branch with future covariates keeps its maps"
_CTRL_C = "Ctrl-C"
_SEED = 104_729  # is added to the seed: other chunks than those of the training


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A network as it was scored, and how it got there.

    prepared: its network has the final weights. steps: of training; 0 where the linear branch was
    solved and nothing trained. choice: of that solution; None: it is chosen once more.
    """

    prepared: Prepared
    steps: int
    choice: RidgeChoice | None = None


def held_share(prepared: Prepared) -> float:
    """The share of a typical series that is validation and test part."""
    lengths, ends = prepared.panel.lengths.cpu(), prepared.split.train_end.cpu()
    held = (lengths - ends).double() / lengths.clamp_min(1)
    return float(held.median())


def wants_refit(prepared: Prepared) -> bool:
    """Whether the config asks for a refit, or leaves it open and enough was held out of training.

    Where nothing was held out, there is nothing to learn from it.
    """
    held, mode = held_share(prepared), prepared.config.refit
    return held > 0 and (mode == "true" or (mode == "auto" and held > _HELD))


def refit_bundle(
    bundle: Bundle,
    fitted: Sequence[Fitted],
    ranks: Ranks | None = None,
    compile_cache: CompileCache | None = None,
    most_steps: Sequence[int] | None = None,
) -> Bundle:
    """The bundle with networks that were trained on over all the data; `info["refit"]` says so.

    Ranges of targets and encodings of covariates stay those of the training part: they define what
    the network gets, and its weights were trained on that.

    Args:
        bundle: with the networks as they were scored; it is not changed.
        fitted: those networks, in the order of the bundle's.
        ranks, compile_cache: of the training.
        most_steps: of each network, where time is short.

    After Ctrl-C, and where training breaks off, the bundle keeps its networks and says why. Raises
    RankLost.
    """
    begun, nets = time.perf_counter(), []
    taken: list[int | None] = []
    try:
        for i, one in enumerate(fitted):
            wanted = max(1, round(SHARE * one.steps)) if one.steps else 0
            if most_steps is not None:
                wanted = min(wanted, most_steps[i])
            net, done = _refit(one, wanted, ranks or Ranks.alone(), compile_cache)
            nets.append(net.eval())
            taken.append(done)
        if all(done is None for done in taken):
            why = _NO_TIME if any(one.steps for one in fitted) else _NOTHING_TO_REFIT
            return dataclasses.replace(bundle, info={**bundle.info, "refit": {"kept": why}})
        steps = sum(done or 0 for done in taken)
        seconds = round(time.perf_counter() - begun, 3)
        about = {"steps": steps, "share": SHARE if steps else 0.0, "seconds": seconds}
        whole = nets[0] if len(nets) == 1 else _like(bundle.net, nets)
        panel = fitted[0].prepared.panel
        info = {"refit": about, "seen_until": describe_ends(panel, panel.lengths)}
        return dataclasses.replace(bundle, net=whole, info={**bundle.info, **info})
    except RankLost:
        raise
    except (KeyboardInterrupt, TrainingError) as error:
        why = _CTRL_C if isinstance(error, KeyboardInterrupt) else one_line(error)
        return dataclasses.replace(bundle, info={**bundle.info, "refit": {"ended_by": why}})


def was_interrupted(bundle: Bundle) -> bool:
    """Whether Ctrl-C ended the bundle's refit."""
    return bool(bundle.info.get("refit", {}).get("ended_by") == _CTRL_C)


def _like(before: object, nets: Sequence[ForecastNet]) -> EnsembleNet:
    """An ensemble of other networks, with the weights of the one before."""
    assert isinstance(before, EnsembleNet)
    return EnsembleNet(nets, before.weights)


def _refit(
    one: Fitted, steps: int, ranks: Ranks, compile_cache: CompileCache | None
) -> tuple[ForecastNet, int | None]:
    """A copy of the network, refit, and the steps that it took; None where it stayed as it was."""
    prepared = with_all_data(one.prepared)
    if steps > 0:
        prepared = dataclasses.replace(prepared, config=refit_config(prepared.config, steps))
        trained = ranks.run(train_on_all, prepared, compile_cache=compile_cache)
        return prepared.net, int(trained.figures["train_steps"])
    model = prepared.config.model
    if one.steps == 0 and model.linear and model.linear_start == "solved":
        loss_scale = prepared.config.head.loss_scale
        choice = one.choice or linear_solver(one.prepared).choose(prepared.net, loss_scale)
        solver = linear_solver(prepared)
        if choice is not None and solver.solve_again(prepared.net, choice, loss_scale):
            return prepared.net, 0
    return prepared.net, None


def with_all_data(prepared: Prepared) -> Prepared:
    """The same with every step as training part, and with a copy of the network."""
    panel, train = prepared.panel, prepared.split.train
    lengths = panel.lengths.cpu()
    everything = OriginRange(train.first.cpu(), lengths - 2, lengths)
    return dataclasses.replace(
        prepared,
        split=Split(everything, None, None, lengths),
        scale=training_scale(panel, lengths, prepared.season),
        net=copy.deepcopy(prepared.net).to("cpu"),
    )


def refit_config(config: TrainConfig, steps: int) -> TrainConfig:
    """The config of a refit: no validation within, nothing written, chunks of its own."""
    return dataclasses.replace(
        config,
        seed=(config.seed + _SEED) % 2**32,
        trainer={**config.trainer, "max_steps": steps, "val_check_interval": steps},
        optimizer=dataclasses.replace(config.optimizer, lr=RATE * config.optimizer.lr),
        callbacks=dataclasses.replace(
            config.callbacks, checkpoints=False, patience=None, weights="last"
        ),
        logger=dataclasses.replace(config.logger, name="none"),
        resume=None,
        plots=False,
    )


def train_on_all(
    ranks: Ranks, prepared: Prepared, compile_cache: CompileCache | None = None
) -> TrainerResult:
    """What every rank does of a refit; the network of `prepared` gets its final weights."""
    with torch_threads(prepared.config.threads), ranks.own_cores():
        prepared.seed_process()
        return run_trainer(
            prepared.module(),
            prepared.data(ranks.rank, ranks.size),
            prepared.config,
            None,
            compile_cache=compile_cache,
            ranks=ranks,
        )
