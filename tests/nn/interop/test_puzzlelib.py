"""PuzzleLib's Conv1D: its table of outputs, weight shapes, parameters and errors."""

import pytest
import torch

from tsconv.errors import ConfigError
from tsconv.nn import SeparableConv1d, interop, puzzlelib_conv1d

# size, stride, pad, dilation; map 1 of weights 1, map 2 of weights -(0, 1, ..., size - 1).
TABLE = [
    (
        (2, 1, 0, 1),
        [1, 3, 5, 7, 9, 11, 13, 15, 17],
        [-1, -2, -3, -4, -5, -6, -7, -8, -9],
    ),
    (
        (3, 1, 0, 1),
        [3, 6, 9, 12, 15, 18, 21, 24],
        [-5, -8, -11, -14, -17, -20, -23, -26],
    ),
    (
        (3, 1, 1, 1),
        [1, 3, 6, 9, 12, 15, 18, 21, 24, 17],
        [-2, -5, -8, -11, -14, -17, -20, -23, -26, -9],
    ),
    ((2, 2, 0, 1), [1, 5, 9, 13, 17], [-1, -3, -5, -7, -9]),
    ((2, 2, 2, 1), [0, 1, 5, 9, 13, 17, 0], [0, -1, -3, -5, -7, -9, 0]),
    ((2, 1, 0, 2), [2, 4, 6, 8, 10, 12, 14, 16], [-2, -3, -4, -5, -6, -7, -8, -9]),
]


@pytest.mark.parametrize(("arguments", "first", "second"), TABLE)
def test_its_table(arguments: tuple[int, ...], first: list[int], second: list[int]) -> None:
    size = arguments[0]
    layer = puzzlelib_conv1d(1, 2, *arguments, initscheme="none")
    weight = torch.stack([torch.ones(size), -torch.arange(size).float()]).view(2, 1, 1, size)
    interop.load_puzzlelib(layer, weight, torch.zeros(1, 2, 1, 1))
    out = layer(torch.arange(10.0).view(1, 1, 10))
    assert out[0].tolist() == [first, second]
    size, stride, pad, dilation = arguments
    assert out.shape[-1] == (10 + 2 * pad - dilation * (size - 1) - 1) // stride + 1


def test_weight_shapes() -> None:
    weight, bias = interop.to_puzzlelib(puzzlelib_conv1d(16, 32, 2))
    assert weight.shape == (32, 16, 1, 2)
    assert bias is not None
    assert bias.shape == (1, 32, 1, 1)
    assert not bias.any()
    assert interop.to_puzzlelib(puzzlelib_conv1d(16, 32, 2, groups=4))[0].shape == (32, 4, 1, 2)
    block = SeparableConv1d(16, 32, 2)
    assert interop.to_puzzlelib(block.depthwise)[0].shape == (16, 1, 1, 2)
    assert interop.to_puzzlelib(block.pointwise)[0].shape == (32, 16, 1, 1)


def test_groups_feed_their_own_maps() -> None:
    layer = puzzlelib_conv1d(16, 32, 2, groups=4)
    x = torch.randn(1, 16, 9)
    changed = x.clone()
    changed[:, :4] += 1
    same = (layer(x) == layer(changed)).all(dim=2)[0]
    assert same.tolist() == [False] * 8 + [True] * 24


def test_parameters() -> None:
    assert puzzlelib_conv1d(2, 3, 2, useBias=False).bias is None
    assert puzzlelib_conv1d(2, 3, 2, name="stem").name == "stem"
    wide = puzzlelib_conv1d(8, 64, 9, wscale=5.0, initscheme="gaussian")
    assert 4.5 < wide.weight.std().item() < 5.5


def test_empty_has_no_weights_until_they_come() -> None:
    layer = puzzlelib_conv1d(2, 3, 2, empty=True)
    assert layer.weight.is_meta
    assert layer.bias.is_meta
    full = puzzlelib_conv1d(2, 3, 2)
    interop.load_puzzlelib(layer, *interop.to_puzzlelib(full))
    x = torch.randn(1, 2, 5)
    assert torch.equal(layer(x), full(x))
    other = puzzlelib_conv1d(2, 3, 2, empty=True)
    other.load_state_dict(full.state_dict(), assign=True)
    assert torch.equal(other(x), full(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: puzzlelib_conv1d(15, 32, 2, groups=4), r"\(=15\) must be divisible by `groups`"),
        (lambda: puzzlelib_conv1d(16, 30, 2, groups=4), r"\(=30\) must be divisible by `groups`"),
        (lambda: puzzlelib_conv1d(2, 3, 2, initscheme="xavir"), "did you mean `xavier`"),
        (lambda: puzzlelib_conv1d(2, 3, 2)(torch.zeros(2, 5)), r"\(2, 5\), expected \(B, 2, W\)"),
        (lambda: puzzlelib_conv1d(2, 3, 2)(torch.zeros(1, 4, 5)), r"\(1, 4, 5\), expected"),
        (lambda: puzzlelib_conv1d(2, 3, 7)(torch.zeros(1, 2, 5)), "5 steps, too short"),
    ],
)
def test_its_errors(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]
