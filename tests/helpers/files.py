"""Files of data, good and odd, as text."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

QUICK = (
    "horizon=2", "trainer.max_steps=1", "compile=false", "precision=float32", "plots=false",
    "callbacks.progress=false", "model.hidden=4", "model.levels=1",
)  # fmt: skip
HEAD = "unique_id,ds,y\n"


def lines(name: str = "a", n: int = 40, freq: str = "D", value: str | None = None) -> str:
    """n lines of a series from 2024-01-01 on."""
    days = pd.date_range("2024-01-01", periods=n, freq=freq).astype(str)
    return "".join(
        f"{name},{d},{7 * k % 13 if value is None else value}\n" for k, d in enumerate(days)
    )


GOOD = HEAD + lines()


def wall(zone: str, start: str, n: int, offset: bool = False) -> str:
    """n hours on the wall clock of a zone."""
    times = pd.date_range(start, periods=n, freq="h", tz="UTC").tz_convert(zone)
    shown = [t if offset else t.tz_localize(None) for t in times]
    return HEAD + "".join(f"a,{t.isoformat(sep=' ')},{k % 5}\n" for k, t in enumerate(shown))


def epoch(unit: int) -> str:
    return HEAD + "".join(f"a,{(1704067200 + 3600 * k) * unit},{k % 5}\n" for k in range(40))


def write(folder: Path, text: str, name: str = "data.csv", encoding: str = "utf-8") -> str:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return str(path)


def put(folder: Path, content: str | bytes) -> None:
    """Write the file that a command is to read."""
    (folder / "data.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
