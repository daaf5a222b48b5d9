"""Files, folders, recipes: benchmarks by their names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synetune_lab.blackbox_repository import (
    BlackboxOffline,
    BlackboxTabular,
    blackbox_list,
    blackbox_offline,
    blackbox_tabular,
    load_blackbox,
)
from synetune_lab.blackbox_repository.bundled import BUNDLED
from synetune_lab.blackbox_repository.conversion_scripts import blackbox_recipe
from synetune_lab.blackbox_repository.conversion_scripts.recipes import generate_blackbox_recipes
from synetune_lab.blackbox_repository.conversion_scripts.utils import blackbox_local_path
from synetune_lab.blackbox_repository.table_file import load_table, store_table
from synetune_lab.errors import BlackboxError
from tests.blackbox_repository.tables import SPACE, small_table
from tests.blackbox_repository.test_blackboxes import offline


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "home"))
    return tmp_path / "home"


# The benchmarks of the package


@pytest.mark.parametrize("name", BUNDLED)
def test_the_benchmarks_of_the_package_are_whole(name: str) -> None:
    tasks = load_blackbox(name)
    assert isinstance(tasks, dict)
    assert tuple(tasks) == BUNDLED[name]
    for box in tasks.values():
        values = box.objectives_evaluations
        assert not np.isnan(values).any()
        assert (np.diff(values[..., -1], axis=2) >= 0).all(), "time goes on"
        assert box.objectives_names[-1] == "metric_elapsed_time"
        config = box.all_configurations()[7]
        assert box(config, fidelity=3, seed=1)["metric_valid_error"] <= 1.0


def test_they_have_the_promised_size() -> None:
    digits = load_blackbox("digits-mlp")["digits"]
    assert digits.objectives_evaluations.shape[:3] == (600, 2, 81)
    assert len(load_blackbox("tumor-boosting")) == 4
    folder = Path(blackbox_tabular.__file__).parent / "bundled"
    assert sum(file.stat().st_size for file in folder.glob("*.npz")) < 4e6


# Files


def test_tables_are_written_and_read(tmp_path: Path) -> None:
    boxes = {"one": small_table(), "two": small_table(seconds=3.0)}
    blackbox_tabular.serialize(boxes, tmp_path / "box", metadata={"note": "mine"})
    assert {file.name for file in (tmp_path / "box").iterdir()} == {
        "configspace.json",
        "fidelityspace.json",
        "hyperparameters.parquet",
        "objectives_evaluations.npy",
        "fidelities_values.npy",
        "metadata.json",
    }
    metadata = json.loads((tmp_path / "box" / "metadata.json").read_text())
    assert metadata == {
        "objectives_names": ["metric_loss", "metric_time"],
        "task_names": ["one", "two"],
        "note": "mine",
    }
    read = blackbox_tabular.deserialize(tmp_path / "box")
    assert list(read) == ["one", "two"]
    for name, box in boxes.items():
        assert np.allclose(read[name].objectives_evaluations, box.objectives_evaluations)
        assert read[name].configuration_space == box.configuration_space
    stored = np.load(tmp_path / "box" / "objectives_evaluations.npy")
    assert stored.dtype == np.float32
    assert stored.shape == (2, 6, 2, 9, 2)


def test_tables_that_differ_are_not_written_together(tmp_path: Path) -> None:
    with pytest.raises(BlackboxError, match="BlackboxOffline"):
        blackbox_tabular.serialize({"a": small_table(), "b": small_table(epochs=5)}, tmp_path)


def test_data_frames_are_written_and_read(tmp_path: Path) -> None:
    blackbox_offline.serialize({"one": offline()}, tmp_path, categorical_cols=["b"])
    assert (tmp_path / "data-one.parquet").exists()
    read = blackbox_offline.deserialize(tmp_path)
    assert isinstance(read, dict)
    config = {"a": 2, "b": "y"}
    assert np.allclose(read["one"](config, seed=1), offline()(config, seed=1))


def test_a_folder_with_one_csv_file_is_the_blackbox_itself(tmp_path: Path) -> None:
    blackbox_offline.serialize({"one": offline()}, tmp_path)
    offline().df.to_csv(tmp_path / "data.csv.zip", index=False)
    assert isinstance(blackbox_offline.deserialize(tmp_path), BlackboxOffline)


@pytest.mark.parametrize("name", ["configspace.json", "fidelities_values.npy"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    blackbox_tabular.serialize({"one": small_table()}, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(BlackboxError, match=name):
        blackbox_tabular.deserialize(tmp_path)


def test_a_table_in_one_file(tmp_path: Path) -> None:
    store_table(small_table(), tmp_path / "table.npz")
    read = load_table(tmp_path / "table.npz")
    assert read.fingerprint == small_table().fingerprint
    assert read.fingerprint != small_table(seconds=3.0).fingerprint


# By name


def test_a_folder_of_the_repository_is_found_by_its_name() -> None:
    blackbox_tabular.serialize({"one": small_table()}, blackbox_local_path("mine"))
    assert "mine" in blackbox_list()
    assert isinstance(load_blackbox("mine")["one"], BlackboxTabular)


def test_an_unknown_name_is_refused_with_all_names() -> None:
    with pytest.raises(BlackboxError, match="digits-mlp"):
        load_blackbox("nasbench")


def test_where_raw_data_cannot_be_had_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(source: str, destination: Any) -> None:
        raise BlackboxError(f"{source} can't be downloaded: no network")

    monkeypatch.setattr(blackbox_recipe, "download_file", fail)
    with pytest.raises(BlackboxError, match=r"(?s)fcnet_tabular_benchmarks.tar.gz.*raw="):
        load_blackbox("fcnet")
    with pytest.raises(BlackboxError, match="generate_if_not_found"):
        load_blackbox("fcnet", generate_if_not_found=False)


def test_spaces_have_their_documented_values() -> None:
    assert SPACE  # of the tests
    recipes = generate_blackbox_recipes()
    assert {"fcnet", "lcbench", "nasbench201", "pd1", "icml-xgboost"} <= set(recipes)
    assert sum(name.startswith("yahpo-") for name in recipes) == 14
