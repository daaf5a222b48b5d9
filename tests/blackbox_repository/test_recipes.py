"""Recipes, on small files of the form of the real ones."""

from __future__ import annotations

import bz2
import gzip
import json
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synetune_lab.blackbox_repository import load_blackbox
from synetune_lab.blackbox_repository.conversion_scripts.recipes import generate_blackbox_recipes
from synetune_lab.blackbox_repository.conversion_scripts.scripts.lcbench_import import convert_task
from synetune_lab.blackbox_repository.conversion_scripts.utils import (
    blackbox_local_path,
    repository_path,
)
from synetune_lab.errors import BlackboxError


def make(name: str, raw: Path) -> Any:
    generate_blackbox_recipes()[name].generate(raw=raw)
    assert not [path for path in repository_path().iterdir() if path.name.startswith(".")]
    return load_blackbox(name)


def metadata_of(name: str) -> dict[str, Any]:
    return dict(json.loads((blackbox_local_path(name) / "metadata.json").read_text()))


@pytest.mark.parametrize(
    ("name", "address", "filename"),
    [
        ("lcbench", "https://figshare.com/ndownloader/files/21188598", "data_2k_lw.zip"),
        (
            "nasbench201",
            "https://drive.google.com/uc?export=download&confirm=t"
            "&id=1vzyK0UVH2D3fTpa1_dSWnp1gvGpAxRul",
            "NATS-tss-v1_0-3ffb9.pickle.pbz2",
        ),
        ("pd1", "http://storage.googleapis.com/gresearch/pint/pd1.tar.gz", "pd1.tar.gz"),
    ],
)
def test_addresses_of_raw_data(name: str, address: str, filename: str) -> None:
    recipe = generate_blackbox_recipes()[name]
    assert recipe.address == address
    assert recipe.raw_filename == filename


# FCNet

FCNET = {
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


def fcnet_folder(folder: Path, without: str = "") -> Path:
    h5py = pytest.importorskip("h5py")
    folder.mkdir()
    for task in ("protein_structure", "slice_localization"):
        with h5py.File(folder / f"fcnet_{task}_data.hdf5", "w") as file:
            for batch in (8, 16):
                group = file.create_group(json.dumps({**FCNET, "batch_size": batch}))
                group["valid_loss"] = np.linspace(1, 0.1, 100) * np.ones((4, 1)) * batch
                group["train_loss"] = np.ones((4, 100))
                group["runtime"] = np.array([100.0, 200.0, 300.0, 400.0])
                group["final_test_error"] = np.array([0.1, 0.2, 0.3, 0.4])
                group["n_params"] = np.array([5000] * 4)
                if without:
                    del group[without]
    return folder


def test_fcnet(tmp_path: Path) -> None:
    folder = fcnet_folder(tmp_path / "fcnet_tabular_benchmarks")
    archive = tmp_path / "fcnet_tabular_benchmarks.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    boxes = make("fcnet", archive)
    box = boxes["protein_structure"]
    found = box({f"hp_{k}": v for k, v in FCNET.items()}, fidelity=50, seed=1)
    assert found == {
        "metric_valid_loss": pytest.approx(8 * (1 - 0.9 * 49 / 99)),
        "metric_train_loss": 1.0,
        "metric_final_test_error": pytest.approx(0.2),
        "metric_n_params": 5000.0,
        "metric_elapsed_time": pytest.approx(100.0),
    }
    assert box.num_seeds == 4
    assert metadata_of("fcnet")["metric_elapsed_time"] == "metric_elapsed_time"


def test_what_a_configuration_of_fcnet_lacks_is_named(tmp_path: Path) -> None:
    folder = fcnet_folder(tmp_path / "raw", without="n_params")
    with pytest.raises(BlackboxError, match=r"n_params.*it has .*runtime"):
        make("fcnet", folder)


# LCBench

LCBENCH = {
    "batch_size": 64,
    "learning_rate": 0.01,
    "momentum": 0.5,
    "weight_decay": 1e-3,
    "num_layers": 2,
    "max_units": 128,
    "max_dropout": 0.1,
}


def lcbench_run(units: int = 128) -> dict[str, Any]:
    """Evaluations before training, after each of three epochs, and at the end."""
    series = [10.0, 50.0, 60.0, 70.0, 71.0]
    log: dict[str, Any] = {
        f"Train/{kind}_{measure}": [value + shift for value in series]
        for shift, kind in enumerate(("val", "test"))
        for measure in ("balanced_accuracy", "cross_entropy")
    }
    log["Train/val_accuracy"] = series
    log["Train/test_result"] = [value + 1 for value in series]
    log["time"] = [0.5, 10.5, 20.5, 30.5, 31.0]
    constant = {"optimizer": "sgd", "mlp_shape": "funnel"}
    return {"config": {**LCBENCH, **constant, "max_units": units}, "log": log, "results": {}}


def test_lcbench(tmp_path: Path) -> None:
    runs = {str(i): lcbench_run(64 + i) for i in range(3)}
    archive = tmp_path / "data_2k_lw.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data_2k_lw.json", json.dumps({"airlines": runs, "adult": runs}))
    boxes = make("lcbench", archive)
    assert list(boxes) == ["airlines", "adult"]
    box = boxes["airlines"]
    assert box.fidelity_values.tolist() == [1, 2, 3]
    assert box({**LCBENCH, "max_units": 65}, fidelity=1) == {
        "val_accuracy": 50.0,
        "val_balanced_accuracy": 50.0,
        "val_cross_entropy": 50.0,
        "test_accuracy": 51.0,
        "test_balanced_accuracy": 51.0,
        "test_cross_entropy": 51.0,
        "time": 10.0,
    }
    assert box({**LCBENCH, "max_units": 65}, fidelity=3)["time"] == 30.0
    assert metadata_of("lcbench")["metric_default"] == "val_accuracy"


