"""Search for the best config on a Ray cluster; workers share one Optuna study.

    python scripts/ray_sweep.py data.path=sales.csv horizon=28 sweep.n_trials=200 \
        ray.address=auto ray.tasks=8 ray.num_gpus=1

The same line again goes on with the trials that are left. The keys ray.* are those of
tsconv/ray_jobs/session.py, all others those of `tsconv sweep`.
"""

from tsconv.cli import run_main
from tsconv.commands.run_commands import sweep_command
from tsconv.ray_jobs.sweep import ray_sweep

if __name__ == "__main__":
    run_main(lambda overrides: ray_sweep(overrides, sweep_command))
