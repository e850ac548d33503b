"""The ranks that a training runs on: one process, those of a launcher, or children of this one."""

from __future__ import annotations

import dataclasses
import torch

from tsconv.config.schema import TrainConfig
from tsconv.distributed.launched import launched_ranks
from tsconv.distributed.ranks import Ranks
from tsconv.distributed.start import start_ranks
from tsconv.errors import ConfigError
from tsconv.training.lightning.strategy import count_devices

_PRELOAD = ("tsconv.training.run",)  # what a rank imports while rank 0 reads the data


class RankPool:
    """Keeps the ranks of one process between its trainings, since starting them takes seconds.

    >>> from tsconv.config.compose import train_config
    >>> with RankPool() as pool:
    ...     pool.get(train_config(["horizon=7"])).size
    1
    """

    def __init__(self) -> None:
        self._ranks = Ranks.alone()

    def __enter__(self) -> RankPool:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def get(self, config: TrainConfig) -> Ranks:
        """The ranks that a config asks for; those of the last call where they are as many.

        Raises ConfigError where there are not so many devices, or a launcher started others.
        """
        launched = launched_ranks()
        if launched is not None:
            _check_launched(config, launched)
            return launched
        if config.trainer.get("num_nodes", 1) not in (1, "1"):
            raise ConfigError(
                f"`trainer.num_nodes` (={config.trainer['num_nodes']}): start the command on "
                f"every machine, by torchrun or srun"
            )
        size = count_devices(config.trainer)
        if size != self._ranks.size or self._ranks.is_broken:
            self.close()
            self._ranks = Ranks.alone() if size == 1 else start_ranks(size, _share(size), _PRELOAD)
        return self._ranks

    def close(self) -> None:
        """End the ranks that were started here."""
        ranks, self._ranks = self._ranks, Ranks.alone()
        if ranks.are_children:
            ranks.finish()
            ranks.close()


def config_on(ranks: Ranks, config: TrainConfig) -> tuple[TrainConfig, dict[str, str]]:
    """The config with the devices and threads of its ranks, and the reasons for what was open."""
    if ranks.size == 1:
        return config, {}
    reasons = {}
    trainer = dict(config.trainer)
    if not ranks.are_children:
        trainer["devices"] = ranks.local_size
        trainer["num_nodes"] = -(-ranks.size // ranks.local_size)
        reasons["trainer.devices"] = f"the launcher started {ranks.size} ranks"
    threads = config.threads
    if threads is None and ranks.are_children:
        threads = _share(ranks.size)
        reasons["threads"] = f"torch's default, divided among {ranks.size} ranks"
    return dataclasses.replace(config, trainer=trainer, threads=threads), reasons


def _share(size: int) -> int:
    """The threads of one of several ranks on this machine: they must not wait for each other."""
    return max(1, torch.get_num_threads() // size)


def _check_launched(config: TrainConfig, ranks: Ranks) -> None:
    """Raise ConfigError where devices or machines are given and are not what was started."""
    machines = -(-ranks.size // ranks.local_size)
    for key, started, what in (
        ("devices", ranks.local_size, "processes on this machine"),
        ("num_nodes", machines, "machines"),
    ):
        given = config.trainer.get(key, 1)
        number = len(given) if isinstance(given, list | tuple) else given
        if str(number) not in ("1", "auto", "-1", str(started)):
            raise ConfigError(
                f"`trainer.{key}` (={given}): the launcher started {started} {what}; leave the "
                f"key out"
            )
