"""A command on the ranks that torchrun or SLURM started: rank 0 runs it, the others serve."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from tsconv.distributed.launcher import find_launcher
from tsconv.errors import TsconvError, one_line
from tsconv.termination import EXIT_CODE, Terminated, Termination

_ON_RANKS = ("train", "forecast")


def run_on_ranks(name: str, command: Callable[[], int]) -> int:
    """Run a command and return its exit code; where a launcher started several processes, together.

    name: of the command. All but rank 0 compute what rank 0 sends, and print nothing. A command
    that has nothing to share out runs on rank 0 alone.
    """
    try:
        process = find_launcher(os.environ)
        if process is None:
            return command()
        if name == "sweep":
            if process.rank == 0:
                raise TsconvError(
                    f"a sweep starts its own processes: run `tsconv sweep` without {process.name}, "
                    f"with sweep.workers and trainer.devices"
                )
            return 1
        if name not in _ON_RANKS:
            return command() if process.rank == 0 else 0
        # Torch prints a page for each connection that closes; who is gone is said in one line.
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        from tsconv.distributed.child import serve_quietly
        from tsconv.distributed.launched import launched_ranks  # imports torch

        ranks = launched_ranks()
        assert ranks is not None
    except TsconvError as error:
        print(f"tsconv: {one_line(error)}", file=sys.stderr)
        return 1
    if not ranks.is_main:
        termination = Termination()
        try:
            with termination.listen():
                code = serve_quietly(ranks)
        except Terminated:  # where it had nothing to finish
            code = EXIT_CODE
        return EXIT_CODE if termination.came and code else code
    code = 1
    try:
        code = command()
        return code
    finally:
        if code == 0:
            ranks.finish()
        else:
            ranks.fail("rank 0 has said why")
        ranks.close()
