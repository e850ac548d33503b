"""The networks of a bundle: their plain values in config.json, their tensors beside it.

A bundle of one network has its values as `net`. One of several has a list `networks` of values and
weights, and the tensors of each are named after its place there: `0.stem.weight`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tsconv.errors import BundleError
from tsconv.forecasting.bundles.checks import entry, require_keys, shown
from tsconv.forecasting.bundles.tensor_file import Entry, TensorFile, require_tensors
from tsconv.model.ensemble import EnsembleNet, Network
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec

WEIGHTS = "model.safetensors"
_T = TypeVar("_T")
# Submodules whose tensors have another name in files than in the network. Files are older than the
# attribute's name: so every version reads every bundle.
_NAMES_IN_FILES = {"covariates": "known"}
_SLACK = 1_000_000  # numbers that a network may make beside its tensors, while it is built


def network_values(net: Network) -> dict[str, Any]:
    """The entry of config.json that says what the network is, or what all of them are.

    >>> net = ForecastNet(NetSpec(horizon=3, context_length=8, hidden=4, levels=2))
    >>> network_values(net)["net"]["horizon"]
    3
    >>> [one["weight"] for one in network_values(EnsembleNet([net, net]))["networks"]]
    [1.0, 1.0]
    """
    if not isinstance(net, EnsembleNet):
        return {"net": net.spec.as_dict()}
    pairs = zip(net.members, net.weights, strict=True)
    return {"networks": [{"weight": w, "net": n.spec.as_dict()} for n, w in pairs]}


def network_tensors(net: Network) -> dict[str, Tensor]:
    """The tensors of model.safetensors, on the CPU, by their names there.

    >>> net = ForecastNet(NetSpec(horizon=3, context_length=8, hidden=4, levels=2))
    >>> "stem.weight" in network_tensors(net), "1.stem.weight" in network_tensors(
    ...     EnsembleNet([net, net])
    ... )
    (True, True)
    """
    if isinstance(net, EnsembleNet):
        parts = enumerate(network_tensors(member) for member in net.members)
        return {f"{i}.{name}": tensor for i, part in parts for name, tensor in part.items()}
    return names_in_files({k: v.detach().cpu().contiguous() for k, v in net.state_dict().items()})


def read_network(values: Mapping[str, Any], path: Path, checksum: str | None) -> Network:
    """Build what config.json describes, in evaluation mode on the CPU, with its tensors.

    values: of config.json, with `net` or `networks`. path: of model.safetensors; checksum: its
    SHA-256, None where the format has none. Nothing is built that the file has no tensors for.
    Raises OSError, BundleError, and ConfigError, TypeError, ValueError or RuntimeError for values
    that no network has.
    """
    if ("net" in values) == ("networks" in values):
        raise BundleError("config.json must have either `net` or `networks`")
    with TensorFile(path) as file:
        if "net" in values:
            net = _built(entry(values, "net", dict), file.entries)
            _give(net, file.read(checksum))
            return net.eval()
        listed = entry(values, "networks", list)
        parts = _by_network(file.entries, len(listed))
        nets, weights = [], []
        for i, one in enumerate(listed):
            values_of_one = one if isinstance(one, dict) else {}
            require_keys(values_of_one, ("weight", "net"), f"networks.{i}")
            weights.append(entry(values_of_one, "weight", float, f"networks.{i}"))
            spec = entry(values_of_one, "net", dict, f"networks.{i}")
            nets.append(_built(spec, parts[i], f"network {i}"))
        for net, part in zip(nets, _by_network(file.read(checksum), len(nets)), strict=True):
            _give(net, part)
    return EnsembleNet(nets, weights).eval()


def _by_network(named: Mapping[str, _T], count: int) -> list[dict[str, _T]]:
    """What is named `0.stem.weight`, by the number of the network and the rest of the name."""
    parts: list[dict[str, _T]] = [{} for _ in range(count)]
    for name, one in named.items():
        place, _, rest = name.partition(".")
        if not place.isascii() or not place.isdecimal() or len(place) > 6 or int(place) >= count:
            raise BundleError(
                f"{WEIGHTS}: tensor `{shown(name)}` belongs to none of the {count} networks in "
                f"config.json"
            )
        parts[int(place)][rest] = one
    return parts


def _built(
    values: dict[str, Any], entries: Mapping[str, Entry], whose: str = "the network"
) -> ForecastNet:
    """A network without its weights, which fits the tensors of a file."""
    spec = NetSpec.from_dict(values)
    if spec.stack and spec.levels * spec.stacks > len(entries):  # each level has tensors of its own
        raise BundleError(
            f"{WEIGHTS} has {len(entries)} tensors, too few for `levels` (={spec.levels}) and "
            f"`stacks` (={spec.stacks}) of {whose} in config.json"
        )
    n_numbers = sum(math.prod(one.shape) for one in entries.values())
    with _WithoutWeights(4 * n_numbers + _SLACK, whose):
        net = ForecastNet(spec)
    require_tensors(entries, names_in_files(net.state_dict()), WEIGHTS, whose)
    return net


def _give(net: ForecastNet, tensors: Mapping[str, Tensor]) -> None:
    """Let a network have the tensors of a file, as they are: nothing is copied."""
    net.load_state_dict(names_in_network(dict(tensors)), assign=True)


class _WithoutWeights(TorchFunctionMode):
    """Builds networks whose weights are about to be replaced: none are drawn, few are stored.

    Memory is only taken of the machine when it is written to. So this costs little even where a
    network is large, and leaves the process's random state as it is.

    most: numbers that may be asked for; BundleError beyond it, before they are made.
    """

    _MADE = (torch.empty, torch.zeros, torch.ones, torch.full, torch.randn, torch.rand)
    _DRAWN = (
        torch.Tensor.uniform_, torch.Tensor.normal_,
        nn.init.uniform_, nn.init.normal_, nn.init.kaiming_uniform_,
    )  # fmt: skip

    def __init__(self, most: int, whose: str) -> None:
        super().__init__()
        self.left, self.most, self.whose = most, most, whose

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func in self._DRAWN:
            return args[0] if args else (kwargs or {})["tensor"]
        if func in self._MADE:
            of_full = args[:1] if func is torch.full else args
            self._count(math.prod(_flat([*of_full, (kwargs or {}).get("size", ())])))
        elif func is torch.arange:
            self._count(max((abs(n) for n in _flat(args)), default=0))
        return func(*args, **(kwargs or {}))

    def _count(self, numbers: float) -> None:
        self.left -= int(numbers)
        if self.left < 0:
            raise BundleError(
                f"config.json asks for {self.whose} of another size than the tensors in {WEIGHTS}: "
                f"it would take more than {self.most:,} numbers"
            )


def _flat(values: Sequence[Any]) -> list[float]:
    """The numbers in some arguments, also those in tuples."""
    out: list[float] = []
    for value in values:
        if isinstance(value, (list, tuple)):
            out += _flat(value)
        elif isinstance(value, (int, float)):
            out.append(value)
    return out


def names_in_files(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a network's state dict to their names in `model.safetensors`.

    >>> import torch
    >>> list(names_in_files({"covariates.enter.weight": torch.zeros(1)}))
    ['known.enter.weight']
    """
    return _renamed(tensors, _NAMES_IN_FILES)


def names_in_network(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename tensors from their names in `model.safetensors` to those of a network's state dict.

    >>> import torch
    >>> list(names_in_network({"known.enter.weight": torch.zeros(1)}))
    ['covariates.enter.weight']
    """
    return _renamed(tensors, {theirs: ours for ours, theirs in _NAMES_IN_FILES.items()})


def _renamed(tensors: dict[str, Tensor], names: dict[str, str]) -> dict[str, Tensor]:
    """Replace the first part of each name, up to its first dot."""
    parts = ((name.partition("."), tensor) for name, tensor in tensors.items())
    return {f"{names.get(first, first)}{dot}{rest}": v for (first, dot, rest), v in parts}
