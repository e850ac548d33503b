"""A bundle whose network differs by series: a file's series find their numbers by their ids."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.networks import random_net
from tests.helpers.runs import forecast, run
from tsconv.config.schema import DataConfig
from tsconv.data.batches.split import split_panel
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError, DataError
from tsconv.evaluation.scoring import evaluate, training_scale
from tsconv.forecasting.bundles.bundle import load_bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.match import training_row_index
from tsconv.notes import NoteKind
from tsconv.training.run import TrainResult


def trained(folder: Path, frame: pd.DataFrame | None = None, **keys: object) -> TrainResult:
    return run(folder, frame, **{"trainer__max_steps": 10, "model__levels": 2, **keys})


def renamed(frame: pd.DataFrame, **names: str) -> pd.DataFrame:
    """The same series under other ids, `shop_0="b"`, and in their order."""
    ids = {old.replace("_", " "): new for old, new in names.items()}
    return frame.replace({"unique_id": ids}).sort_values(["unique_id", "ds"], ignore_index=True)


@pytest.mark.parametrize(
    "keys",
    [{"series": "separate"}, {"series": "pooled"}, {"maps": "separate"}, {"maps": "pooled"}],
    ids=str,
)
def test_series_are_found_by_id_in_another_order_and_among_fewer(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    result = trained(tmp_path, **{f"model__{k}": v for k, v in keys.items()})
    frame = daily_frame()
    whole, (_, panel, bundle) = forecast(result, frame)
    assert bundle.series == ("shop 0", "shop 1", "shop 2")
    assert training_row_index(bundle, panel) is None
    in_memory = forecast_panel(result.bundle.net, panel).values
    assert torch.equal(forecast_panel(bundle.net, panel).values, in_memory)
    some = frame[frame["unique_id"] != "shop 0"].iloc[::-1]
    table, (_, panel, bundle) = forecast(result, some)
    assert sorted(training_row_index(bundle, panel).tolist()) == [1, 2]
    expected = whole[whole["unique_id"] != "shop 0"].reset_index(drop=True)
    table = table.sort_values(["unique_id", "ds"], ignore_index=True)
    pd.testing.assert_frame_equal(table, expected, rtol=1e-5)
    assert result.metrics["test"]["scaled_mae"] < 1


def test_series_differ_after_training_and_a_new_one_is_noted(tmp_path: Path) -> None:
    result = trained(tmp_path, model__maps="pooled", optimizer__lr=0.01)
    frame = daily_frame()
    first = frame[frame["unique_id"] == "shop 0"]
    table, (_, panel, bundle) = forecast(result, renamed(first, shop_0="new"))
    assert training_row_index(bundle, panel).tolist() == [-1]
    note = next(n for n in panel.notes if n.kind is NoteKind.UNSEEN_SERIES)
    assert str(note) == (
        "1 series that was not in the training data, forecast by what all series share: `new`"
    )
    own, _ = forecast(result, first)
    assert not np.allclose(own["tsconv"], table["tsconv"], rtol=1e-4)


def test_a_new_series_that_cannot_be_forecast_names_what_could(tmp_path: Path) -> None:
    result = trained(tmp_path, model__series="separate", model__maps="separate")
    text = (
        r"series `new` was not in the training data \(1 such series\), and "
        r"`model.series=separate` and `model.maps=separate` cannot forecast it; train with "
        r"`model.series=pooled model.maps=pooled`"
    )
    with pytest.raises(DataError, match=text):
        forecast(result, renamed(daily_frame(), shop_1="new"))


def test_a_bundle_of_shared_series_has_no_ids(tmp_path: Path) -> None:
    result = trained(tmp_path, model__maps="shared")
    config = json.loads((result.run_dir / "bundle" / "config.json").read_text())
    assert config["contract"]["series"] == []
    assert config["net"]["maps"] == "shared"
    assert load_bundle(result.run_dir).series == ()


def test_resuming_with_other_series_is_refused(tmp_path: Path) -> None:
    keys = {"model__maps": "separate"}
    trained(tmp_path, run_dir=tmp_path / "a", callbacks__checkpoints="true", **keys)
    other = renamed(daily_frame(), shop_0="z")
    with pytest.raises(ConfigError, match="that run's series were shop 0, shop 1, shop 2"):
        trained(
            tmp_path, other, run_dir=tmp_path / "b", resume=tmp_path / "a",
            trainer__max_steps=20, **keys,
        )  # fmt: skip


@pytest.mark.parametrize("keys", [{"series": "separate"}, {"maps": "separate"}], ids=str)
def test_scores_equal_a_loop_over_origins(keys: dict[str, str]) -> None:
    panel: Panel = build_panel(table_from_frame(daily_frame(length=60), DataConfig()))
    net = random_net(n_series=3, n_targets=1, **keys)
    split = split_panel(panel, 5, 10, 12)
    ours, _ = evaluate(net, panel, split.test, training_scale(panel, split.train_end, 7))
    absolute = []
    for t in range(int(split.test.first[0]), int(split.test.last[0]) + 1):
        out = forecast_panel(net, panel, origins=torch.full((3,), t)).values[:, 0, 0, :, 0]
        observed = torch.stack([panel.series(s)[t + 1 : t + 6, 0, 0] for s in range(3)])
        absolute.append((out - observed).abs().mean())
    assert ours.result()["mae"] == pytest.approx(float(torch.stack(absolute).mean()), rel=1e-5)
