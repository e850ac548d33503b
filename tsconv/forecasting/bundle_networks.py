"""The networks of a bundle: their plain values in config.json, their tensors beside it.

A bundle of one network has its values as `net`. One of several has a list `networks` of values and
weights, and the tensors of each are named after its place there: `0.stem.weight`.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from tsconv.model.ensemble import EnsembleNet, Network
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec

ONE, SEVERAL = 1, 2  # formats; earlier versions read bundles of one network alone
# Submodules whose tensors have another name in files than in the network. Files are older than the
# attribute's name: so every version reads every bundle.
_NAMES_IN_FILES = {"covariates": "known"}


def format_of(net: Network) -> int:
    """The number of the format of a bundle with this network.

    >>> format_of(ForecastNet(NetSpec(horizon=3, context_length=8, hidden=4, levels=2)))
    1
    """
    return SEVERAL if isinstance(net, EnsembleNet) else ONE


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


def build_network(values: dict[str, Any], tensors: dict[str, Tensor]) -> Network:
    """Build what `network_values` and `network_tensors` describe, in evaluation mode on the CPU.

    values: config.json, whose format says which entry holds. Raises ConfigError, KeyError,
    TypeError, ValueError or RuntimeError where a value is missing or wrong, or does not go with the
    tensors.
    """
    if values["format"] == ONE:
        return _built(values["net"], tensors)
    entries = values["networks"]
    parts: list[dict[str, Tensor]] = [{} for _ in entries]
    for name, tensor in tensors.items():
        place, _, rest = name.partition(".")
        if not place.isdecimal() or int(place) >= len(parts):
            raise ValueError(
                f"tensor `{name}` belongs to none of the {len(parts)} networks in config.json"
            )
        parts[int(place)][rest] = tensor
    nets = [_built(entry["net"], part) for entry, part in zip(entries, parts, strict=True)]
    return EnsembleNet(nets, [entry["weight"] for entry in entries]).eval()


def _built(spec: dict[str, Any], tensors: dict[str, Tensor]) -> ForecastNet:
    net = ForecastNet(NetSpec.from_dict(spec))
    net.load_state_dict(names_in_network(tensors))
    return net.eval()


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
