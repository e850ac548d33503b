"""The keys of the scripts for Ray."""

import re

import pytest

from tsconv.errors import ConfigError
from tsconv.ray_jobs.forecast import ray_forecast
from tsconv.ray_jobs.session import RaySettings, split_settings


def test_keys_of_ray_are_taken_out_of_the_overrides() -> None:
    settings, rest = split_settings(["ray.address=auto", "horizon=7", "ray.retries=1"])
    assert settings == RaySettings(address="auto", retries=1)
    assert rest == ["horizon=7"]


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("ray.adress=auto", "did you mean `ray.address`?"),
        ("ray.tasks=many", "must be a whole number"),
        ("ray.tasks=0", "`ray.tasks` (=0) must be at least 1"),
        ("ray.tasks=2.5", "`ray.tasks` (=2.5) must be a whole number"),
        ("ray.num_cpus=-1", "`ray.num_cpus` (=-1) must be at least 0"),
        ("ray.num_cpus=null", "`ray.num_cpus` (=null) must be a number"),
        ("ray.num_gpus=-0.5", "`ray.num_gpus` (=-0.5) must be at least 0"),
        ("ray.num_gpus=1.5", "`ray.num_gpus` (=1.5) must be a whole number where it is above 1"),
        ("ray.num_gpus=nan", "`ray.num_gpus` (=nan) must be at least 0"),
        ("ray.num_gpus=inf", "`ray.num_gpus` (=inf) must be at least 0, and below 1e+06"),
        ("ray.retries=-1", "`ray.retries` (=-1) must be at least 0"),
    ],
)
def test_a_wrong_key_is_named(override: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        split_settings([override])


@pytest.mark.parametrize("shards", [[], ["shards=3", "shard=1"]])
def test_a_forecast_needs_shards_and_makes_all_of_them(shards: list[str]) -> None:
    with pytest.raises(ConfigError, match="give `shards`, and no `shard`"):
        ray_forecast(["bundle=b", *shards])
