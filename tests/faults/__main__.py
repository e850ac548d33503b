"""`python -m tests.faults [NAME ...]`: kill every command at many moments; print how it then ended.

Names are of scenarios: train, compile, sweep, forecast, shards, backtest; none: all. An hour on two
quiet cores. Exit code 1 where a start after a kill did not end
equal to the run that was never killed.
"""

from __future__ import annotations

import collections
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.helpers.faults.kill import Killed, Reference, kill_and_compare, reference
from tests.helpers.faults.scenarios import SCENARIOS

RANDOM = {"train": 60, "forecast": 20, "shards": 20, "backtest": 20, "sweep": 20, "compile": 10}
CHOSEN = {"train": 22, "forecast": 2, "shards": 6, "backtest": 5}  # files that take their name
STEPS = (1, 5, 6, 11, 17, 30, 33)


def moments(name: str, whole: Reference) -> Iterator[str]:
    """When a command is killed: at any time, around each file that it writes, within steps."""
    draw = random.Random(name)
    for k in range(RANDOM[name]):
        group = ":group" if k % 2 else ""
        yield f"time:{draw.uniform(0, 1.05 * whole.seconds):.2f}{group}"
    for k in range(1, CHOSEN.get(name, 0) + 1):
        yield f"replace:{k}:{'before' if k % 2 else 'after'}"
        yield f"write:{k}"
    if name == "train":
        yield from (f"step:{k}" for k in STEPS)


def main(base: Path, names: Sequence[str]) -> int:
    """Kill, compare and print; names: of scenarios. Returns the exit code."""
    killed: list[Killed] = []
    begun = time.perf_counter()
    bundle = reference(SCENARIOS["train"], base / "train").folder / "run" / "bundle"
    for name in names:
        scenario = SCENARIOS[name]
        own = bundle if scenario.needs_bundle else None
        whole = reference(scenario, base / name, own) if name != "train" else None
        whole = whole or reference(scenario, base / "again")
        for kill in moments(name, whole):
            one = kill_and_compare(scenario, whole, base / "killed", kill, own)
            killed.append(one)
            print(f"{len(killed):4} {name:9} {kill:20} {one.phase:32} {one.fault or 'equal'}",
                  flush=True)  # fmt: skip
    counts = collections.Counter((k.scenario, k.phase, not k.fault) for k in killed)
    print("\ncommand    killed while                       kills  equal")
    for scenario_name, phase in sorted({(k.scenario, k.phase) for k in killed}):
        equal, not_equal = (counts[scenario_name, phase, is_equal] for is_equal in (True, False))
        print(f"{scenario_name:10} {phase:34} {equal + not_equal:5} {equal:6}")
    faults = [k for k in killed if k.fault]
    seconds = time.perf_counter() - begun
    print(f"{len(killed)} kills, {len(killed) - len(faults)} ended equal, in {seconds:.0f} s")
    for one in faults:
        print(f"{one.scenario} killed at {one.moment} ({one.phase}): {one.fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tsconv-faults-") as folder:
        sys.exit(main(Path(folder), sys.argv[1:] or list(RANDOM)))
