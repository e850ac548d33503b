"""The rate and the decay of each kind of parameter."""

from __future__ import annotations

import dataclasses

import pytest

from tsconv.config.compose import default_config
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.training.lightning.optimizer import make_optimizer


def test_deviations_and_the_linear_branch_have_shares_of_the_rate() -> None:
    spec = NetSpec(7, 14, hidden=4, levels=2, rows="pooled", n_rows=3, n_targets=1)
    net = ForecastNet(spec)
    config = dataclasses.replace(
        default_config(7).optimizer, lr=0.01, linear_lr=0.1, row_lr=0.5, row_decay=2.0
    )
    optimizer = make_optimizer(net, config)
    of = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    assert len(of) == len(list(net.parameters()))
    for name, p in net.named_parameters():
        linear, deviates = name.startswith("linear."), ".row_" in name
        rate = 0.01 * (0.1 if linear else 1) * (0.5 if deviates else 1)
        assert of[id(p)]["lr"] == pytest.approx(rate), name
        if deviates:
            assert of[id(p)]["weight_decay"] == 2.0
    assert any(".row_" in n and n.startswith("linear.") for n, _ in net.named_parameters())
