"""Processes that torchrun, SLURM or variables started are told from processes of their own."""

import subprocess
import sys

import pytest

from tsconv.distributed.launcher import (
    LaunchedProcess,
    find_launcher,
    first_host,
    tasks_per_machine,
)
from tsconv.errors import ConfigError

BY_HAND = {
    "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "node1", "MASTER_PORT": "29500",
}  # fmt: skip
TORCHRUN = {**BY_HAND, "TORCHELASTIC_RUN_ID": "none"}
# The sixth of seven tasks, on the third of four machines.
SRUN = {
    "SLURM_JOB_ID": "42", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "7",
    "SLURM_STEP_TASKS_PER_NODE": "2(x3),1", "SLURM_STEP_NODELIST": "node[017-019],login1",
    "SLURM_PROCID": "5", "SLURM_LOCALID": "1", "SLURM_NODEID": "2",
}  # fmt: skip


def srun(**variables: str) -> LaunchedProcess:
    process = find_launcher({**SRUN, **variables})
    assert process is not None
    return process


def test_torchrun_and_variables_set_by_hand_say_the_same() -> None:
    assert find_launcher(TORCHRUN) == LaunchedProcess("torchrun", 3, 4, 1, 2, "node1", 29500)
    assert find_launcher(BY_HAND) == LaunchedProcess("the launcher", 3, 4, 1, 2, "node1", 29500)


def test_a_step_of_srun_is_described_by_slurms_variables() -> None:
    process = srun()
    assert process == LaunchedProcess("srun", 5, 7, 1, 2, "node017", process.port)


def test_machines_may_have_different_numbers_of_tasks() -> None:
    machines = [0, 0, 1, 1, 2, 2, 3]
    found = [
        srun(SLURM_PROCID=str(rank), SLURM_LOCALID="0", SLURM_NODEID=str(machine))
        for rank, machine in enumerate(machines)
    ]
    assert [process.rank for process in found] == list(range(7))
    assert [process.local_world_size for process in found] == [2, 2, 2, 2, 2, 2, 1]


def test_all_tasks_of_a_step_meet_at_one_port_and_those_of_another_step_elsewhere() -> None:
    first = srun(SLURM_PROCID="0", SLURM_LOCALID="0", SLURM_NODEID="0")
    assert first.port == srun().port
    steps = {srun(SLURM_STEP_ID=str(step)).port for step in range(20)}
    jobs = {srun(SLURM_JOB_ID=str(job)).port for job in range(20)}
    assert len(steps) == len(jobs) == 20
    # Below 32768, from where on Linux gives out ports itself.
    assert all(1024 < port < 32768 for port in steps | jobs)


def test_address_and_port_can_be_given_under_slurm() -> None:
    process = srun(MASTER_ADDR="10.0.0.1", MASTER_PORT="5000")
    assert (process.address, process.port) == ("10.0.0.1", 5000)


def test_torchrun_inside_a_step_of_srun_counts() -> None:
    assert find_launcher({**SRUN, **TORCHRUN}) == find_launcher(TORCHRUN)


BATCH_SCRIPT = {"SLURM_JOB_ID": "42", "SLURM_NTASKS": "8", "SLURM_PROCID": "0", "SLURM_NODEID": "0"}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {**TORCHRUN, "RANK": "0", "WORLD_SIZE": "1"},
        {"WORLD_SIZE": "1"},
        {**SRUN, **TORCHRUN, "RANK": "0", "WORLD_SIZE": "1"},
        BATCH_SCRIPT,
        {**BATCH_SCRIPT, "SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "64"},
        {**SRUN, "SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_TASKS_PER_NODE": "1"},
        {"LOCAL_RANK": "0", "MASTER_ADDR": "node1", "MASTER_PORT": "29500"},
    ],
    ids=["nothing", "torchrun", "a world of one", "torchrun in a step", "batch script", "array",
         "srun", "an address alone"],
)  # fmt: skip
def test_one_process_is_a_process_of_its_own(variables: dict[str, str]) -> None:
    assert find_launcher(variables) is None


@pytest.mark.parametrize("source", [TORCHRUN, SRUN], ids=["torchrun", "srun"])
def test_a_variable_that_is_missing_or_empty_is_named(source: dict[str, str]) -> None:
    optional = {"SLURM_JOB_ID", "SLURM_STEP_ID", "TORCHELASTIC_RUN_ID", "SLURM_STEP_NUM_TASKS"}
    for key in set(source) - optional:
        for variables in ({k: v for k, v in source.items() if k != key}, {**source, key: " "}):
            with pytest.raises(ConfigError, match=rf"are set, {key} is not|is set, {key} is not"):
                find_launcher(variables)


