"""Bundles: what a finished training leaves for everybody else, as plain files.

A folder with `config.json` (everything needed to rebuild and use the network, or several that
forecast as one), `model.safetensors` (the weights) and, where its intervals are calibrated,
`calibration.safetensors`. Nothing in it is code and nothing is
unpickled.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tsconv.atomic_write import replace_folder
from tsconv.calibration.conformal import Calibration
from tsconv.config.schema import DataConfig
from tsconv.data.bounds import read_bound
from tsconv.data.covariates.encode import Encoding
from tsconv.data.covariates.shift import TrainingRange
from tsconv.errors import BundleError, TsconvError
from tsconv.forecasting.bundle_networks import (
    ONE,
    SEVERAL,
    build_network,
    format_of,
    network_tensors,
    network_values,
)
from tsconv.model.ensemble import Network

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
_CALIBRATION = "calibration.safetensors"
# Keys of the group `data` that stand elsewhere in a bundle, or nowhere.
_NOT_PORTABLE = (
    "path", "future_path", "origins_per_chunk", "chunks_per_batch", "allow_shift", "lower", "upper",
)  # fmt: skip
BEFORE_REFIT = "bundle_before_refit"  # beside a bundle that was refit: the one that was scored


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A trained network with the roles, frequency and seasonality of the data it was trained on."""

    net: Network
    data: DataConfig
    freq: str  # a pandas alias, or an integer step
    season: int  # steps, of the seasonal naive baseline
    info: dict[str, Any]  # of the training: seed, figures, reasons; for people to read
    channels: tuple[str, ...] = ()  # of the training, in order: targets, then past covariates
    rows: tuple[str, ...] = ()  # of the training, in order; () for a panel without rows
    encodings: tuple[Encoding, ...] = ()  # of the covariates
    target_ranges: dict[str, TrainingRange] = dataclasses.field(default_factory=dict)
    series: tuple[str, ...] = ()  # ids of the training, in order, where the network differs by them
    calibration: Calibration | None = None  # of its intervals
    lower: Any = None  # of the targets: a number, {name: number} or None; `data` has it as well
    upper: Any = None

    def __post_init__(self) -> None:
        """Let the roles say the bounds too: those of a forecast start from the roles."""
        roles = dataclasses.replace(self.data, lower=self.lower, upper=self.upper)
        object.__setattr__(self, "data", roles)


def save_bundle(bundle: Bundle, folder: Path) -> None:
    """Write the bundle whole or not at all, in place of an earlier one.

    Raises BundleError where `folder` is there and is not a bundle.

    >>> import tempfile
    >>> from tsconv.model.network import ForecastNet
    >>> from tsconv.model.spec import NetSpec
    >>> net = ForecastNet(NetSpec(horizon=3, context_length=8, hidden=4, levels=2))
    >>> folder = Path(tempfile.mkdtemp()) / "bundle"
    >>> save_bundle(Bundle(net, DataConfig(id="store"), "D", 7, info={}), folder)
    >>> load_bundle(folder).data.id
    'store'
    """
    from tsconv import __version__

    config = {
        "format": format_of(bundle.net),
        "tsconv_version": __version__,
        **network_values(bundle.net),
        "data": _portable_roles(bundle.data),
        "freq": bundle.freq,
        "season": bundle.season,
        "channels": list(bundle.channels),
        "rows": list(bundle.rows),
        "covariates": [_without_empty_range(dataclasses.asdict(e)) for e in bundle.encodings],
        "info": bundle.info,
    }
    if bundle.series:
        config["series"] = list(bundle.series)
    bounds = {"lower": bundle.lower, "upper": bundle.upper}
    config |= {key: bound for key, bound in bounds.items() if bound is not None}
    if bundle.target_ranges:  # bundles of earlier versions have none
        ranges = {name: dataclasses.asdict(r) for name, r in bundle.target_ranges.items()}
        config["target_ranges"] = ranges
    calibration: dict[str, Any] = {}
    if bundle.calibration is not None:
        config["calibration"], calibration = bundle.calibration.state()
    folder = folder.resolve()
    ours = {_CONFIG, _WEIGHTS, _CALIBRATION}
    if folder.exists() and (not folder.is_dir() or {p.name for p in folder.iterdir()} - ours):
        raise BundleError(f"{folder} exists and is not a bundle: name another folder to save to")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replace_folder(folder) as temporary:
        save_file(network_tensors(bundle.net), temporary / _WEIGHTS)
        if calibration:
            save_file(calibration, temporary / _CALIBRATION)
        text = json.dumps(config, indent=2) + "\n"
        (temporary / _CONFIG).write_text(text, encoding="utf-8")


