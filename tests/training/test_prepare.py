"""Preparing a training changes nothing of the process, and depends on config and panel alone."""

import dataclasses
import random

import numpy as np
import torch

from tests.helpers.frames import daily_frame
from tsconv.config.compose import train_config
from tsconv.config.schema import TrainConfig
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.training.prepare import prepare


def config_and_panel(*overrides: str) -> tuple[TrainConfig, Panel]:
    config = train_config(["horizon=7", "data.path=x", *overrides])
    return config, build_panel(table_from_frame(daily_frame(), config.data))


def legacy_numpy_state() -> list[int]:
    """Of numpy's global generator, which `seed_process` seeds."""
    return np.random.get_state()[1].tolist()  # noqa: NPY002


def test_random_states_and_threads_stay_as_they_are() -> None:
    config, panel = config_and_panel("threads=1", "seed=5")
    torch.set_num_threads(2)
    torch.manual_seed(3)
    before = torch.get_rng_state(), random.getstate(), legacy_numpy_state()
    prepared = prepare(config, panel)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), legacy_numpy_state()) == before[1:]
    assert torch.get_num_threads() == 2
    assert prepared.config.threads == 1
    torch.set_num_threads(1)


def test_weights_depend_on_the_seed_alone() -> None:
    config, panel = config_and_panel("seed=5")
    first = prepare(config, panel)
    torch.randn(7)
    second = prepare(config, panel)
    other = prepare(dataclasses.replace(config, seed=6), panel)
    name = "stem.weight"
    assert torch.equal(first.net.state_dict()[name], second.net.state_dict()[name])
    assert not torch.equal(first.net.state_dict()[name], other.net.state_dict()[name])


def test_a_seeded_process_goes_on_from_where_the_weights_were_drawn() -> None:
    """As if the network had been built right after the seed."""
    config, panel = config_and_panel("seed=5")
    prepared = prepare(config, panel)
    prepared.seed_process()
    drawn = torch.randn(3)
    torch.manual_seed(5)
    net = type(prepared.net)(prepared.net.spec)
    assert torch.equal(drawn, torch.randn(3))
    assert all(torch.equal(v, net.state_dict()[k]) for k, v in prepared.net.state_dict().items())


def test_reasons_are_given_for_open_keys_alone() -> None:
    config, panel = config_and_panel("context_length=20")
    prepared = prepare(config, panel)
    assert "context_length" not in prepared.reasons
    assert {"model.levels", "trainer.max_steps", "threads"} <= prepared.reasons.keys()
