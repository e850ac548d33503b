"""tsconv: time-series forecasting with causal convolutions, every forecast origin in one pass.

The public names are those of `__all__`; `nn` is the package of layers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"  # the only place: pyproject.toml reads it from here
__all__ = [
    "BundleError",
    "ConfigError",
    "DataError",
    "ForecastNet",
    "Forecaster",
    "TrainingError",
    "TsconvError",
    "TsconvWarning",
    "__version__",
    "nn",
]

if TYPE_CHECKING:
    from tsconv import nn
    from tsconv.errors import BundleError, ConfigError, DataError, TrainingError, TsconvError
    from tsconv.forecaster import Forecaster
    from tsconv.model.network import ForecastNet
    from tsconv.notes import TsconvWarning

_MODULES = {
    "BundleError": "tsconv.errors",
    "ConfigError": "tsconv.errors",
    "DataError": "tsconv.errors",
    "ForecastNet": "tsconv.model.network",
    "Forecaster": "tsconv.forecaster",
    "TrainingError": "tsconv.errors",
    "TsconvError": "tsconv.errors",
    "TsconvWarning": "tsconv.notes",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `import tsconv` costs nothing."""
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    if name == "nn":
        return importlib.import_module("tsconv.nn")
    raise AttributeError(f"module 'tsconv' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, also those that nobody has used yet."""
    return sorted(__all__)
