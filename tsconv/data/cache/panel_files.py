"""The files of a cached panel: large arrays to be mapped, small ones, names, and a manifest.

`panel.json` is written last and has the sizes of all files and the checksums of the small ones.
Nothing is pickled, and the folder appears under its name only when it is whole.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tsconv.data.cache.key import FORMAT
from tsconv.data.mapped import MappedFile
from tsconv.data.panel.covariate_grid import Covariates, Static
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.id_columns import IdColumns
from tsconv.data.timestamps.frequency import Frequency
from tsconv.errors import TsconvError
from tsconv.notes import Note, NoteKind

VALUES, COVARIATES = "values.bin", "covariates.bin"
_SMALL, _NAMES, _MANIFEST = "arrays.safetensors", "names.arrow", "panel.json"


class UnusableError(TsconvError):
    """A cached panel that is not whole, or of another version: it is built again."""


def write_panel(panel: Panel, folder: Path, key: str) -> None:
    """Write the files of a panel into an empty folder; large arrays that are there stay.

    Where `values.bin` or `covariates.bin` exists already, it holds what the panel's tensor of that
    name maps. Raises OSError.
    """
    covariates, static = panel.covariates, panel.static
    if not (folder / VALUES).exists():
        panel.values.numpy().tofile(folder / VALUES)
    arrays = {"indptr": panel.indptr, "offset": panel.offset, "present": panel.present}
    arrays["start"] = torch.from_numpy(panel.start.view("int64"))
    if covariates is not None:
        if not (folder / COVARIATES).exists():
            covariates.values.numpy().tofile(folder / COVARIATES)
        arrays["covariates.indptr"] = covariates.indptr
    if static is not None:
        arrays["static.values"] = static.values
    save_file({k: v.contiguous() for k, v in arrays.items()}, folder / _SMALL)
    _write_names(panel, folder / _NAMES)
    small = {name: _checksum(folder / name) for name in (_SMALL, _NAMES)}
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    text = json.dumps(_described(panel) | {"format": FORMAT, "key": key, "sizes": sizes} | small)
    (folder / _MANIFEST).write_text(text, encoding="utf-8")


def read_panel(folder: Path, key: str) -> Panel:
    """The panel of a folder that `write_panel` filled; values and covariates are mapped.

    Raises UnusableError for a folder that is of another version or key, is not whole, or was
    changed.
    """
    try:
        about = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if (about["format"], about["key"]) != (FORMAT, key):
            raise UnusableError(f"{folder}: is of another version of tsconv")
        for name, size in about["sizes"].items():
            if (folder / name).stat().st_size != size:
                raise UnusableError(f"{folder / name}: does not have the size that it should have")
        for name in (_SMALL, _NAMES):
            if _checksum(folder / name) != about[name]:
                raise UnusableError(f"{folder / name}: was changed")
        return _read(folder, about)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, pa.ArrowException) as error:
        raise UnusableError(f"{folder}: cannot be read: {error}") from error


def _read(folder: Path, about: dict[str, Any]) -> Panel:
    folder = folder.resolve()  # processes that start elsewhere map the same files
    arrays = load_file(folder / _SMALL)
    indptr, n_rows = arrays["indptr"], max(1, len(about["rows"]))
    shape = (int(indptr[-1]), len(about["channels"]), n_rows)
    ids, id_columns = _read_names(folder / _NAMES, tuple(about["id_columns"]))
    covariates = None
    if about["covariates"] is not None:
        found, reach = about["covariates"], arrays["covariates.indptr"]
        wide = (int(reach[-1]), len(found["names"]), n_rows)
        covariates = Covariates(
            MappedFile(str(folder / COVARIATES), wide).map(),
            reach,
            tuple(found["names"]),
            _tuples(found["categories"]),
            found["n_past"],
        )
    static = None
    if about["static"] is not None:
        names, categories = about["static"]["names"], about["static"]["categories"]
        static = Static(arrays["static.values"], tuple(names), _tuples(categories))
    return Panel(
        values=MappedFile(str(folder / VALUES), shape).map(),
        indptr=indptr,
        offset=arrays["offset"],
        ids=ids,
        channels=tuple(about["channels"]),
        start=arrays["start"].numpy().view(about["time"]),
        frequency=Frequency(**about["frequency"]),
        present=arrays["present"],
        id_columns=id_columns,
        n_past=about["n_past"],
        covariates=covariates,
        static=static,
        rows=tuple(about["rows"]),
        time_zone=about["time_zone"],
        wall_clock=about["wall_clock"],
        notes=tuple(Note(NoteKind[k], text, tuple(names)) for k, text, names in about["notes"]),
    )


def _described(panel: Panel) -> dict[str, Any]:
    """What the manifest says of a panel."""
    covariates, static = panel.covariates, panel.static
    return {
        "channels": panel.channels,
        "n_past": panel.n_past,
        "rows": panel.rows,
        "id_columns": panel.id_columns.names,
        "time": str(panel.start.dtype),
        "frequency": dataclasses.asdict(panel.frequency),
        "time_zone": panel.time_zone,
        "wall_clock": panel.wall_clock,
        "notes": [(note.kind.name, note.text, note.names) for note in panel.notes],
        "covariates": covariates
        and {k: getattr(covariates, k) for k in ("names", "categories", "n_past")},
        "static": static and {k: getattr(static, k) for k in ("names", "categories")},
    }


def _write_names(panel: Panel, path: Path) -> None:
    """The ids, and the columns of the file that they are of, in the types that it has."""
    columns = [pd.Series(panel.ids, dtype=object), *panel.id_columns.values]
    frame = pd.DataFrame({str(i): column for i, column in enumerate(columns)})
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _read_names(path: Path, names: tuple[str, ...]) -> tuple[tuple[str, ...], IdColumns]:
    with pa.OSFile(str(path), "rb") as file:
        table = pa.ipc.open_file(file).read_all()
    frame = table.slice(0).to_pandas()
    values = tuple(frame[str(i + 1)] for i in range(len(names)))
    return tuple(table.column(0).to_pylist()), IdColumns(names, values)


def _tuples(categories: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(found) for name, found in categories.items()}


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
