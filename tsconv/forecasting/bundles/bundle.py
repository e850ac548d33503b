"""Bundles: what a finished training leaves for everybody else, as plain files.

A folder with `config.json` (everything needed to rebuild and use the network, or several that
forecast as one), `model.safetensors` (the weights) and, where its intervals are calibrated,
`calibration.safetensors`. Nothing in it is code, nothing is unpickled, and no file is named in
another one but by its checksum.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tsconv.atomic_write import replace_folder
from tsconv.calibration.conformal import Calibration
from tsconv.config.schema import DataConfig
from tsconv.data.covariates.encode import Encoding
from tsconv.data.covariates.shift import TrainingRange
from tsconv.errors import BundleError, TsconvError
from tsconv.forecasting.bundles.checks import (
    entry,
    first_not_finite,
    require_finite,
    require_keys,
    shown,
)
from tsconv.forecasting.bundles.config_file import (
    CHECKSUMS,
    CONFIG,
    read_values,
    require_seal,
    sealed_text,
)
from tsconv.forecasting.bundles.contract import contract_fields, contract_values
from tsconv.forecasting.bundles.intervals import CALIBRATION, read_calibration
from tsconv.forecasting.bundles.migrations import FORMAT, migrated
from tsconv.forecasting.bundles.networks import (
    WEIGHTS,
    network_tensors,
    network_values,
    read_network,
)
from tsconv.forecasting.bundles.tensor_file import require_float32, write_tensors
from tsconv.forecasting.bundles.training_summary import TrainingSummary
from tsconv.model.ensemble import Network

FILES = (CONFIG, WEIGHTS, CALIBRATION)
_KEYS = (
    "format", "tsconv_version", "net", "networks", "contract", "calibration", "training", "info",
    CHECKSUMS,
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
    training: TrainingSummary | None = None  # None: of a version that did not keep it

    def __post_init__(self) -> None:
        """Let the roles say the bounds too: those of a forecast start from the roles."""
        roles = dataclasses.replace(self.data, lower=self.lower, upper=self.upper)
        object.__setattr__(self, "data", roles)


@dataclasses.dataclass(frozen=True)
class BundleFiles:
    """The files of a bundle as they lie on the disk, for people to read."""

    folder: Path
    format: int
    tsconv_version: str  # that wrote it
    sizes: dict[str, int]  # bytes by name
    has_checksums: bool  # they were right, where there are some


def save_bundle(bundle: Bundle, folder: Path) -> None:
    """Write the bundle whole or not at all, in place of an earlier one.

    Raises BundleError where `folder` is there and is not a bundle, and where a number of the bundle
    is not finite.

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

    values = {
        "format": FORMAT,
        "tsconv_version": __version__,
        **network_values(bundle.net),
        "contract": contract_values(bundle),
    }
    tensors = {WEIGHTS: network_tensors(bundle.net)}
    if bundle.calibration is not None:
        values["calibration"], tensors[CALIBRATION] = bundle.calibration.state()
    if bundle.training is not None:
        values["training"] = bundle.training.values()
    values["info"] = bundle.info
    require_float32(tensors[WEIGHTS])
    for name, found in tensors.items():
        require_finite(found, f"{name} is not written")
    wrong = first_not_finite(values)
    if wrong is not None:
        raise BundleError(f"the bundle is not written: `{wrong}` is not a finite number")
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or {p.name for p in folder.iterdir()} - {*FILES}):
        raise BundleError(f"{folder} exists and is not a bundle: name another folder to save to")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replace_folder(folder) as temporary:
        checksums = {n: write_tensors(found, temporary / n) for n, found in tensors.items()}
        text = sealed_text(values, checksums)
        (temporary / CONFIG).write_text(text, encoding="utf-8")


def bundle_folder(folder: str | Path) -> Path:
    """The folder itself, or the bundle in it where it is a run folder.

    >>> bundle_folder("runs/first/bundle").as_posix()
    'runs/first/bundle'
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file() and (folder / "bundle" / CONFIG).is_file():
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
    for name in FILES:
        path = bundle_folder(folder) / name
        if name != CALIBRATION or path.is_file():
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
    return read_bundle(folder)[0]


def read_bundle(folder: str | Path) -> tuple[Bundle, BundleFiles]:
    """What `load_bundle` returns, and what its files are; raises as it does.

    Each file is read once: what is used is what was checked.
    """
    folder = bundle_folder(folder)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            fault = f"has no {name}" if folder.is_dir() else "is not a folder"
            raise BundleError(
                f"`bundle` (={folder}) {fault}; `tsconv train` writes one to <run folder>/bundle"
            )
    version = ""
    with _one_bundle_error(folder):
        found = read_values(folder / CONFIG)
        version = shown(found.get("tsconv_version", "an unknown version"))
        values = migrated(found)
        checksums = require_seal(values) if found["format"] == FORMAT else None
        try:
            bundle = _bundle(values, folder, checksums)
        except BundleError as error:
            if not _is_newer(version):
                raise
            raise BundleError(f"{error}; tsconv {version} wrote it: update tsconv") from error
        sizes = {name: (folder / name).stat().st_size for name in FILES if (folder / name).exists()}
    files = BundleFiles(folder, found["format"], version, sizes, checksums is not None)
    return bundle, files


def _bundle(values: dict[str, Any], folder: Path, checksums: dict[str, str] | None) -> Bundle:
    """The bundle that the values of this version's format describe.

    checksums: SHA-256 of the other files; None: the format has none.
    """
    require_keys(values, _KEYS)
    info = entry(values, "info", dict)
    contract = entry(values, "contract", dict)
    has_calibration = values.get("calibration") is not None

    def checksum(name: str) -> str | None:
        return None if checksums is None else entry(checksums, name, str, CHECKSUMS)

    if has_calibration and not (folder / CALIBRATION).is_file():
        raise BundleError(f"{CALIBRATION} is missing, and config.json says that there is one")
    net = read_network(values, folder / WEIGHTS, checksum(WEIGHTS))
    calibration = None
    if has_calibration:
        calibration = read_calibration(
            entry(values, "calibration", dict),
            folder / CALIBRATION,
            checksum(CALIBRATION),
            net.spec.horizon,
        )
    training = None
    if values.get("training") is not None:
        training = TrainingSummary.from_values(entry(values, "training", dict))
    fields = contract_fields(contract, net)
    return Bundle(net=net, info=info, calibration=calibration, training=training, **fields)


@contextlib.contextmanager
def _one_bundle_error(folder: Path) -> Iterator[None]:
    """Let whatever a damaged file sets off be a BundleError that names the folder."""
    try:
        yield
    except BundleError as error:
        raise BundleError(f"{folder} cannot be loaded: {error}") from error
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        TsconvError,
    ) as error:
        reason = shown(" ".join(str(error).split()), 300)
        kind = "" if isinstance(error, TsconvError) else f"{type(error).__name__}: "
        raise BundleError(f"{folder} cannot be loaded: {kind}{reason}") from error


def _is_newer(version: str) -> bool:
    """Whether a version is newer than this one; one that is no version is not."""
    from tsconv import __version__

    def numbers(text: str) -> tuple[int, ...]:
        parts = text.split(".")[:3]
        return tuple(int(p) if p.isascii() and p.isdecimal() else -1 for p in parts)

    return numbers(version) > numbers(__version__)
