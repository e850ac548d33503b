"""tsconv: time-series forecasting with causal convolutions, every forecast origin in one pass.

The public names are those of `__all__`, and the layers in `tsconv.nn`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"  # the only place: pyproject.toml reads it from here
__all__ = ["ForecastNet", "Forecaster", "TsconvError", "__version__"]

if TYPE_CHECKING:
    from tsconv.errors import TsconvError
    from tsconv.forecaster import Forecaster
    from tsconv.model.network import ForecastNet

_MODULES = {
    "ForecastNet": "tsconv.model.network",
    "Forecaster": "tsconv.forecaster",
    "TsconvError": "tsconv.errors",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `import tsconv` costs nothing."""
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'tsconv' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, also those that nobody has used yet."""
    return sorted(__all__)
