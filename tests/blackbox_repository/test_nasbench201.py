"""The import of NASBench-201, on data of the form of the real ones."""

from __future__ import annotations

import bz2
import collections
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synetune_lab.blackbox_repository import load_blackbox
from synetune_lab.blackbox_repository.conversion_scripts.plain_pickle import load_plain
from synetune_lab.blackbox_repository.conversion_scripts.recipes import generate_blackbox_recipes
from synetune_lab.blackbox_repository.conversion_scripts.scripts.nasbench201_import import (
    convert_dataset,
    str_to_list,
)
from synetune_lab.blackbox_repository.conversion_scripts.utils import blackbox_local_path
from synetune_lab.errors import BlackboxError

CELLS = (
    "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|",
    "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|",
)
EPOCHS = 3


def training(seed: int, judged: str = "ori-test", at_end: tuple[str, ...] = ()) -> dict[str, Any]:
    """Judged on one data set after each epoch, on others at the end alone."""
    steps = range(EPOCHS)
    shift = (seed - 777) / 111  # 0, 1, 2
    every = [f"{judged}@{epoch}" for epoch in steps]
    last = [f"{name}@{EPOCHS - 1}" for name in at_end]
    return {
        "name": "infer.tiny",
        "seed": seed,
        "flop": 15.0 + shift,
        "params": 0.5,
        "latency": [0.25 + shift],
        "train_acc1es": {epoch: 50.0 + epoch for epoch in steps},
        "train_times": dict.fromkeys(steps, 10.0 + shift),
        "eval_acc1es": {
            **{key: 40.0 + epoch + shift for epoch, key in enumerate(every)},
            **dict.fromkeys(last, 99.0),
        },
        "eval_times": {**dict.fromkeys(every, 1.0), **dict.fromkeys(last, 99.0)},
    }


def raw_data(seeds: tuple[int, ...] = (777, 888, 999), **changes: Any) -> dict[str, Any]:
    """As the file of NATS-Bench has them; the second cell has just the first two seeds."""
    infos: dict[int, Any] = {}
    for number, cell in enumerate(CELLS):
        results = {}
        for seed in seeds if number == 0 else seeds[:2]:
            ends = ("x-valid", "x-test")
            results["cifar10-valid", seed] = training(seed, "x-valid", ("ori-test",))
            results["cifar10", seed] = training(seed)
            results["cifar100", seed] = training(seed, "ori-test", ends)
            results["ImageNet16-120", seed] = training(seed, "ori-test", ends)
        full = collections.OrderedDict(arch_str=cell, all_results=results)
        infos[number] = {"12": {}, "200": full}
    return {"meta_archs": list(CELLS), "total_archs": 2, "arch2infos": infos, **changes}


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "ImageNet16-120"])
def test_values_after_each_epoch_are_read_where_they_are(dataset: str) -> None:
    box = convert_dataset(raw_data(), dataset)
    config = dict(zip(box.configuration_space, str_to_list(CELLS[0]), strict=True))
    assert box.objectives_names == [
        "metric_valid_error",
        "metric_train_error",
        "metric_runtime",
        "metric_elapsed_time",
        "metric_latency",
        "metric_flops",
        "metric_params",
    ]
    assert box(config, fidelity=2, seed=1) == {
        "metric_valid_error": pytest.approx(1 - 0.42),
        "metric_train_error": pytest.approx(0.49),
        "metric_runtime": pytest.approx(12.0),
        "metric_elapsed_time": pytest.approx(24.0),
        # Those of the first training.
        "metric_latency": pytest.approx(0.25),
        "metric_flops": pytest.approx(15.0),
        "metric_params": pytest.approx(0.5),
    }
    # What was judged at the end alone is not used.
    assert box(config, fidelity=3, seed=0)["metric_valid_error"] == pytest.approx(1 - 0.42)


def test_seeds_that_are_missing_have_the_mean_of_the_others() -> None:
    box = convert_dataset(raw_data(), "cifar100")
    config = dict(zip(box.configuration_space, str_to_list(CELLS[1]), strict=True))
    values = np.stack([box.curve(config, seed) for seed in range(3)])
    assert np.allclose(values[2], (values[0] + values[1]) / 2, atol=1e-6)
    assert np.allclose(values[2][:, 3], np.cumsum(values[2][:, 2]))


