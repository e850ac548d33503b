"""The logs of workers: those of ended commands go, others stay."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from tsconv.sweep.worker_logs import last_line, remove_old_logs, worker_log


def test_logs_of_ended_commands_of_this_machine_are_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    own = worker_log(tmp_path, 0)
    old = own.with_name(f"{socket.gethostname()}-{ended.pid}-1.log")
    running = own.with_name(f"{socket.gethostname()}-{os.getppid()}-0.log")
    elsewhere = own.with_name(f"another-machine-{ended.pid}-1.log")
    own.parent.mkdir()
    for log in (own, old, running, elsewhere):
        log.write_text("a line\n\n")
    remove_old_logs(tmp_path)
    assert sorted(own.parent.iterdir()) == sorted([own, running, elsewhere])
    assert last_line(own) == "a line"
