"""Files, folders, recipes: benchmarks by their names."""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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
from synetune_lab.blackbox_repository.conversion_scripts.scripts.nasbench201_import import (
    convert_dataset,
    str_to_list,
)
from synetune_lab.blackbox_repository.conversion_scripts.utils import (
    blackbox_local_path,
    compute_hash_benchmark,
    repository_path,
    validate_hash,
)
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


def test_hashes(tmp_path: Path) -> None:
    blackbox_tabular.serialize({"one": small_table()}, tmp_path / "box")
    known = compute_hash_benchmark(tmp_path / "box")
    validate_hash(tmp_path / "box", known)
    (tmp_path / "box" / "metadata.json").write_text("{}")
    with pytest.raises(BlackboxError, match="skip_if_present"):
        validate_hash(tmp_path / "box", known)


# Recipes, on small files of the form of the real ones


def make(name: str, raw: Path) -> Any:
    generate_blackbox_recipes()[name].generate(raw=raw)
    assert not [path for path in repository_path().iterdir() if path.name.startswith(".")]
    return load_blackbox(name)


def test_fcnet(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    folder = tmp_path / "fcnet_tabular_benchmarks"
    folder.mkdir()
    config = {
        "activation_fn_1": "tanh",
        "activation_fn_2": "relu",
        "batch_size": 8,
        "dropout_1": 0.3,
        "dropout_2": 0.0,
        "init_lr": 0.01,
        "lr_schedule": "const",
        "n_units_1": 16,
        "n_units_2": 512,
    }
    for task in ("protein_structure", "slice_localization"):
        with h5py.File(folder / f"fcnet_{task}_data.hdf5", "w") as file:
            for batch in (8, 16):
                group = file.create_group(json.dumps({**config, "batch_size": batch}))
                group["valid_loss"] = np.linspace(1, 0.1, 100) * np.ones((4, 1)) * batch
                group["train_loss"] = np.ones((4, 100))
                group["runtime"] = np.array([100.0, 200.0, 300.0, 400.0])
    archive = tmp_path / "fcnet_tabular_benchmarks.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    boxes = make("fcnet", archive)
    box = boxes["protein_structure"]
    found = box({f"hp_{k}": v for k, v in config.items()}, fidelity=50, seed=1)
    assert found["metric_elapsed_time"] == pytest.approx(100.0)
    assert box.num_seeds == 4


def training(valid: str, dataset: str) -> dict[str, Any]:
    return {
        "dataset_seed": {dataset: [777, 888]},
        "all_results": {
            (dataset, seed): {
                "train_acc1es": {epoch: 50.0 + epoch for epoch in range(3)},
                "train_times": dict.fromkeys(range(3), 10.0),
                "eval_acc1es": {f"{valid}@{epoch}": 40.0 + epoch for epoch in range(3)},
                "eval_times": {f"{valid}@{epoch}": 1.0 for epoch in range(3)},
            }
            for seed in (777, 888)
        },
    }


def test_nasbench201() -> None:
    cell = "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
    assert str_to_list(cell)[0] == "avg_pool_3x3"
    data = {
        "meta_archs": [cell],
        "arch2infos": {0: {"full": training("x-valid", "cifar100")}},
    }
    box = convert_dataset(data, "cifar100")
    found = box(box.all_configurations()[0], fidelity=2, seed=2)
    assert found["metric_valid_error"] == pytest.approx(0.59)
    assert found["metric_elapsed_time"] == pytest.approx(22.0)
    with pytest.raises(BlackboxError, match="not a cell"):
        str_to_list("|none~0|")


def test_lcbench(tmp_path: Path) -> None:
    config = {
        "batch_size": 64,
        "learning_rate": 0.01,
        "momentum": 0.5,
        "weight_decay": 1e-3,
        "num_layers": 2,
        "max_units": 128,
        "max_dropout": 0.1,
    }
    log = {
        "Train/val_accuracy": [50.0, 60.0, 70.0],
        "Train/val_cross_entropy": [3.0, 2.0, 1.0],
        "Train/val_balanced_accuracy": [40.0, 50.0, 60.0],
        "time": [1.0, 2.0, 3.0],
    }
    runs = {str(i): {"config": {**config, "max_units": 64 + i}, "log": log} for i in range(3)}
    archive = tmp_path / "data_2k_lw.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data_2k_lw.json", json.dumps({"airlines": runs, "adult": runs}))
    box = make("lcbench", archive)["airlines"]
    assert box({**config, "max_units": 65}, fidelity=2)["val_accuracy"] == 60.0
    assert make("lcbench", archive).keys() == {"airlines", "adult"}


@pytest.mark.parametrize("name", ["icml-xgboost", "icml-deepar"])
def test_icml2020(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame(
        {
            "hp_eta": [0.1, 0.2, 0.1],
            "hp_subsample": [0.5, 0.7, 0.5],
            "metric_error": [0.3, 0.2, 0.4],
            "task": ["a", "a", "b"],
            "blackbox": ["XGBoost"] * 3,
        }
    )
    frame.to_csv(tmp_path / "raw.csv.zip", index=False)
    boxes = make(name, tmp_path / "raw.csv.zip")
    assert boxes["a"]({"hp_eta": 0.2, "hp_subsample": 0.7}) == {"metric_error": 0.2}
    (tmp_path / "bad.csv").write_text("x,y\n1,2\n")
    with pytest.raises(BlackboxError, match="hp_"):
        make(name, tmp_path / "bad.csv")


def test_pd1(tmp_path: Path) -> None:
    training = {
        "dataset": "mnist",
        "model": "cnn",
        "hps.batch_size": 256,
        "hps.lr_hparams.initial_value": 0.1,
        "hps.lr_hparams.power": 1.0,
        "hps.lr_hparams.decay_steps_factor": 0.5,
        "hps.opt_hparams.momentum": 0.9,
        "valid/error_rate": [0.5, 0.4, 0.3],
        "valid/ce_loss": [1.0, 0.9, 0.8],
        "eval_time": 2.0,
    }
    diverged = {**training, "hps.lr_hparams.power": 0.7, "valid/error_rate": [0.9]}
    folder = tmp_path / "pd1"
    folder.mkdir()
    with gzip.open(folder / "pd1_matched_phase0_results.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(one) + "\n" for one in (training, diverged))
    box = make("pd1", folder)["mnist_cnn_batch_size_256"]
    config = {
        "hp_initial_learning_rate": 0.1,
        "hp_power": 1.0,
        "hp_lr_decay_steps_factor": 0.5,
        "hp_one_minus_momentum": 0.1,
    }
    assert box(config, fidelity=2)["metric_valid_error_rate"] == 0.4
    assert np.isnan(box({**config, "hp_power": 0.7})[1:]).all()


def test_yahpo_files_are_put_in_place(tmp_path: Path) -> None:
    folder = tmp_path / "yahpo_data-1.0" / "lcbench"
    folder.mkdir(parents=True)
    (folder / "encoding.json").write_text("{}")
    archive = shutil.make_archive(str(tmp_path / "raw"), "zip", tmp_path, "yahpo_data-1.0")
    generate_blackbox_recipes()["yahpo-lcbench"].generate(raw=archive)
    assert (repository_path() / "yahpo" / "lcbench" / "encoding.json").exists()


def test_spaces_have_their_documented_values() -> None:
    assert SPACE  # of the tests
    recipes = generate_blackbox_recipes()
    assert {"fcnet", "lcbench", "nasbench201", "pd1", "icml-xgboost"} <= set(recipes)
    assert sum(name.startswith("yahpo-") for name in recipes) == 14
