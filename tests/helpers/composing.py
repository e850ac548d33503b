"""Configs of one choice of groups are read and merged once for all tests of a process.

Composing a config takes a quarter of a second, most of it the files of `conf/` and of Hydra itself,
which are the same each time; tests compose thousands. Overrides of values are applied by Hydra to a
copy. A command in a process of its own composes as a user's does.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Hashable
from typing import Any

from hydra._internal import config_loader_impl
from hydra._internal.defaults_list import DefaultsList, Overrides, create_defaults_list
from omegaconf import DictConfig

from tests.helpers.paths import ROOT

_FIXED = {"hydra", "schema"}  # the sources that come with Hydra

_lists: dict[Hashable, DefaultsList] = {}
_merged: dict[Hashable, bytes] = {}


def compose_once() -> None:
    """Let Hydra remember what it read and merged of the repository's `conf/`."""
    loader = config_loader_impl.ConfigLoaderImpl
    config_loader_impl.create_defaults_list = _defaults_list
    loader._compose_config_from_defaults_list = _merge_once(
        loader._compose_config_from_defaults_list
    )


def _is_ours(repo: Any) -> bool:
    """Whether all files that a config is made of stay as they are: none of a folder of a test."""
    conf = str(ROOT / "conf")
    return all(s.provider in _FIXED or s.path == conf for s in repo.get_sources())


def _defaults_list(
    repo: Any, config_name: str, overrides_list: list[Any], **how: Any
) -> DefaultsList:
    if not _is_ours(repo):
        return create_defaults_list(repo, config_name, overrides_list, **how)
    given = Overrides(repo, overrides_list)
    groups = (given.override_choices, given.append_group_defaults, given.deletions)
    key = (config_name, repr(groups), repr(how))
    if key not in _lists:
        _lists[key] = create_defaults_list(repo, config_name, overrides_list, **how)
    found = _lists[key]
    return DefaultsList(
        found.defaults, found.defaults_tree, given.config_overrides, found.overrides
    )


def _merge_once(merge: Callable[..., DictConfig]) -> Callable[..., DictConfig]:
    def merged(self: Any, defaults: list[Any], repo: Any) -> DictConfig:
        if not _is_ours(repo):
            return merge(self, defaults, repo)
        key = repr(defaults)
        if key not in _merged:
            _merged[key] = pickle.dumps(merge(self, defaults, repo))
        return pickle.loads(_merged[key])  # a copy, in a quarter of deepcopy's time

    return merged
