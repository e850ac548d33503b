"""Whether a Ray cluster can be reached, and has room for a task: Ray itself would wait for it."""

from __future__ import annotations

import collections
import contextlib
import os
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tsconv.errors import ConfigError
from tsconv.text import plural

_CLIENT, _CLIENT_PORT = "ray://", 10001
_RETRY_SECONDS = 0.5
# Ray speaks gRPC, thus HTTP/2: the opening of a client, which the settings of a server answer.
_OPENING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_HEADER_BYTES, _SETTINGS = 9, 4


def require_answer(address: str, seconds: float) -> None:
    """Raise ConfigError where no Ray answers at an address within `seconds`.

    address: `host:port` or `ray://host:port`; `auto` for the cluster of this machine. One that Ray
    does not even try, since its form is wrong or there is no such cluster, is left to Ray.
    """
    place = _place(address)
    if place is None:
        return
    end = time.monotonic() + seconds
    while (fault := _fault_at(place, end)) is not None:
        if time.monotonic() + _RETRY_SECONDS > end:
            raise ConfigError(
                f"`ray.address` (={address}): no Ray cluster answers at {place[0]}:{place[1]} "
                f"within {seconds:.0f} s: {fault}"
            )
        time.sleep(_RETRY_SECONDS)


def _place(address: str) -> tuple[str, int] | None:
    """Host and port of an address.

    >>> _place("head:6379"), _place("ray://10.0.0.1"), _place("ray://[::1]:7000/x"), _place("local")
    (('head', 6379), ('10.0.0.1', 10001), ('::1', 7000), None)
    """
    if address == "auto":
        address = _address_of_this_machine() or ""
    text = address.removeprefix(_CLIENT).partition("/")[0]
    host, colon, port = text.rpartition(":")
    if address.startswith(_CLIENT) and not (colon and port.isdigit()):
        host, port = text, str(_CLIENT_PORT)
    return (host.strip("[]"), int(port)) if host and port.isdigit() else None


def _address_of_this_machine() -> str | None:
    """The address that `auto` stands for; it may be that of a cluster that has ended."""
    with contextlib.suppress(Exception):  # a private function, which may move
        from ray._private.services import canonicalize_bootstrap_address

        found = canonicalize_bootstrap_address("auto")
        return None if found is None else str(found)
    return None


def _fault_at(place: tuple[str, int], end: float) -> str | None:
    """Why no server of gRPC answers there; None where one does."""
    left = max(0.1, end - time.monotonic())
    try:
        with socket.create_connection(place, left) as connection:
            if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
                return None
            connection.sendall(_OPENING)
            header = connection.recv(_HEADER_BYTES)
    except OSError as error:
        return error.strerror or str(error)
    return None if header[3:4] == bytes([_SETTINGS]) else "what listens there is not Ray"


def require_room(machines: Sequence[Mapping[str, float]], num_cpus: float, num_gpus: float) -> None:
    """Raise ConfigError where no machine is large enough for a task, which would wait for ever.

    machines: the resources of each machine that the cluster has, or may start.

    >>> require_room([{"CPU": 8.0}, {"CPU": 2.0, "GPU": 1.0}], num_cpus=2, num_gpus=0.5)
    """
    needs = {"CPU": num_cpus, "GPU": num_gpus}
    if any(all(m.get(k, 0) >= n for k, n in needs.items()) for m in machines):
        return
    too_many = {
        k: n for k, n in needs.items() if all(m.get(k, 0) < n for m in machines)
    } or needs  # each is somewhere, but not both on one machine
    keys = " and ".join(f"`ray.num_{k.lower()}s` (={n:g})" for k, n in too_many.items())
    kinds = collections.Counter((m.get("CPU", 0), m.get("GPU", 0)) for m in machines)
    has = "; ".join(
        f"{plural(count, 'machine')} with {cpus:g} CPUs and {gpus:g} GPUs"
        for (cpus, gpus), count in kinds.most_common(5)
    )
    raise ConfigError(
        f"{keys}: no machine of the Ray cluster has room for such a task; it has "
        f"{has or 'no machines'}"
    )


def cluster_machines() -> list[dict[str, float]]:
    """The resources of each machine of the connected cluster, and of those it may start."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    machines = [dict(node["Resources"]) for node in nodes if node["Alive"]]
    with contextlib.suppress(Exception):  # private, and not there for a `ray://` connection
        config = ray._private.state.state.get_cluster_config()
        machines += [dict(group.resources) for group in config.node_group_configs]
    return machines