def test_what_a_configuration_of_lcbench_lacks_is_named() -> None:
    run = lcbench_run()
    del run["log"]["Train/test_result"]
    with pytest.raises(BlackboxError, match=r"configuration 0 lacks 'Train/test_result'.*time"):
        convert_task({"adult": {"0": run}}, "adult")
    run = lcbench_run()
    run["log"]["time"] = [1.0, 2.0]
    with pytest.raises(BlackboxError, match=r"configuration 1 have \[2, 5\]"):
        convert_task({"adult": {"0": lcbench_run(), "1": run}}, "adult")


# ICML 2020


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


# PD1


def pd1_training(**changes: Any) -> dict[str, Any]:
    """A line of the raw data; what is measured are lists with an entry an evaluation."""
    return {
        "dataset": "mnist",
        "model": "simple_cnn",
        "hps.batch_size": 256,
        "hps.activation_fn": "relu",
        "hps.lr_hparams.initial_value": 0.1,
        "hps.lr_hparams.power": 1.0,
        "hps.lr_hparams.decay_steps_factor": 0.5,
        "hps.opt_hparams.momentum": 0.875,
        "status": "done",
        "epoch": [0.5, 1.0, 1.5],
        "global_step": [100, 200, 300],
        "valid/error_rate": [0.5, 0.375, 0.25],
        "valid/ce_loss": [1.0, 0.75, 0.5],
        "eval_time": [2.0, 3.0, 4.0],
        **changes,
    }


PD1_CONFIG = {
    "lr_initial_value": 0.1,
    "lr_power": 1.0,
    "lr_decay_steps_factor": 0.5,
    "one_minus_momentum": 0.125,
}
NOT_TRAINED: dict[str, Any] = dict.fromkeys(
    ("epoch", "global_step", "valid/error_rate", "valid/ce_loss", "eval_time")
)


