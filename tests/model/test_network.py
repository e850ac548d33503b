"""ForecastNet: shapes, the linear branch and its reference, the first forecasts, what compiles."""

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from tests.helpers.networks import random_batch, random_net
from tsconv.config.schema import HeadConfig
from tsconv.errors import ConfigError
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.linear_branch import LinearBranch
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec


def test_shapes_of_a_prediction() -> None:
    out = random_net(quantiles=(0.1, 0.5, 0.9))(
        torch.zeros(2, 3, 40, dtype=torch.float64), torch.ones(2, 3, 40), 6
    )
    assert out.values().shape == (2, 3, 6, 5, 3)
    assert out.mu.shape == (2, 3, 6)


def test_the_linear_branch_equals_its_sum() -> None:
    branch = LinearBranch(5, 3).double()
    torch.nn.init.normal_(branch.weight)
    x, mask = torch.randn(2, 9, dtype=torch.float64), (torch.rand(2, 9) > 0.3).double()
    mu, inverse = torch.randn(2, 5, dtype=torch.float64), torch.rand(2, 5, dtype=torch.float64)
    out = branch(x, mask, mu, inverse)
    for b in range(2):
        for o in range(5):
            for h in range(3):
                terms = (
                    branch.weight[h, k] * (x[b, o + k] - mu[b, o]) * inverse[b, o] * mask[b, o + k]
                    for k in range(5)
                )
                torch.testing.assert_close(out[b, o, h], sum(terms, start=torch.zeros(())).double())


def test_an_untrained_network_forecasts_the_mean_of_the_season() -> None:
    """The start of training is a sensible forecast: the seasonal mean over the context."""
    torch.manual_seed(0)
    net = ForecastNet(NetSpec(horizon=4, context_length=8, seasonal_lags=(4,), levels=2)).eval()
    x = torch.tensor([1.0, 5, 2, 8, 3, 7, 4, 8]).reshape(1, 1, 8)
    out = net(x, torch.ones_like(x)).values().flatten()
    torch.testing.assert_close(out, torch.tensor([2.0, 6, 3, 8]), rtol=1e-4, atol=1e-4)


def test_history_is_all_that_matters() -> None:
    net = random_net()
    x = torch.randn(1, 1, 100, dtype=torch.float64)
    far, edge = x.clone(), x.clone()
    far[..., 99 - net.history - 1] += 5
    edge[..., 99 - net.history] += 5
    before = net(x, torch.ones_like(x)).values()
    assert torch.equal(before, net(far, torch.ones_like(x)).values())
    assert not torch.equal(before, net(edge, torch.ones_like(x)).values())


def test_bad_shapes_are_shown() -> None:
    with pytest.raises(ConfigError, match=r"x has shape \(2, 40\)"):
        random_net()(torch.zeros(2, 40), torch.zeros(2, 40))
    with pytest.raises(ConfigError, match=r"n_origins \(=41\)"):
        random_net()(torch.zeros(2, 1, 40), torch.zeros(2, 1, 40), 41)


def test_a_spec_of_another_version_is_refused_by_key() -> None:
    with pytest.raises(ConfigError, match="`colour`"):
        NetSpec.from_dict({"horizon": 1, "context_length": 1, "colour": "red"})


@pytest.mark.parametrize("keys", [{"maps": "pooled"}, {"series": "pooled"}], ids=str)
def test_one_graph_serves_batches_of_any_series(keys: dict) -> None:
    """A batch of other series is no reason to compile again."""
    from tsconv.training.step.dense_loss import dense_loss

    net = random_net(n_series=9, n_targets=1, dropout=0.0, **keys).float().train()
    head = HeadConfig("point", None, "mae", "series")
    graphs = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(dense_loss, backend=graphs, fullgraph=True, dynamic=False)
    for series in ([0, 1], [8, 8], [3, 0]):
        batch = random_batch(net, 2, 8)._replace(series=torch.tensor(series))
        loss, _ = compiled(net, batch, torch.ones(2, 1, 1), head)
        torch.testing.assert_close(loss, dense_loss(net, batch, torch.ones(2, 1, 1), head)[0])
    assert graphs.frame_count == 1


@pytest.mark.parametrize("with_covariates", [False, True])
@pytest.mark.parametrize("kind", ["point", "quantile"])
def test_only_the_loop_over_blocks_of_origins_breaks_the_graph(
    kind: str, with_covariates: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a backend that generates no code: quick, and a further break is a further graph."""
    from tsconv.nn.functional import fused_quantile_loss
    from tsconv.training.step.dense_loss import dense_loss

    block = fused_quantile_loss._block
    monkeypatch.setattr(fused_quantile_loss, "_compiled_block", lambda: block)

    sizes = {"past_categories": (3,), "n_future": 2, "calendar": ("hour",), "n_static": 1}
    more = sizes if with_covariates else {}
    levels = None if kind == "point" else (0.1, 0.5, 0.9)
    net = random_net(quantiles=levels, dropout=0.0, **more).float().train()
    z = torch.ones(2, 5, 1, net.history + 8 + 5)
    covariates = (
        CovariateBatch(z, z, torch.ones(2, 1, 1), torch.ones(2, 1, 1)) if with_covariates else None
    )
    batch = random_batch(net, 2, 8, covariates)
    head = HeadConfig(kind, list(net.quantiles), "mae", "series")
    plain, _ = dense_loss(net, batch, torch.ones(2, 1, 1), head)
    graphs = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(dense_loss, backend=graphs, dynamic=False)
    loss, _ = compiled(net, batch, torch.ones(2, 1, 1), head)
    torch.testing.assert_close(loss, plain)
    assert graphs.frame_count == {"point": 1, "quantile": 2}[kind]
