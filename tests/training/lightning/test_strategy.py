"""How several ranks train: what Lightning is told, in one process."""

import pytest
import torch
from pytorch_lightning.strategies import DDPStrategy

from tsconv.distributed.ranks import Ranks
from tsconv.training.lightning.strategy import trainer_arguments


def strategy(**trainer: object) -> DDPStrategy:
    made = trainer_arguments({"accelerator": "cpu", **trainer}, Ranks(1, 2))["strategy"]
    assert isinstance(made, DDPStrategy)
    return made


@pytest.mark.parametrize(("batches", "is_static"), [(1, True), (3, False)])
def test_the_graph_is_static_where_every_backward_pass_is_reduced(
    batches: int, is_static: bool
) -> None:
    assert strategy(accumulate_grad_batches=batches)._ddp_kwargs["static_graph"] is is_static


def test_opening_the_process_group_leaves_the_random_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dropout goes on from where the weights were drawn, as on one rank."""
    seeded = []

    def seed_again(self: DDPStrategy) -> None:
        seeded.append(torch.manual_seed(3))

    monkeypatch.setattr(DDPStrategy, "setup_distributed", seed_again)
    ddp = strategy()
    monkeypatch.setattr(type(ddp), "root_device", torch.device("cpu"))
    before = torch.get_rng_state()
    ddp.setup_distributed()
    assert seeded
    assert torch.equal(torch.get_rng_state(), before)
