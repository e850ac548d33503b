"""The operations under the layers: padding and depthwise convolution as plain functions.

Nothing here holds parameters, and nothing imports a layer.
"""

from tsconv.nn.functional.depthwise import depthwise_conv1d
from tsconv.nn.functional.padding import causal_pad, pad_amounts
from tsconv.nn.functional.time_major import depthwise_time_major

__all__ = ["causal_pad", "depthwise_conv1d", "depthwise_time_major", "pad_amounts"]
