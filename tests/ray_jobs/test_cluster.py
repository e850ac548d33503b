"""What a cluster has, and where none answers; without Ray."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tsconv.errors import ConfigError
from tsconv.ray_jobs import session
from tsconv.ray_jobs.cluster import require_answer, require_room
from tsconv.ray_jobs.session import RaySettings, ray_session

LARGE, GPU = {"CPU": 8.0, "memory": 1e9}, {"CPU": 2.0, "GPU": 1.0}


@pytest.mark.parametrize(
    ("machines", "cpus", "gpus"),
    [([LARGE], 8, 0), ([LARGE, GPU], 2, 1), ([GPU], 0, 0.25), ([{}], 0, 0)],
)
def test_one_machine_with_room_is_enough(
    machines: list[Mapping[str, float]], cpus: float, gpus: float
) -> None:
    require_room(machines, cpus, gpus)


@pytest.mark.parametrize(
    ("machines", "cpus", "gpus", "says"),
    [
        (
            [LARGE, LARGE, GPU], 1, 2,
            "`ray.num_gpus` (=2): no machine of the Ray cluster has room for such a task; "
            "it has 2 machines with 8 CPUs and 0 GPUs; 1 machine with 2 CPUs and 1 GPUs",
        ),
        ([LARGE, GPU], 4, 0.5, "`ray.num_cpus` (=4) and `ray.num_gpus` (=0.5): no machine"),
        ([LARGE], 9, 0, "`ray.num_cpus` (=9): no machine"),
        ([], 1, 0, "it has no machines"),
    ],
)  # fmt: skip
def test_what_is_too_much_is_said_with_what_there_is(
    machines: list[Mapping[str, float]], cpus: float, gpus: float, says: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        require_room(machines, cpus, gpus)


@contextmanager
def server(answer: bytes | None) -> Iterator[str]:
    """The address of a server that says something to whoever connects; None: it is silent."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                open_connections.append(connection)
                connection.recv(100)
                if answer is not None:
                    connection.sendall(answer)

        open_connections: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    for connection in open_connections:
        connection.close()


@pytest.mark.parametrize("before", ["", "ray://"])
def test_a_server_of_grpc_answers_with_its_settings(before: str) -> None:
    with server(b"\0\0\6\4\0\0\0\0\0") as address:
        require_answer(before + address, 5)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what listens there is not Ray"),
        (None, "timed out"),
    ],
)
def test_another_server_is_no_cluster(answer: bytes | None, says: str) -> None:
    with (
        server(answer) as address,
        pytest.raises(ConfigError, match=rf"\(={address}\): no Ray cluster answers at.*{says}$"),
    ):
        require_answer(address, 0.3)


def test_an_address_where_nobody_listens_is_one_line_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    monkeypatch.setattr(session, "_ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    says = rf"^`ray\.address` \(={address}\): no Ray .* within 0 s: Connection refused$"
    with pytest.raises(ConfigError, match=says), ray_session(RaySettings(address=address)):
        pass


@pytest.mark.parametrize("address", ["local", "nonsense", "head:port"])
def test_what_ray_does_not_try_is_left_to_it(address: str) -> None:
    require_answer(address, 0.1)
