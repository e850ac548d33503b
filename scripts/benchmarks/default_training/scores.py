"""One case: a training as a user would run it, and its figures beside those of the others."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from default_training.cases import Case
from default_training.published import best_published
from default_training.statistical import sample_origins, score_model, statistical_models

from tsconv.config.compose import train_config
from tsconv.config.schema import TrainConfig
from tsconv.evaluation.scoring import evaluate
from tsconv.forecasting.match import encode_panel
from tsconv.output.remarks import error_name
from tsconv.training.panel_cache import PanelCache
from tsconv.training.run import TrainResult, train

FIGURES = (
    "scaled_mse", "scaled_mae", "mase", "smape", "wql", "coverage_80", "mse", "mae", "n_origins",
)  # fmt: skip
# A benchmark throws the run folder away, and looks at nothing that is trained after scoring.
_QUIET = ("plots=false", "callbacks.progress=false", "callbacks.checkpoints=false", "logger=none")
_NO_REFIT = ("refit=false",) if "refit" in {f.name for f in dataclasses.fields(TrainConfig)} else ()
Scores = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """With what a case is compared, besides the simple forecasts that training scores itself."""

    anchors: Path | None = None  # folder of published results
    fits: int = 100  # of each statistical model in a case
    history: int = 1000  # steps that a statistical model is fitted to


def run_case(
    case: Case,
    seed: int,
    overrides: Sequence[str],
    cache: PanelCache,
    folder: Path,
    comparison: Comparison,
) -> Scores:
    """Train and score a case in `folder`; what fails is in the scores as `error`."""
    scores: Scores = {"case": case.name, "seed": seed}
    begun = time.perf_counter()
    try:
        path = case.data_path(folder)
        keys = (f"data.path='{path}'", f"run_dir={folder / 'run'}", f"seed={seed}", *_QUIET)
        config = train_config([*keys, *_NO_REFIT, *case.overrides, *overrides])
        scores["seed"] = config.seed
        result = train(config, panel_cache=cache)
        scores |= scores_of(result.metrics)
        scores["seconds"] = time.perf_counter() - begun
        if case.published is not None and comparison.anchors is not None:
            best = best_published(comparison.anchors, *case.published)
            scores |= {f"published_{name}": value for name, value in best.items()}
            main = "scaled_mse" if "scaled_mse" in best else "mase"
            scores["to_published"] = _ratio(scores[main], best.get(main))
        scores |= statistical_scores(result, config, cache, comparison)
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        scores["error"] = f"{type(error).__name__}: {lines[0]}"
    return scores


def scores_of(metrics: Mapping[str, Any]) -> Scores:
    """The figures of a metrics.json on its test part, flat, with ratios to the simple forecasts."""
    test = metrics["test"]
    if test is None:
        raise ValueError("no test part: the series are too short to hold out a horizon")
    name, simple, rival = error_name(metrics), test["baselines"], metrics["rival"]
    scores: Scores = {figure: test.get(figure) for figure in FIGURES}
    for key, part in (("rival", simple[rival]), ("seasonal_naive", simple["seasonal_naive"])):
        scores |= {f"{key}_{figure}": part.get(figure) for figure in FIGURES[:-1]}
        scores[f"to_{key}"] = _ratio(test[name], part[name])
        scores[f"to_{key}_mse"] = _ratio(test.get("scaled_mse"), part.get("scaled_mse"))
    closest = min((part[name], key) for key, part in simple.items())
    return scores | {
        "rival": rival,
        "best_simple": closest[1],
        "to_best_simple": _ratio(test[name], closest[0]),
        "train_seconds": metrics["train_seconds"],
        "race": describe_race(metrics.get("race")),
    }


def describe_race(race: Any) -> str:
    """What a race chose, in one line: its key `chosen`, or all that metrics.json says of it.

    >>> describe_race({"chosen": "model=linear", "seconds": 58.0}), describe_race(None)
    ('model=linear', '')
    """
    if isinstance(race, Mapping):
        race = race.get("chosen", race)
    return "" if race is None else race if isinstance(race, str) else json.dumps(race)


def statistical_scores(
    result: TrainResult, config: TrainConfig, cache: PanelCache, comparison: Comparison
) -> Scores:
    """MASE of AutoETS and AutoTheta, and that of the network and its rival at the same origins."""
    prepared = cache.prepare(dataclasses.replace(config, run_dir=None))
    models = statistical_models(prepared.season) if comparison.fits > 0 else {}
    test = prepared.split.test
    if not models or test is None or _was_refitted(config):
        return {}
    # Encoded as the bundle has it: a race may have chosen another calendar than the config.
    panel = encode_panel(result.bundle, cache.panel(config))
    members = len(panel.targets) * panel.n_rows
    origins = sample_origins(test, members, comparison.fits, prepared.season)
    ours, simple = evaluate(result.bundle.net, panel, origins, prepared.scale, prepared.baselines)
    scores: Scores = {
        "sampled_stride": origins.stride,
        "sampled_series": int((origins.counts > 0).sum()),
        "sampled_origins": int(origins.counts.sum()) * members,
        "sampled_mase": ours.result()["mase"],
        "sampled_rival_mase": simple[result.metrics["rival"]].result()["mase"],
    }
    for name, model in models.items():
        begun = time.perf_counter()
        scores[f"{name}_mase"] = score_model(
            model, panel, origins, prepared.scale, config.horizon, comparison.history
        )
        scores[f"to_{name}"] = _ratio(scores["sampled_mase"], scores[f"{name}_mase"])
        scores[f"{name}_seconds"] = time.perf_counter() - begun
    return scores


def _was_refitted(config: TrainConfig) -> bool:
    """Whether the bundle may have been trained on the test part."""
    return str(getattr(config, "refit", "false")).lower() != "false"


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None
