"""A bundle from before the covariate branch got its name: its tensors keep theirs in files."""

from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.helpers.bundles import config_of
from tsconv.forecasting.bundles.bundle import load_bundle, save_bundle
from tsconv.forecasting.bundles.config_file import read_values
from tsconv.forecasting.bundles.migrations import migrated

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["covariate_bundle", "several_networks", "rows_bundle"])
def test_saved_again_its_tensors_are_the_same(tmp_path: Path, name: str) -> None:
    """And its values are what migration makes of them; later keys have their defaults."""
    save_bundle(load_bundle(HERE / name / "bundle"), tmp_path / "bundle")
    before, after = (folder / "bundle" / "model.safetensors" for folder in (HERE / name, tmp_path))
    assert after.read_bytes() == before.read_bytes()
    if name == "covariate_bundle":
        assert any(tensor.startswith("known.") for tensor in load_file(after))
    old = migrated(read_values(HERE / name / "bundle" / "config.json"))
    new = config_of(tmp_path / "bundle")
    ours, theirs = new["contract"], old["contract"]
    assert ours["roles"].items() >= theirs["roles"].items()
    for found, kept in zip(ours["covariates"], theirs["covariates"], strict=True):
        assert found == {"training_range": None, **kept}
    further = {"roles": ours["roles"], "covariates": ours["covariates"]}
    assert ours == {**theirs, **further}
    assert new == {**old, "tsconv_version": new["tsconv_version"], "contract": ours}
