"""How Lightning trains on several ranks: processes that are there already, one device each."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.strategies import DDPStrategy

from tsconv.distributed.ranks import Ranks
from tsconv.errors import ConfigError, nearest
from tsconv.training.lightning.accumulation import batches_per_step
from tsconv.training.step.process_settings import quiet_lightning

STRATEGIES = ("auto", "ddp")
_ONE_BUCKET_MB = 4096  # more than any network of ours: all gradients travel at once


class _SeededDDP(DDPStrategy):
    """DDP that leaves the random state alone: dropout draws as it does on one rank."""

    def setup_distributed(self) -> None:
        device = self.root_device
        # Lightning's seeds the process again, and forgets that the weights were drawn already.
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            super().setup_distributed()


class RanksEnvironment(ClusterEnvironment):
    """Tells Lightning of ranks that were started elsewhere.

    To Lightning each process is a machine of its own with one device, so that how the ranks lie on
    machines, evenly or not, is no concern of its.
    """

    def __init__(self, ranks: Ranks) -> None:
        super().__init__()
        self._rank, self._size = ranks.rank, ranks.size

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return "127.0.0.1"  # not used: the process group is open

    @property
    def main_port(self) -> int:
        return 0

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self._size

    def set_world_size(self, size: int) -> None:
        pass

    def global_rank(self) -> int:
        return self._rank

    def set_global_rank(self, rank: int) -> None:
        pass

    def local_rank(self) -> int:
        return 0

    def node_rank(self) -> int:
        return self._rank


def trainer_arguments(trainer: dict[str, Any], ranks: Ranks) -> dict[str, Any]:
    """The arguments of this rank's Trainer: one device, and the way that gradients are averaged.

    The networks are small: one bucket, whose memory the gradients are views of, costs one message a
    step. The graph is the same at each step, and no buffer changes, so that neither is looked for.
    """
    own = {k: v for k, v in trainer.items() if k not in ("strategy", "devices", "num_nodes")}
    if ranks.size == 1:
        # Whatever launcher started this process, it trains by itself.
        return {**own, "devices": trainer.get("devices", 1), "plugins": [LightningEnvironment()]}
    return {
        **own,
        "devices": _own_device(trainer, ranks),
        "num_nodes": 1,
        "use_distributed_sampler": False,
        "strategy": _SeededDDP(
            cluster_environment=RanksEnvironment(ranks),
            bucket_cap_mb=_ONE_BUCKET_MB,
            gradient_as_bucket_view=True,
            # Torch's reducer takes no static graph where some backward passes are not reduced.
            static_graph=batches_per_step(trainer) == 1,
            broadcast_buffers=False,
        ),
    }


def count_devices(trainer: dict[str, Any]) -> int:
    """How many devices of this machine `trainer.devices` asks for.

    Raises ConfigError where there are fewer, or the value is none of Lightning's.

    >>> count_devices({"devices": 2, "accelerator": "cpu"})
    2
    """
    try:
        with quiet_lightning():
            probe = pl.Trainer(
                accelerator=trainer.get("accelerator", "auto"),
                devices=trainer.get("devices", 1),
                plugins=[LightningEnvironment()],
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                enable_checkpointing=False,
            )
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise ConfigError(
            f"`trainer.devices` (={trainer.get('devices', 1)}): {' '.join(str(error).split())}"
        ) from error
    return int(probe.num_devices)


def training_device(trainer: dict[str, Any]) -> torch.device:
    """The kind of device that a training runs on, without asking Lightning.

    >>> training_device({"accelerator": "cpu"})
    device(type='cpu')
    """
    wants_gpu = trainer.get("accelerator", "auto") in ("auto", "gpu", "cuda")
    return torch.device("cuda" if wants_gpu and torch.cuda.is_available() else "cpu")


def check_strategy(trainer: dict[str, Any]) -> None:
    """Raise ConfigError for a strategy that tsconv does not train with."""
    given = trainer.get("strategy", "auto")
    if given not in STRATEGIES:
        raise ConfigError(
            f"`trainer.strategy` (={given}) must be auto or ddp{nearest(str(given), STRATEGIES)}"
        )


def _own_device(trainer: dict[str, Any], ranks: Ranks) -> int | list[int]:
    """This rank's device as Lightning takes it: the number of a GPU in a list, 1 for a CPU."""
    uses_cpu = trainer.get("accelerator", "auto") == "cpu" or not torch.cuda.is_available()
    if uses_cpu:
        return 1
    given = trainer.get("devices")
    if isinstance(given, list | tuple):
        return [int(given[ranks.local_rank])]
    if isinstance(given, str) and "," in given:
        return [int(given.split(",")[ranks.local_rank])]
    # A launcher may show each process its own GPU alone.
    return [ranks.local_rank if torch.cuda.device_count() > 1 else 0]
