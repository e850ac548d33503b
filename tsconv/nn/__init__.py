"""Layers: pure torch, usable alone in any PyTorch model. One concept a file."""

from tsconv.nn.block import TemporalBlock
from tsconv.nn.conv import CausalConv1d, causal_pad
from tsconv.nn.heads import PointHead, QuantileHead
from tsconv.nn.scaling import CausalScale, causal_scale
from tsconv.nn.separable import depthwise_time_major
from tsconv.nn.tcn import TemporalConvNet

__all__ = [
    "CausalConv1d",
    "CausalScale",
    "PointHead",
    "QuantileHead",
    "TemporalBlock",
    "TemporalConvNet",
    "causal_pad",
    "causal_scale",
    "depthwise_time_major",
]
