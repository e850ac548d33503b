"""Hashes of data: two panels, or two files, that have the same one are the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from tsconv.data.panel.panel import Panel


def fingerprint(panel: Panel) -> str:
    """A hash of the names, times and values of a panel, of 16 hexadecimal digits.

    Covariates do not count. The trials of a study share it, and bundles keep it.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"unique_id": "a", "ds": range(4), "y": [1.0, 2.0, 4.0, 8.0]})
    >>> fingerprint(build_panel(table_from_frame(frame, DataConfig())))
    '56e127680e5bf9e5'
    """
    digest = hashlib.sha256()
    digest.update(json.dumps([panel.ids, panel.channels, panel.rows], default=str).encode())
    digest.update(np.asarray(panel.start).tobytes())
    digest.update(panel.lengths.cpu().numpy().tobytes())
    for _, steps, _ in panel.blocks():
        digest.update(panel.values[steps].cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def file_hash(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; raises OSError.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sales.csv"
    >>> _ = path.write_text("ds,y")
    >>> file_hash(path)[:8]
    '42901f96'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
