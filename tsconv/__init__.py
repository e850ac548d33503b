"""tsconv: time-series forecasting with causal convolutions, every forecast origin in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["ForecastNet", "Forecaster", "TsconvError", "__version__"]

if TYPE_CHECKING:
    from tsconv.errors import TsconvError
    from tsconv.forecaster import Forecaster
    from tsconv.model.network import ForecastNet

_HOMES = {
    "Forecaster": "tsconv.forecaster",
    "ForecastNet": "tsconv.model.network",
    "TsconvError": "tsconv.errors",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use, so that `import tsconv` costs nothing."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tsconv' has no attribute {name!r}")
