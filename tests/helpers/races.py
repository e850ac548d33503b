"""What a race begins with: untrained, with the validation origins that compare its candidates."""

from __future__ import annotations

from typing import NamedTuple

from tsconv.config.schema import TrainConfig
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.reading.table import Table
from tsconv.race.candidate import scored_part
from tsconv.race.structures import CandidateFactory
from tsconv.training.panel_cache import PanelCache
from tsconv.training.prepare import Prepared, check_config


class Beginning(NamedTuple):
    config: TrainConfig  # checked
    cache: PanelCache
    base: Prepared
    part: OriginRange
    table: Table

    def factory(self) -> CandidateFactory:
        return CandidateFactory(self.base, self.part, self.cache, self.table)


def beginning_of(config: TrainConfig, table: Table) -> Beginning:
    config, cache = check_config(config), PanelCache()
    base = cache.prepare(config, table)
    part = scored_part(base)
    assert part is not None
    return Beginning(config, cache, base, part, table)
