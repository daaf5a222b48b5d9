"""Folders with files of each task, and hashes of what files say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synetune_lab.blackbox_repository import (
    BlackboxTabular,
    blackbox_list,
    blackbox_offline,
    blackbox_tabular,
    load_blackbox,
    repository,
    task_tables,
)
from synetune_lab.blackbox_repository.conversion_scripts.scripts import pd1_import
from synetune_lab.blackbox_repository.conversion_scripts.scripts.fcnet_import import FCNETRecipe
from synetune_lab.blackbox_repository.conversion_scripts.utils import (
    blackbox_local_path,
    compute_hash_benchmark,
    compute_hash_binary,
    validate_hash,
)
from synetune_lab.blackbox_repository.repository import (
    check_blackbox_local_files,
    deserialize_folder,
)
from synetune_lab.blackbox_repository.serialize import read_frame
from synetune_lab.config_space import choice
from synetune_lab.errors import BlackboxError
from tests.blackbox_repository.tables import small_table
from tests.blackbox_repository.test_blackboxes import offline

SYNE_TUNE = Path(__file__).parent / "syne_tune_pd1"
"""Written by `pd1_import.serialize` of Syne Tune 0.13, on made-up values."""


# Files of each task


def test_a_folder_that_syne_tune_wrote_for_pd1_is_loaded() -> None:
    shutil.copytree(SYNE_TUNE, blackbox_local_path("pd1"))
    assert check_blackbox_local_files("pd1")
    boxes = load_blackbox("pd1", generate_if_not_found=False)
    assert list(boxes) == ["mnist_cnn_relu_batch_size_256", "lm1b_transformer_batch_size_2048"]
    one, two = boxes.values()
    assert one.objectives_evaluations.shape == (3, 1, 2, 2)
    assert two.objectives_evaluations.shape == (2, 1, 4, 2)
    assert two.fidelity_values.tolist() == [1, 2, 3, 4]
    assert one.objectives_names == ["metric_valid_error_rate", "metric_elapsed_time"]
    assert two({"lr": 0.2, "layers": 2, "kind": "b"}, fidelity=4) == {
        "metric_valid_error_rate": 1.25,
        "metric_elapsed_time": 40.0,
    }
    assert np.isnan(one({"lr": 0.1, "layers": 1, "kind": "a"})[1:]).all()


def test_a_folder_of_this_layout_is_found_by_its_name() -> None:
    boxes = {"long": small_table(), "short": small_table(epochs=3, seeds=1)}
    task_tables.serialize(boxes, blackbox_local_path("mine"), {"note": "own"})
    assert "mine" in blackbox_list()
    assert load_blackbox("mine")["short"].objectives_evaluations.shape == (6, 1, 3, 2)


def test_tasks_with_tables_of_their_own_are_written_and_read(tmp_path: Path) -> None:
    part = small_table(
        hyperparameters=pd.DataFrame({"a": [1, 3], "b": ["y", "x"]}),
        objectives_evaluations=np.ones((2, 1, 3, 2)),
        fidelity_values=[1, 3, 9],
    )
    boxes = {"long": small_table(), "part": part, "plain": small_table(fidelity_space=None)}
    pd1_import.serialize(boxes, tmp_path, {"note": "own"})
    assert {file.name for file in tmp_path.iterdir() if "long" in file.name} == {
        "long-hyperparameters.parquet",
        "long-objectives_evaluations.npy",
        "long-fidelity_values.npy",
        "long-fidelity_space.json",
    }
    assert json.loads((tmp_path / "metadata.json").read_text()) == {
        "objectives_names": ["metric_loss", "metric_time"],
        "task_names": ["long", "part", "plain"],
        "note": "own",
    }
    read = pd1_import.deserialize(tmp_path)
    assert list(read) == list(boxes)
    for name, box in boxes.items():
        assert isinstance(read[name], BlackboxTabular)
        assert np.allclose(read[name].objectives_evaluations, box.objectives_evaluations)
        assert read[name].all_configurations() == box.all_configurations()
        assert read[name].fidelity_space == box.fidelity_space
    assert read["part"].fidelity_values is not None
    assert read["part"].fidelity_values.tolist() == [1, 3, 9]
    (tmp_path / "metadata.json").unlink()
    assert list(task_tables.deserialize(tmp_path)) == ["long", "part", "plain"]


def test_tasks_with_different_objectives_are_not_written_together(tmp_path: Path) -> None:
    other = small_table(objectives_names=["error", "time"])
    with pytest.raises(BlackboxError, match=r"'one' and 'two'.*error"):
        task_tables.serialize({"one": small_table(), "two": other}, tmp_path)
    with pytest.raises(BlackboxError, match="empty"):
        task_tables.serialize({}, tmp_path)


@pytest.mark.parametrize("name", ["configspace.json", "one-fidelity_values.npy"])
def test_a_missing_file_of_a_task_is_named(tmp_path: Path, name: str) -> None:
    task_tables.serialize({"one": small_table()}, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(BlackboxError, match=name):
        deserialize_folder(tmp_path)


# Hashes


def write_offline(folder: Path) -> None:
    blackbox_offline.serialize({"one": offline()}, folder, categorical_cols=["b"])


def write_tabular(folder: Path) -> None:
    blackbox_tabular.serialize({"one": small_table()}, folder)


@pytest.mark.parametrize("write", [write_offline, write_tabular])
def test_a_hash_is_that_of_the_content(tmp_path: Path, write: Any) -> None:
    write(tmp_path / "box")
    known = compute_hash_benchmark(tmp_path / "box")
    # Written anew in another way, it says the same.
    file = next((tmp_path / "box").glob("*.parquet"))
    before = compute_hash_binary(file)
    read_frame(file).to_parquet(file, index=False, compression=None, row_group_size=2)
    space = tmp_path / "box" / "configspace.json"
    space.write_text(json.dumps(json.loads(space.read_text()), indent=2))
    assert compute_hash_binary(file) != before
    validate_hash(tmp_path / "box", known)


def test_another_writer_of_tables_has_the_same_hash(tmp_path: Path) -> None:
    shutil.copytree(SYNE_TUNE, tmp_path / "theirs")
    boxes = task_tables.deserialize(SYNE_TUNE)
    task_tables.serialize(boxes, tmp_path / "ours", {"resource_attr": "global_step"})
    known = compute_hash_benchmark(tmp_path / "theirs")
    validate_hash(tmp_path / "ours", known)
    names = [file.name for file in SYNE_TUNE.glob("*.parquet")]
    assert [
        compute_hash_binary(tmp_path / "ours" / name) != compute_hash_binary(SYNE_TUNE / name)
        for name in names
    ] == [True, True]


def change_name(folder: Path) -> None:
    file = folder / "metadata.json"
    file.write_text(file.read_text().replace("metric_loss", "metric_error"))


def change_space(folder: Path) -> None:
    blackbox_tabular.serialize({"one": small_table()}, folder)
    space = {"a": choice([1, 2, 3, 4]), "b": choice(["x", "y"])}
    blackbox_tabular.serialize({"one": small_table(configuration_space=space)}, folder)


def change_value(folder: Path) -> None:
    values = np.load(folder / "objectives_evaluations.npy")
    values.flat[-1] += 1
    np.save(folder / "objectives_evaluations.npy", values)


def change_order(folder: Path) -> None:
    file = folder / "hyperparameters.parquet"
    read_frame(file).iloc[::-1].to_parquet(file, index=False)


def lose_file(folder: Path) -> None:
    (folder / "fidelityspace.json").unlink()


@pytest.mark.parametrize(
    "change", [change_name, change_space, change_value, change_order, lose_file]
)
def test_a_change_of_the_content_is_found(tmp_path: Path, change: Any) -> None:
    write_tabular(tmp_path)
    known = compute_hash_benchmark(tmp_path)
    change(tmp_path)
    with pytest.raises(BlackboxError, match=f"{known}.*skip_if_present"):
        validate_hash(tmp_path, known)


def test_values_that_are_missing_count_as_equal(tmp_path: Path) -> None:
    for name, frame in {
        "one": pd.DataFrame({"x": [1.0, np.nan], "s": ["a", None], "z": [0.0, 1.0]}),
        "two": pd.DataFrame({"z": [-0.0, 1.0], "x": [1.0, -np.nan], "s": ["a", np.nan]}),
    }.items():
        (tmp_path / name).mkdir()
        frame.to_parquet(tmp_path / name / "table.parquet")
    one, two = (compute_hash_benchmark(tmp_path / name) for name in ("one", "two"))
    assert one == two


def test_a_csv_file_is_hashed_without_its_archive(tmp_path: Path) -> None:
    for name, level in {"one": 1, "two": 9}.items():
        (tmp_path / name).mkdir()
        packed = {"method": "zip", "compresslevel": level, "compression": 8}
        offline().df.to_csv(tmp_path / name / "data.csv.zip", index=False, compression=packed)
    one, two = (compute_hash_benchmark(tmp_path / name) for name in ("one", "two"))
    assert one == two


def test_an_empty_folder_has_no_hash(tmp_path: Path) -> None:
    with pytest.raises(BlackboxError, match="has no files"):
        compute_hash_benchmark(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["fcnet", "yahpo-lcbench", "mine"])
def test_a_check_that_cannot_be_made_is_refused(name: str) -> None:
    blackbox_tabular.serialize({"one": small_table()}, blackbox_local_path("mine"))
    blackbox_tabular.serialize({"one": small_table()}, blackbox_local_path("fcnet"))
    with pytest.raises(BlackboxError, match=rf"no hash of '{name}' is known.*validate_hash"):
        load_blackbox(name, ignore_hash=False)
    assert "one" in load_blackbox("fcnet")
    assert load_blackbox("tumor-boosting", ignore_hash=False)


def test_files_are_checked_against_the_hash_of_the_recipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = blackbox_local_path("fcnet")
    blackbox_tabular.serialize({"one": small_table()}, folder)
    known = compute_hash_benchmark(folder)

    recipe = FCNETRecipe()
    recipe.hash = known
    monkeypatch.setattr(repository, "generate_blackbox_recipes", lambda: {"fcnet": recipe})
    assert "one" in load_blackbox("fcnet", ignore_hash=False)
    change_value(folder)
    with pytest.raises(BlackboxError, match=known):
        load_blackbox("fcnet", ignore_hash=False)
    assert "one" in load_blackbox("fcnet")
