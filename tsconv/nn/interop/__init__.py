"""Weights from other libraries' layouts into our layers, and back.

Arrays may be NumPy arrays, tensors or nested lists. `load_*` fill a layer in place and return it;
`to_*` return copies in the other library's layout. A wrong shape raises ConfigError, which shows
both shapes, before anything is written.

| library | kernel | bias |
|---|---|---|
| Keras conv | (taps..., in / groups, out) | (out,) |
| Keras depthwise | (taps..., C, M) | (C * M,) |
| Keras separable | depthwise as above, then (1..., C * M, out) | (out,) |
| Flux | (taps..., in / groups, out), reversed in `Conv`, not in `CrossCor` | (out,) |
| Flux' older DepthwiseConv | (taps..., M, C), reversed | (C * M,) |
| PuzzleLib | (out, in / groups, 1, size) | (1, out, 1, 1) |

Keras' kernels are the same for both data formats. Spatial axes keep their order.
"""

from tsconv.nn.interop.flux import (
    flux_depth_multiplier,
    from_flux_depthwise,
    load_flux,
    to_flux,
)
from tsconv.nn.interop.keras import load_keras, to_keras
from tsconv.nn.interop.puzzlelib import load_puzzlelib, to_puzzlelib
from tsconv.nn.interop.rows import load_rows, to_rows

__all__ = [
    "flux_depth_multiplier",
    "from_flux_depthwise",
    "load_flux",
    "load_keras",
    "load_puzzlelib",
    "load_rows",
    "to_flux",
    "to_keras",
    "to_puzzlelib",
    "to_rows",
]
