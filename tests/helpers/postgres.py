"""A PostgreSQL server for tests, from Debian's package, in a temporary folder on a socket."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def _binaries() -> Path | None:
    """The folder of the newest server on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    here = shutil.which("initdb")
    return found[-1].parent if found else Path(here).resolve().parent if here else None


def serve(folder: Path) -> Iterator[str]:
    """Start a server, yield the URL of its database, stop it. Skips where none is installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    data = folder / "data"
    user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        # Of the administrator's folders, which a service's PATH often lacks.
        runuser = shutil.which("runuser", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if runuser is None:
            pytest.skip("PostgreSQL does not run as root, and there is no runuser")
        user = [runuser, "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and parent.stat().st_mode & 0o001 == 0:
                parent.chmod(parent.stat().st_mode | 0o011)
    control = [*user, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    make = [*user, str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "tsconv", "-N"]
    subprocess.run(make, check=True, capture_output=True, cwd=folder)
    options = f"-k {folder} -h '' -F"
    log = str(folder / "log")
    subprocess.run(
        [*control, "-l", log, "-o", options, "start"], check=True, capture_output=True, cwd=folder
    )
    try:
        yield f"postgresql://tsconv@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