def _portable_roles(data: DataConfig) -> dict[str, Any]:
    """The roles and the format of the file, without the path of the training data."""
    values = dataclasses.asdict(data)
    for key in _NOT_PORTABLE:
        values.pop(key)
    return values


def _without_empty_range(values: dict[str, Any]) -> dict[str, Any]:
    """An encoding as bundles have it: those of earlier versions have no range."""
    return {k: v for k, v in values.items() if k != "training_range" or v is not None}


def _to_names(values: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in values or ())


def _calibration(config: dict[str, Any], folder: Path) -> Calibration | None:
    """What a bundle says of its intervals; those of earlier versions say nothing."""
    if "calibration" not in config:
        return None
    return Calibration.from_state(config["calibration"], load_file(folder / _CALIBRATION))


def bundle_folder(folder: str | Path) -> Path:
    """The folder itself, or the bundle in it where it is a run folder.

    >>> bundle_folder("runs/first/bundle").as_posix()
    'runs/first/bundle'
    """
    folder = Path(folder)
    if not (folder / _CONFIG).is_file() and (folder / "bundle" / _CONFIG).is_file():
        folder = folder / "bundle"
    return folder


def bundle_hash(folder: str | Path) -> str:
    """The SHA-256 of a bundle's files, in hexadecimal; raises OSError.

    >>> import tempfile
    >>> from tsconv.model.network import ForecastNet
    >>> from tsconv.model.spec import NetSpec
    >>> net = ForecastNet(NetSpec(horizon=3, context_length=8, hidden=4, levels=2))
    >>> folder = Path(tempfile.mkdtemp()) / "bundle"
    >>> save_bundle(Bundle(net, DataConfig(), "D", 7, info={}), folder)
    >>> len(bundle_hash(folder))
    64
    """
    found = hashlib.sha256()
    for name in (_CONFIG, _WEIGHTS, _CALIBRATION):
        path = bundle_folder(folder) / name
        if name != _CALIBRATION or path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


def load_before_refit(folder: str | Path) -> Bundle | None:
    """Read the bundle that a refit took the place of; None where there is none beside it.

    folder: of the refit bundle, or its run folder. Raises BundleError where it is damaged.
    """
    before = bundle_folder(folder).resolve().parent / BEFORE_REFIT
    return load_bundle(before) if before.is_dir() else None


def load_bundle(folder: str | Path) -> Bundle:
    """Read a bundle and rebuild its network, in evaluation mode on the CPU; see `save_bundle`.

    A run folder stands for the bundle in it. Raises BundleError where the folder is neither, where
    the bundle is damaged, or was written by a newer version.
    """
    folder = bundle_folder(folder)
    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            fault = f"has no {name}" if folder.is_dir() else "is not a folder"
            raise BundleError(
                f"`bundle` (={folder}) {fault}; `tsconv train` writes one to <run folder>/bundle"
            )
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        found = config.get("format") if isinstance(config, dict) else None
        if found not in (ONE, SEVERAL):
            raise BundleError(
                f"{folder / _CONFIG}: format {found} is not one that this version reads "
                f"({ONE} and {SEVERAL})"
            )
        return Bundle(
            net=build_network(config, load_file(folder / _WEIGHTS)),
            data=DataConfig(**config["data"]),
            freq=str(config["freq"]),
            season=int(config["season"]),
            info=dict(config["info"]),
            channels=_to_names(config.get("channels", config["info"].get("channels"))),
            rows=_to_names(config.get("rows")),
            series=_to_names(config.get("series")),
            lower=read_bound("lower", config.get("lower")),
            upper=read_bound("upper", config.get("upper")),
            encodings=tuple(Encoding.from_dict(e) for e in config.get("covariates", ())),
            target_ranges={
                str(name): TrainingRange(**found)
                for name, found in config.get("target_ranges", {}).items()
            },
            calibration=_calibration(config, folder),
        )
    except BundleError:
        raise
    except SafetensorError as error:
        raise BundleError(f"{folder}: its tensors are damaged: {error}") from error
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RuntimeError,
        TsconvError,
    ) as error:
        reason = " ".join(str(error).split())[:300]
        raise BundleError(f"{folder} cannot be loaded: {type(error).__name__}: {reason}") from error
