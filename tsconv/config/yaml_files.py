"""YAML files of others: read as plain values, with nothing looked up outside the config.

A file may name values (`${horizon}`), never a resolver (`${oc.env:HOME}`), which would read the
machine; its aliases may not expand to more than a person would write.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from omegaconf.grammar.gen.OmegaConfGrammarParser import OmegaConfGrammarParser
from omegaconf.grammar_parser import parse

from tsconv.config.messages import describe_error
from tsconv.errors import ConfigError, one_line
from tsconv.text import plural

SCHEME = "tsconv"  # of the folders whose files Hydra reads through this module
_LARGEST = 1_000_000  # bytes of a file
_MOST = 100_000  # keys and values, aliases written out
_RESOLVER = OmegaConfGrammarParser.InterpolationResolverContext


class CheckedSource(FileConfigSource):
    """A folder of `--config-dir`, as Hydra reads one, with each file checked before."""

    @staticmethod
    def scheme() -> str:
        """The scheme that stands in front of the folder in Hydra's search path."""
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        """Read a file; raises ConfigError for one that is not plain YAML."""
        path = Path(self.path) / self._normalize_file_name(config_path)
        if path.is_file():
            read_yaml(path)
        return super().load_config(config_path)


def search_path(folder: Path) -> str:
    """The override that adds a folder to those where Hydra looks for files.

    >>> search_path(Path("/conf"))
    'hydra.searchpath=[tsconv:///conf]'
    """
    SourcesRegistry.instance().register(CheckedSource)
    return f"hydra.searchpath=[{SCHEME}://{folder}]"


def read_yaml(path: Path) -> DictConfig | ListConfig:
    """The values of a YAML file; raises ConfigError, in one line, for anything but plain values.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "config.yaml"
    >>> _ = path.write_text("seed: !!python/object/apply:os.system [ls]")
    >>> read_yaml(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tsconv.errors.ConfigError: ... could not determine a constructor for the tag ...
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise ConfigError(f"{path}: {size:,} bytes are too many for a config")
        text = path.read_text(encoding="utf-8")
        expanded = _written_out(yaml.compose(text, Loader=yaml.SafeLoader), {})
        if expanded > _MOST:
            raise ConfigError(
                f"{path}: its aliases write out more than {plural(_MOST, 'value')}, too many for "
                f"a config"
            )
        return OmegaConf.load(path)
    except RecursionError as error:
        raise ConfigError(f"{path}: groups stand too deep in each other for a config") from error
    except OmegaConfBaseException as error:
        raise ConfigError(f"{path}: {describe_error(error)}") from error
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise ConfigError(f"{path} cannot be read: {one_line(error)}") from error


def _written_out(node: Any, known: dict[int, int]) -> int:
    """The nodes of a tree with each alias replaced by what it stands for; many for a loop."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = _MOST + 1  # until it is counted: an alias to a node that it stands in
    inner = (part for item in node.value for part in (item if type(item) is tuple else (item,)))
    known[id(node)] = 1 + sum(_written_out(part, known) for part in inner)
    return known[id(node)]


def require_no_resolvers(node: Any, prefix: str = "") -> None:
    """Raise ConfigError for the first value that looks up anything but another key.

    node: a config, or plain containers, before anything in it is looked up.

    >>> require_no_resolvers({"seed": "${horizon}", "horizon": 7})
    >>> require_no_resolvers({"run_dir": "${oc.env:HOME}"})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tsconv.errors.ConfigError: `run_dir` (=${oc.env:HOME}): a config looks up ...
    """
    if isinstance(node, DictConfig | ListConfig):
        node = OmegaConf.to_container(node, resolve=False)
    for key, text in _texts(node, prefix):
        if "${" in text and _names_a_resolver(text):
            raise ConfigError(
                f"`{key}` (={text[:80]}): a config looks up nothing but its own keys, such as "
                f"${{horizon}}; write the value itself, or let your shell fill it in"
            )


def _texts(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """Each text among the values of nested containers, with its key."""
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, dict):
        for name, value in node.items():
            own = f"{key}.{name}" if key else str(name)
            yield from _texts(value, own)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, key)


def _names_a_resolver(text: str) -> bool:
    """Whether a text has `${name:...}` anywhere, by OmegaConf's own grammar."""
    try:
        waiting = [parse(text)]
    except (OmegaConfBaseException, RecursionError):
        return True  # nothing can be looked up in it, and OmegaConf would say so in its own words
    while waiting:
        part = waiting.pop()
        if isinstance(part, _RESOLVER):
            return True
        waiting += getattr(part, "children", None) or ()
    return False
