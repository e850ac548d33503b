"""Threads of the commands sleep while they wait, unless the user says otherwise."""

import subprocess
import sys

from tsconv.commands.wait_policy import sleep_while_waiting

SAY = "import os, sys; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"


def test_what_the_user_has_set_stays() -> None:
    environ = {"OMP_WAIT_POLICY": "active"}
    sleep_while_waiting(environ)
    assert environ == {"OMP_WAIT_POLICY": "active"}
    environ = {"GOMP_SPINCOUNT": "7"}
    sleep_while_waiting(environ)
    assert environ == {"GOMP_SPINCOUNT": "7", "OMP_WAIT_POLICY": "passive"}


def test_it_is_set_before_torch_is_loaded() -> None:
    code = (
        "import tsconv.cli, tsconv.commands.wait_policy as w;"
        f"assert w.sleep_while_waiting(), 'torch is loaded too early'; {SAY}"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["passive", "False"]
