"""How torch's threads wait for each other: soon asleep, so that a busy core does not stop them."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

_POLICY = "OMP_WAIT_POLICY"  # of the OpenMP standard, read when its library is loaded
_TURNS = "GOMP_SPINCOUNT"  # of GNU's library: how often it looks before it sleeps
_FEW = "1000"  # some microseconds: waking a thread takes longer than most waits


def sleep_while_waiting(environ: MutableMapping[str, str] = os.environ) -> bool:
    """Let the threads of this process, and of those it starts, sleep where they wait.

    By default they spin for milliseconds. Where another busy process has the core of the one that
    is waited for, all cores then spin for as long as that is. Returns whether this could take
    effect: not where torch is loaded already. What the user has set stays.

    >>> environ = {}
    >>> _ = sleep_while_waiting(environ)
    >>> environ
    {'OMP_WAIT_POLICY': 'passive', 'GOMP_SPINCOUNT': '1000'}
    """
    if _POLICY not in environ:
        environ[_POLICY] = "passive"
        environ.setdefault(_TURNS, _FEW)
    return "torch" not in sys.modules