def test_several_missing_variables_are_named_together() -> None:
    with pytest.raises(ConfigError) as raised:
        find_launcher({"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "node1"})
    assert str(raised.value) == (
        "RANK and WORLD_SIZE are set, LOCAL_RANK, LOCAL_WORLD_SIZE and MASTER_PORT are not: start "
        "the command by torchrun, or unset RANK and WORLD_SIZE"
    )


@pytest.mark.parametrize(
    ("source", "key", "value", "says"),
    [
        (TORCHRUN, "RANK", "x", "RANK (=x) must be a whole number"),
        (TORCHRUN, "RANK", "4", "RANK (=4) must be at least 0 and below WORLD_SIZE (=4)"),
        (TORCHRUN, "RANK", "-1", "RANK (=-1) must be at least 0"),
        (TORCHRUN, "WORLD_SIZE", "0", "below WORLD_SIZE (=0)"),
        (TORCHRUN, "LOCAL_RANK", "2", "LOCAL_RANK (=2) must be at least 0 and below LOCAL"),
        (TORCHRUN, "LOCAL_WORLD_SIZE", "5", "(=5) must be at most WORLD_SIZE (=4)"),
        (TORCHRUN, "MASTER_PORT", "70000", "MASTER_PORT (=70000) must be from 1 to 65535"),
        (SRUN, "MASTER_PORT", "0", "MASTER_PORT (=0) must be from 1 to 65535"),
        (SRUN, "SLURM_STEP_NUM_TASKS", "x", "SLURM_STEP_NUM_TASKS (=x) must be a whole number"),
        (SRUN, "SLURM_STEP_NUM_TASKS", "8", "(=8) must be the sum of SLURM_STEP_TASKS_PER_NODE"),
        (SRUN, "SLURM_PROCID", "7", "SLURM_PROCID (=7) must be at least 0 and below"),
        (SRUN, "SLURM_LOCALID", "2", "SLURM_LOCALID (=2) must be at least 0 and below the"),
        (SRUN, "SLURM_NODEID", "x", "SLURM_NODEID (=x) must be a whole number"),
        (SRUN, "SLURM_NODEID", "4", "SLURM_NODEID (=4) must be at least 0 and below the number of"),
        (SRUN, "SLURM_NODEID", "-1", "SLURM_NODEID (=-1) must be at least 0"),
        (SRUN, "SLURM_STEP_TASKS_PER_NODE", "2(x3", "TASKS_PER_NODE (=2(x3) cannot be read"),
        (SRUN, "SLURM_STEP_NODELIST", "node[1-", "SLURM_STEP_NODELIST (=node[1-) cannot be read"),
    ],
)  # fmt: skip
def test_contradictions_are_one_line(
    source: dict[str, str], key: str, value: str, says: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        find_launcher({**source, key: value})
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("node17", "node17"),
        ("b,a", "b"),
        ("node[017-020,33],login1", "node017"),
        ("node[33,017-020]", "node33"),
        ("node[0001]", "node0001"),
        ("login1,node[017-020]", "login1"),
        ("rack[1-2]n[05-06],x", "rack1n05"),
        ("gpu-a[01-02]-ib.site.org", "gpu-a01-ib.site.org"),
    ],
)
def test_the_first_machine_of_a_list(nodes: str, first: str) -> None:
    assert first_host(nodes) == first


@pytest.mark.parametrize(
    "nodes", ["", ",a", "[", "node[", "node[a-b]", "node[1-2", "node]1", "a b"]
)
def test_a_list_of_machines_that_cannot_be_read(nodes: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        first_host(nodes)


def test_tasks_of_machines() -> None:
    assert tasks_per_machine("4") == [(4, 1)]
    assert tasks_per_machine("1,2(x3),1") == [(1, 1), (2, 3), (1, 1)]
    # A number of machines costs no memory.
    assert tasks_per_machine("1(x999999999)") == [(1, 999999999)]
    for text in ("", "x", "2(3)", "2(x)", "2(x1", "-1", "2,,1"):
        with pytest.raises(ConfigError, match="cannot be read"):
            tasks_per_machine(text)


def test_learning_of_a_launcher_does_not_import_torch() -> None:
    code = (
        "import sys, tsconv.distributed.launcher as launcher; launcher.find_launcher({}); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
