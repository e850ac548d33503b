"""What a training sets for the whole process is put back behind it."""

import logging
import warnings

from tsconv.training.step.process_settings import many_recompiles, quiet_lightning


def test_log_levels_and_warning_filters_are_put_back() -> None:
    logger = logging.getLogger("pytorch_lightning")
    level, filters = logger.level, list(warnings.filters)
    with quiet_lightning():
        assert logger.level == logging.ERROR
        assert list(warnings.filters) != filters
    assert logger.level == level
    assert list(warnings.filters) == filters


def test_the_limit_of_recompilations_is_put_back() -> None:
    import torch._dynamo.config as dynamo_config

    before = dynamo_config.recompile_limit
    with many_recompiles():
        assert dynamo_config.recompile_limit == 96
    assert dynamo_config.recompile_limit == before
