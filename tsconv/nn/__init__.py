"""Layers for time series, in pure PyTorch and usable alone in any model.

README.md beside this file says which layer here replaces which one of PyTorch, Keras, Flux or
PuzzleLib. `__all__` is the public interface; what it does not name may change.

Examples:
    >>> import torch
    >>> from tsconv.nn import DepthwiseConv1d
    >>> layer = DepthwiseConv1d(64, kernel_size=3, padding="causal", dilation=4)
    >>> layer(torch.zeros(32, 64, 512)).shape  # (B, C, W)
    torch.Size([32, 64, 512])
"""

from tsconv.nn import interop
from tsconv.nn.block import TemporalBlock
from tsconv.nn.conv import CausalConv1d, Conv1d, Conv2d
from tsconv.nn.factored import FactoredFilter, factorize, gaussian
from tsconv.nn.functional import causal_pad, depthwise_time_major, pad_amounts
from tsconv.nn.heads import (
    NegativeBinomialHead,
    NormalHead,
    PointHead,
    PoissonHead,
    QuantileHead,
    StudentTHead,
)
from tsconv.nn.init import keras_init_, puzzlelib_init_
from tsconv.nn.interop.puzzlelib import puzzlelib_conv1d
from tsconv.nn.row_mixing import RowMixing
from tsconv.nn.rows import RowLinear
from tsconv.nn.rowwise import RowwiseConv1d, RowwiseSeparableConv1d
from tsconv.nn.scaling import CausalScale, causal_scale
from tsconv.nn.separable import DepthwiseConv1d, DepthwiseConv2d, SeparableConv1d, SeparableConv2d
from tsconv.nn.tcn import TemporalConvNet

CrossRow = RowMixing  # the older name, kept for code that uses it

__all__ = [
    "CausalConv1d",
    "CausalScale",
    "Conv1d",
    "Conv2d",
    "CrossRow",
    "DepthwiseConv1d",
    "DepthwiseConv2d",
    "FactoredFilter",
    "NegativeBinomialHead",
    "NormalHead",
    "PointHead",
    "PoissonHead",
    "QuantileHead",
    "RowLinear",
    "RowMixing",
    "RowwiseConv1d",
    "RowwiseSeparableConv1d",
    "SeparableConv1d",
    "SeparableConv2d",
    "StudentTHead",
    "TemporalBlock",
    "TemporalConvNet",
    "causal_pad",
    "causal_scale",
    "depthwise_time_major",
    "factorize",
    "gaussian",
    "interop",
    "keras_init_",
    "pad_amounts",
    "puzzlelib_conv1d",
    "puzzlelib_init_",
]
