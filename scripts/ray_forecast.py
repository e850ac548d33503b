"""Forecast millions of series on a Ray cluster, a task for each shard.

    python scripts/ray_forecast.py bundle=runs/.../bundle data.path=sales.parquet \
        output=forecast.parquet shards=64 ray.address=auto ray.num_cpus=2

Without ray.address, Ray is started on this machine for the time of the script. The keys ray.* are
those of tsconv/ray_jobs/session.py, all others those of `tsconv forecast`.
"""

from tsconv.cli import run_main
from tsconv.ray_jobs.forecast import ray_forecast

if __name__ == "__main__":
    run_main(ray_forecast)
