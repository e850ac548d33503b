"""Layers: pure torch, usable alone in any PyTorch model. One concept a file.

README.md beside this file says what each known layer of the field becomes here.
"""

from tsconv.nn.block import TemporalBlock
from tsconv.nn.conv import CausalConv1d, Conv1d, Conv2d
from tsconv.nn.depthwise import depthwise_conv1d, depthwise_time_major
from tsconv.nn.heads import PointHead, QuantileHead
from tsconv.nn.padding import causal_pad
from tsconv.nn.scaling import CausalScale, causal_scale
from tsconv.nn.separable import DepthwiseConv1d, DepthwiseConv2d, SeparableConv1d, SeparableConv2d
from tsconv.nn.tcn import TemporalConvNet

__all__ = [
    "CausalConv1d",
    "CausalScale",
    "Conv1d",
    "Conv2d",
    "DepthwiseConv1d",
    "DepthwiseConv2d",
    "PointHead",
    "QuantileHead",
    "SeparableConv1d",
    "SeparableConv2d",
    "TemporalBlock",
    "TemporalConvNet",
    "causal_pad",
    "causal_scale",
    "depthwise_conv1d",
    "depthwise_time_major",
]
