"""The stack: receptive field, dense against windows, options of the block."""

import pytest
import torch

from tsconv.errors import ConfigError
from tsconv.nn.block import SpatialDropout, TemporalBlock
from tsconv.nn.tcn import TemporalConvNet, TemporalStack, receptive_field, stack_reference


@pytest.mark.parametrize(
    ("k", "levels", "stacks", "steps"), [(3, 7, 1, 255), (2, 4, 1, 16), (3, 6, 2, 253)]
)
def test_receptive_field_by_formula(k: int, levels: int, stacks: int, steps: int) -> None:
    assert receptive_field(k, levels, stacks) == steps


@pytest.mark.parametrize(
    ("k", "levels", "stacks"),
    [(3, 4, 1), (2, 5, 1), (4, 2, 2), (1, 3, 1), (3, 6, 2)],  # the last sees 253 steps
)
def test_receptive_field_is_the_support_of_the_gradient(k: int, levels: int, stacks: int) -> None:
    net = TemporalConvNet(2, 3, channels=6, kernel_size=k, levels=levels, stacks=stacks).double()
    x = torch.randn(1, 2, 300, dtype=torch.float64, requires_grad=True)
    net(x)[0, :, 290].sum().backward()
    assert x.grad is not None
    touched = torch.nonzero(x.grad[0].abs().sum(0) > 0).flatten()
    assert touched.max() == 290
    assert 290 - touched.min() + 1 == net.receptive_field


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stacks": 2, "skip": True},
        {"expansion": 3},
        {"gated": True},
        {"gated": True, "expansion": 2, "norm": "rms", "activation": "silu"},
        {"weight_norm": True, "norm": "none", "activation": "relu"},
    ],
)
def test_dense_equals_windows_whatever_the_options(options: dict[str, object]) -> None:
    stack = TemporalStack(6, 3, 3, **options).double().eval()
    x = torch.randn(2, stack.receptive_field + 11, 6, dtype=torch.float64)
    torch.testing.assert_close(stack(x), stack_reference(stack, x), rtol=0, atol=1e-12)


def test_causal_and_valid_padding_agree_on_the_last_steps() -> None:
    causal = TemporalConvNet(2, 3, channels=4, levels=3, padding="causal").eval()
    valid = TemporalConvNet(2, 3, channels=4, levels=3, padding="valid").eval()
    valid.load_state_dict(causal.state_dict())
    x = torch.randn(2, 2, 40)
    assert causal(x).shape == (2, 3, 40)
    torch.testing.assert_close(causal(x)[..., valid.receptive_field - 1 :], valid(x))


def test_spatial_dropout_drops_a_channel_for_the_whole_chunk() -> None:
    torch.manual_seed(0)
    out = SpatialDropout(0.5).train()(torch.ones(8, 10, 16))
    assert ((out == 0) | (out == 2)).all()
    assert (out == out[:, :1]).all()
    assert 0.3 < (out == 0).float().mean() < 0.7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "gelo"}, r"`activation` \(=gelo\) .*did you mean `gelu`"),
        ({"norm": "batch"}, r"`norm` \(=batch\) must be one of layer, rms, none"),
        ({"dropout": 1.0}, r"`dropout` \(=1.0\)"),
        ({"expansion": 0}, r"`expansion` \(=0\)"),
    ],
)
def test_bad_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TemporalBlock(4, 3, **options)


def test_too_short_an_input_names_the_receptive_field() -> None:
    with pytest.raises(ConfigError, match=r"receptive_field \(=15\)"):
        TemporalStack(4, 3, 3)(torch.zeros(1, 14, 4))


@pytest.mark.parametrize("kernel_size", [2, 3, 5])
@pytest.mark.parametrize("levels", [1, 4])
@pytest.mark.parametrize("stacks", [1, 2])
@pytest.mark.parametrize(
    ("skip", "cross_row", "rows"),
    [(False, "none", "shared"), (True, "none", "separate"), (True, "dense", "pooled")],
)
def test_one_output_alone_is_the_last_of_many(
    kernel_size: int, levels: int, stacks: int, skip: bool, cross_row: str, rows: str
) -> None:
    """Of one output every block computes the steps alone that those after it need."""
    torch.manual_seed(levels)
    stack = TemporalStack(
        4, kernel_size, levels, stacks=stacks, skip=skip, cross_row=cross_row, n_rows=2, rows=rows
    )
    stack = stack.double().eval()
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    field = stack.receptive_field
    x = torch.randn(2, 3, field + 7, 4, dtype=torch.float64)
    present = (torch.rand(2, 3, field + 7) > 0.3).double()
    last = stack(x, present)[..., -1:, :]
    alone = stack(x[..., -field:, :], present[..., -field:])
    torch.testing.assert_close(alone, last, rtol=1e-12, atol=1e-12)
