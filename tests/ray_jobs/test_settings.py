"""The keys of the scripts for Ray."""

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
        ("ray.tasks=many", "must be a number"),
        ("ray.tasks=0", "must be at least 1"),
    ],
)
def test_a_wrong_key_is_named(override: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("?", r"\?")):
        split_settings([override])


@pytest.mark.parametrize("shards", [[], ["shards=3", "shard=1"]])
def test_a_forecast_needs_shards_and_makes_all_of_them(shards: list[str]) -> None:
    with pytest.raises(ConfigError, match="give `shards`, and no `shard`"):
        ray_forecast(["bundle=b", *shards])