def test_another_form_of_the_keys_is_read() -> None:
    data = raw_data()
    for info in data["arch2infos"].values():
        results = info["200"]["all_results"]
        info["200"]["all_results"] = {k: v for k, v in results.items() if k[0] != "cifar10"}
    box = convert_dataset(data, "cifar10")  # from cifar10-valid, judged on x-valid
    assert box.curve(box.all_configurations()[0])[:, 0] == pytest.approx([0.6, 0.59, 0.58])


def test_the_older_form_of_the_file_is_read() -> None:
    data = raw_data()
    data["arch2infos"] = {
        number: {"full": {"all_results": info["200"]["all_results"]}}
        for number, info in data["arch2infos"].items()
    }
    assert convert_dataset(data, "cifar100").objectives_evaluations.shape == (2, 3, 3, 7)


def only_at_the_end(data: dict[str, Any]) -> None:
    for run in data["arch2infos"][0]["200"]["all_results"].values():
        run["eval_acc1es"] = {"ori-test@2": 1.0, "x-valid@2": 2.0}


def without_times(data: dict[str, Any]) -> None:
    data["arch2infos"][1]["200"]["all_results"]["cifar100", 888]["eval_times"] = {}


def without_trainings(data: dict[str, Any]) -> None:
    for info in data["arch2infos"].values():
        info["200"]["all_results"] = {("svhn", 777): training(777)}


def too_short(data: dict[str, Any]) -> None:
    del data["arch2infos"][1]["200"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (only_at_the_end, r"ori-test@0 or x-valid@0 or x-test@0.* are ori-test@2, x-valid@2"),
        (without_times, r"cell 1 with seed 888 lacks 'ori-test@0'.*eval_times"),
        (without_trainings, r"no trainings on cifar100.*svhn"),
        (too_short, r"cell 1 has no training over 200 epochs.*\['12'\]"),
    ],
)
def test_data_of_another_form_are_refused_with_what_is_there(change: Any, message: str) -> None:
    data = raw_data()
    change(data)
    with pytest.raises(BlackboxError, match=message):
        convert_dataset(data, "cifar100")


def test_what_is_no_cell_or_task_is_refused() -> None:
    assert str_to_list(CELLS[0])[0] == "avg_pool_3x3"
    with pytest.raises(BlackboxError, match="not a cell"):
        str_to_list("|none~0|")
    with pytest.raises(BlackboxError, match=r"dataset='svhn'.*cifar100"):
        convert_dataset(raw_data(), "svhn")


def test_the_raw_file_is_converted(tmp_path: Path) -> None:
    raw = tmp_path / "NATS-tss-v1_0-3ffb9.pickle.pbz2"
    raw.write_bytes(bz2.compress(pickle.dumps(raw_data())))
    generate_blackbox_recipes()["nasbench201"].generate(raw=raw)
    boxes = load_blackbox("nasbench201")
    assert list(boxes) == ["cifar10", "cifar100", "ImageNet16-120"]
    metadata = json.loads((blackbox_local_path("nasbench201") / "metadata.json").read_text())
    assert metadata["metric_elapsed_time"] == "metric_elapsed_time"
    assert metadata["metric_default"] == "metric_valid_error"
    assert metadata["resource_attr"] == "hp_epoch"


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_numbers_of_numpy_are_plain_data(tmp_path: Path, module: str) -> None:
    wanted = [np.float64(0.5), np.arange(3), {1, 2}, collections.OrderedDict(a=1)]
    stored = pickle.dumps(wanted, protocol=3)  # names modules in plain letters
    for name in (b"numpy._core.multiarray", b"numpy.core.multiarray"):
        stored = stored.replace(name, module.encode())
    path = tmp_path / "data.pickle"
    path.write_bytes(stored)
    if module == "numpy._core.multiarray" and np.__version__ < "2":
        pytest.skip("this numpy has no such module")
    with path.open("rb") as file:
        found = load_plain(file, "data")
    assert found[0] == 0.5
    assert found[1].tolist() == [0, 1, 2]
    assert found[2:] == wanted[2:]
