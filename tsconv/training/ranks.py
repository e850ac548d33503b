"""How many ranks a training has, and what of its config follows from them."""

from __future__ import annotations

import dataclasses

from tsconv.config.schema import TrainConfig
from tsconv.distributed.launched import launched_ranks
from tsconv.distributed.rank_pool import RankPool
from tsconv.distributed.ranks import Ranks
from tsconv.distributed.threads import threads_of_one
from tsconv.errors import ConfigError
from tsconv.training.lightning.strategy import count_devices

_PRELOAD = ("tsconv.training.run",)  # what a rank imports while rank 0 reads the data


def ranks_for(config: TrainConfig, pool: RankPool) -> Ranks:
    """The ranks that a config asks for.

    Raises ConfigError where there are fewer devices, or a launcher started another number.
    """
    launched = launched_ranks()
    if launched is not None:
        _check_launched(config, launched)
        return launched
    if str(config.trainer.get("num_nodes", 1)) != "1":
        raise ConfigError(
            f"`trainer.num_nodes` (={config.trainer['num_nodes']}): start the command on every "
            f"machine by torchrun or srun, see docs/scaling.md"
        )
    size = count_devices(config.trainer)
    require_chunks(config, size)
    return pool.get(size, _PRELOAD)


def require_chunks(config: TrainConfig, size: int) -> None:
    """Raise ConfigError where a batch has fewer chunks than there are ranks, once it is known."""
    chunks = config.data.chunks_per_batch
    if chunks is not None and chunks < size:
        raise ConfigError(
            f"`data.chunks_per_batch` (={chunks}) must be at least the number of ranks (={size}), "
            f"since each trains on a part of every batch"
        )


def config_on(ranks: Ranks, config: TrainConfig) -> tuple[TrainConfig, dict[str, str]]:
    """The config with the devices and threads of its ranks, and the reasons for what was open."""
    reasons: dict[str, str] = {}
    trainer, threads = dict(config.trainer), config.threads
    if ranks.size > 1 and not ranks.are_children:
        trainer["devices"] = ranks.local_size
        trainer["num_nodes"] = _machines(ranks) or trainer.get("num_nodes", 1)
        reasons["trainer.devices"] = f"the launcher started {ranks.size} ranks"
    if threads is None and ranks.are_children:
        threads = threads_of_one(ranks.size)
        reasons["threads"] = f"torch's default, divided among {ranks.size} ranks"
    return dataclasses.replace(config, trainer=trainer, threads=threads), reasons


def _machines(ranks: Ranks) -> int | None:
    """The number of machines where each has as many ranks as this one; else None."""
    whole, rest = divmod(ranks.size, ranks.local_size)
    return None if rest else whole


def _check_launched(config: TrainConfig, ranks: Ranks) -> None:
    """Raise ConfigError where devices or machines are given and are not what was started."""
    for key, started, what in (
        ("devices", ranks.local_size, "processes on this machine"),
        ("num_nodes", _machines(ranks), "machines"),
    ):
        given = config.trainer.get(key, 1)
        number = len(given) if isinstance(given, list | tuple) else given
        if started is not None and str(number) not in ("1", "auto", "-1", str(started)):
            raise ConfigError(
                f"`trainer.{key}` (={given}): the launcher started {started} {what}; leave the "
                f"key out"
            )
