"""The typed shape of the configuration: one class a group of `conf/`. Standard library only.

The values and their explanations stand in the YAML files of `conf/`; these classes say which keys
exist and of what type they are. `None` in a key that allows it means "choose it from the data", see
training/defaults/resolve.py.
"""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass
class DataConfig:
    """Where the data lie and which role each column has; see conf/data/default.yaml."""

    path: str | None = None
    time: Any = "ds"  # a column name, or a list of them
    id: Any = "unique_id"  # a column name, a list of them, or None
    id_from_file: str | None = None
    row: str | None = None
    row_from_file: str | None = None
    target: Any = None  # a column name, a list of them, or None
    target_position: int | None = None
    past_covariates: Any = None  # a column name or {name, delay}, a list of them, or None
    future_covariates: Any = None  # a column name, a list of them, or None
    static_covariates: Any = None
    categories: Any = None
    future_path: str | None = None
    wide_columns_are: str | None = None
    freq: str | None = None
    sep: str = ","
    decimal: str = "."
    thousands: str | None = None
    sheet: str | None = None
    encoding: str = "utf-8"
    na_values: list[str] = dataclasses.field(default_factory=list)
    bad_values: str = "error"
    time_format: str | None = None
    time_unit: str | None = None
    timezone: str | None = None
    times_are: str = "local"
    duplicates: str = "error"
    gaps: str = "mask"
    max_bytes: int | None = None
    cache: Any = "auto"  # "auto", or a truth value
    cache_dir: str | None = None
    allow_shift: bool = False
    lower: Any = "auto"  # a number, {name: number}, "auto" or None
    upper: Any = None
    origins_per_chunk: int | None = None
    chunks_per_batch: int | None = None


@dataclasses.dataclass
class SplitConfig:
    """Sizes in steps at the end of each series; see conf/split/default.yaml."""

    train_size: int | None
    val_size: int | None
    test_size: int | None
    test_stride: int | None = None
    val_stride: int | None = None
    val_origins: int | None = 100_000


@dataclasses.dataclass
class ModelConfig:
    """The network; see conf/model/tcn.yaml."""

    hidden: int | None
    kernel_size: int
    levels: int | None
    stacks: int
    dropout: float
    activation: str
    norm: str
    expansion: int
    gated: bool
    skip: bool
    weight_norm: bool
    linear: bool
    linear_start: str
    stack: bool
    rows: str
    cross_row: str
    series: str
    maps: str | None
    channels: str | None


@dataclasses.dataclass
class HeadConfig:
    """What is forecast and by which loss; see conf/head/."""

    kind: str
    quantiles: list[float] | None
    loss: str
    loss_scale: str
    zero_inflated: bool = False


@dataclasses.dataclass
class FeaturesConfig:
    """Inputs made from the series itself; see conf/features/default.yaml."""

    seasonal_lags: list[int] | None
    calendar: Any  # None, "auto" or a list of names
    smooth: list[float]
    slope: list[float]


@dataclasses.dataclass
class ConformalConfig:
    """How intervals are calibrated; see conf/conformal/."""

    kind: str


@dataclasses.dataclass
class OptimizerConfig:
    """See conf/optimizer/adamw.yaml."""

    name: str
    lr: float
    weight_decay: float
    row_decay: float
    row_lr: float | None
    linear_lr: float | None
    betas: list[float]


@dataclasses.dataclass
class SchedulerConfig:
    """See conf/scheduler/."""

    name: str
    warmup: float


@dataclasses.dataclass
class CallbacksConfig:
    """See conf/callbacks/default.yaml."""

    ema_decay: float
    patience: int | None
    weights: str
    weights_tolerance: float
    checkpoints: bool
    progress: bool


@dataclasses.dataclass
class LoggerConfig:
    """See conf/logger/."""

    name: str


@dataclasses.dataclass
class PortfolioConfig:
    """What a race compares; see conf/portfolio/default.yaml."""

    contexts: list[Any]
    sharing: dict[str, Any]
    training: dict[str, Any]
    variations: dict[str, Any]


@dataclasses.dataclass
class TrainConfig:
    """Everything that `tsconv train` takes; see conf/train.yaml."""

    horizon: int
    context_length: int | None
    seed: int
    run_dir: str | None
    resume: str | None
    deterministic: bool
    compile: str
    precision: str
    threads: int | None
    budget: str | None
    ensemble: str
    refit: str
    point: str
    report: str | None
    plots: bool
    dry_run: bool
    data: DataConfig
    split: SplitConfig
    model: ModelConfig
    head: HeadConfig
    features: FeaturesConfig
    conformal: ConformalConfig
    optimizer: OptimizerConfig
    scheduler: SchedulerConfig
    trainer: dict[str, Any]
    callbacks: CallbacksConfig
    logger: LoggerConfig
    portfolio: PortfolioConfig


@dataclasses.dataclass
class SweepConfig:
    """How a sweep runs; see conf/sweep/default.yaml."""

    n_trials: int
    timeout: str | None
    workers: int
    sampler: str
    pruner: str | None
    objectives: list[str]
    seed: int
    baseline: bool
    storage: str | None
    study: str | None
    heartbeat: int
    retries: int
    refit: bool


@dataclasses.dataclass
class ForecastConfig:
    """Everything that `tsconv forecast` takes; see conf/forecast.yaml."""

    bundle: str
    output: str
    template: str | None
    plot: str | None
    plot_series: int
    report: str | None
    batch_size: int
    device: str
    data: dict[str, Any]
    devices: Any = 1  # a number, or auto
    escape_formulas: bool = False
    overwrite: bool = False
    columns: str = "file"  # or nixtla
    horizon: int | None = None
    start: Any = None  # a time, as the file has them
    last: Any = None
    series: Any = None  # an id, or a list of them
    levels: Any = None  # per cents of the intervals
    conformal: str | None = None
    point: str | None = None
    components: bool = False  # a column for each part of the median
    shards: int | None = None  # parts of the series; None: no parts
    shard: int | None = None  # the only part to make
    aggregate: Any = None  # a name of sums, or a list of them
    samples: int | None = None  # sample paths to write
    seed: int = 0  # of the sample paths


@dataclasses.dataclass
class BacktestSettings:
    """What a backtest does beside scoring; see conf/backtest/default.yaml."""

    refit_every: int | None
    statistical_stride: int | None


@dataclasses.dataclass
class BacktestConfig:
    """Everything that `tsconv backtest` takes; see conf/backtest.yaml."""

    bundle: str
    data: dict[str, Any]
    backtest: BacktestSettings
    run_dir: str | None
    plots: bool
    device: str
    threads: int | None
    stride: int
    horizon: int | None
    forecasts: str | None
    report: str | None
    components: bool
    overwrite: bool
    start: Any = None  # a time, as the file has them
    last: Any = None
    series: Any = None  # an id, or a list of them
    levels: Any = None  # per cents of the intervals
    conformal: str | None = None
    point: str | None = None


@dataclasses.dataclass
class RunsConfig:
    """Everything that `tsconv runs` takes; see conf/runs.yaml."""

    dir: str
    yes: bool


@dataclasses.dataclass
class MergeConfig:
    """Everything that `tsconv merge` takes; see conf/merge.yaml."""

    output: str
    shards: int
    parts: str = "keep"  # or delete
    overwrite: bool = False
