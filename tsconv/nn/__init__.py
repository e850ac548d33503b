"""Layers: pure torch, usable alone in any PyTorch model. One concept a file.

README.md beside this file says what each known layer of the field becomes here.
"""

from tsconv.nn import interop
from tsconv.nn.block import TemporalBlock
from tsconv.nn.conv import CausalConv1d, Conv1d, Conv2d
from tsconv.nn.factored import FactoredFilter, factorize, gaussian
from tsconv.nn.functional import causal_pad, depthwise_time_major, pad_amounts
from tsconv.nn.heads import PointHead, QuantileHead
from tsconv.nn.init import keras_init_, puzzlelib_init_
from tsconv.nn.interop.puzzlelib import puzzlelib_conv1d
from tsconv.nn.row_mixing import RowMixing
from tsconv.nn.rows import RowLinear
from tsconv.nn.rowwise import RowwiseConv1d, RowwiseSeparableConv1d
from tsconv.nn.scaling import CausalScale, causal_scale
from tsconv.nn.separable import DepthwiseConv1d, DepthwiseConv2d, SeparableConv1d, SeparableConv2d
from tsconv.nn.tcn import TemporalConvNet

CrossRow = RowMixing  # the name that RowMixing had first

__all__ = [
    "CausalConv1d",
    "CausalScale",
    "Conv1d",
    "Conv2d",
    "CrossRow",
    "DepthwiseConv1d",
    "DepthwiseConv2d",
    "FactoredFilter",
    "PointHead",
    "QuantileHead",
    "RowLinear",
    "RowMixing",
    "RowwiseConv1d",
    "RowwiseSeparableConv1d",
    "SeparableConv1d",
    "SeparableConv2d",
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