def pd1_folder(folder: Path, *trainings: dict[str, Any], unmatched: Any = ()) -> Path:
    folder.mkdir()
    for part, lines in {"matched": trainings, "unmatched": unmatched}.items():
        with gzip.open(folder / f"pd1_{part}_phase1_results.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(one) + "\n" for one in lines)
    return folder


def test_pd1(tmp_path: Path) -> None:
    diverged = {
        "status": "diverged",
        "hps.lr_hparams.power": 0.75,
        "valid/error_rate": [0.875],
        "valid/ce_loss": [None],
        "eval_time": [2.5],
    }
    folder = pd1_folder(
        tmp_path / "pd1",
        pd1_training(),
        pd1_training(**diverged),
        unmatched=[pd1_training(**NOT_TRAINED, **{"hps.lr_hparams.power": 0.25})],
    )
    archive = tmp_path / "pd1.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname="pd1")
    boxes = make("pd1", archive)
    assert list(boxes) == ["mnist_simple_cnn_relu_batch_size_256"]
    (box,) = boxes.values()
    assert box.fidelity_values.tolist() == [1, 2, 3]
    assert box.objectives_names == [
        "metric_valid_error_rate",
        "metric_valid_ce_loss",
        "metric_elapsed_time",
    ]
    assert box(PD1_CONFIG).tolist() == [[0.5, 1.0, 2.0], [0.375, 0.75, 5.0], [0.25, 0.5, 9.0]]
    curve = box({**PD1_CONFIG, "lr_power": 0.75})
    assert curve[0, [0, 2]].tolist() == [0.875, 2.5]
    assert np.isnan(curve[1:]).all()
    assert np.isnan(curve[0, 1])
    assert np.isnan(box({**PD1_CONFIG, "lr_power": 0.25})).all()
    names = {file.name for file in blackbox_local_path("pd1").iterdir()}
    assert "mnist_simple_cnn_relu_batch_size_256-hyperparameters.parquet" in names
    assert metadata_of("pd1")["resource_attr"] == "global_step"


def test_all_that_tells_tasks_of_pd1_apart_is_in_their_names(tmp_path: Path) -> None:
    """The same configuration in each, so that rows of merged tasks would collide."""
    tasks: list[dict[str, Any]] = [
        {},
        {"dataset": "fashion_mnist"},
        {"model": "max_pooling_cnn"},
        {"hps.batch_size": 2048},
        {"hps.activation_fn": "tanh"},
        {"model": "transformer", "hps.activation_fn": None},
    ]
    trainings = [
        pd1_training(**task, **{"valid/error_rate": [float(number)] * (number + 1)})
        for number, task in enumerate(tasks)
    ]
    boxes = make("pd1", pd1_folder(tmp_path / "pd1", *trainings))
    assert list(boxes) == [
        "mnist_simple_cnn_relu_batch_size_256",
        "fashion_mnist_simple_cnn_relu_batch_size_256",
        "mnist_max_pooling_cnn_relu_batch_size_256",
        "mnist_simple_cnn_relu_batch_size_2048",
        "mnist_simple_cnn_tanh_batch_size_256",
        "mnist_transformer_batch_size_256",
    ]
    for number, box in enumerate(boxes.values()):
        assert box(PD1_CONFIG, fidelity=1)["metric_valid_error_rate"] == number
        assert box.objectives_evaluations.shape[2] == max(3, number + 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eval_time": 2.0}, r"eval_time must be a list.*2\.0"),
        ({"hps.opt_hparams.momentum": None}, "momentum=None must be a number"),
        ({"hps.lr_hparams.power": 7.0}, r"lr_power=7\.0 is not in uniform"),
        ({"hps.batch_size": None}, "lacks.*batch_size"),
        (NOT_TRAINED, "valid/error_rate"),
    ],
)
def test_raw_data_of_pd1_of_another_form_are_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(BlackboxError, match=message):
        make("pd1", pd1_folder(tmp_path / "pd1", pd1_training(**change)))


def test_a_missing_file_of_pd1_is_named(tmp_path: Path) -> None:
    folder = pd1_folder(tmp_path / "pd1", pd1_training())
    (folder / "pd1_unmatched_phase1_results.jsonl.gz").unlink()
    with pytest.raises(BlackboxError, match="no pd1_unmatched_phase1_results"):
        make("pd1", folder)


# YAHPO


def test_yahpo_files_are_put_in_place(tmp_path: Path) -> None:
    folder = tmp_path / "yahpo_data-1.0" / "lcbench"
    folder.mkdir(parents=True)
    (folder / "encoding.json").write_text("{}")
    archive = shutil.make_archive(str(tmp_path / "raw"), "zip", tmp_path, "yahpo_data-1.0")
    generate_blackbox_recipes()["yahpo-lcbench"].generate(raw=archive)
    assert (repository_path() / "yahpo" / "lcbench" / "encoding.json").exists()


# What the raw data of NASBench-201 are read with


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    raw = tmp_path / "NATS-tss-v1_0-3ffb9.pickle.pbz2"
    raw.write_bytes(bz2.compress(pickle.dumps({"arch2infos": Trap()})))
    with pytest.raises(BlackboxError, match="not plain data"):
        make("nasbench201", raw)
    assert not (tmp_path / "ran").exists()


def test_a_page_instead_of_the_data_is_told(tmp_path: Path) -> None:
    raw = tmp_path / "NATS-tss-v1_0-3ffb9.pickle.pbz2"
    raw.write_text("<!DOCTYPE html>")
    with pytest.raises(BlackboxError, match=r"bz2.*drive\.google\.com"):
        make("nasbench201", raw)
