"""What training scripts call: booleans, JSON configurations, checkpoints."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synetune_lab.errors import InvalidConfigError, MissingDependencyError
from synetune_lab.utils import (
    add_checkpointing_to_argparse,
    add_config_json_to_argparse,
    checkpoint_model_at_rung_level,
    load_config_json,
    parse_bool,
    pytorch_load_save_functions,
    resume_from_checkpointed_model,
)


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("true", True), ("FALSE", False), (False, False)]
)
def test_parse_bool(text: object, value: bool) -> None:
    assert parse_bool(text) is value


@pytest.mark.parametrize("text", ["yes", "1", "", "0", "t"])
def test_parse_bool_takes_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="write True or False"):
        parse_bool(text)


def test_arguments_are_optional() -> None:
    parser = argparse.ArgumentParser()
    add_checkpointing_to_argparse(parser)
    add_config_json_to_argparse(parser)
    args = parser.parse_args([])
    assert vars(args) == {"st_checkpoint_dir": None, "st_config_json_filename": None}
    args = parser.parse_args(["--st_checkpoint_dir", "x", "--st_config_json_filename", "y"])
    assert vars(args) == {"st_checkpoint_dir": "x", "st_config_json_filename": "y"}


def test_a_configuration_as_json(tmp_path: Path) -> None:
    config = {"list_arg": [1, {"a": 2}], "dict_arg": {"b": [3]}, "lr": 0.25}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    args = {"st_config_json_filename": str(file), "st_checkpoint_dir": "ckpt", "lr": 0.1}
    assert load_config_json(args) == {**config, "st_checkpoint_dir": "ckpt"}
    assert args["lr"] == 0.1


def test_without_a_file_the_arguments_are_the_configuration() -> None:
    assert load_config_json({"lr": 0.1, "st_config_json_filename": None}) == {"lr": 0.1}
    assert load_config_json({"lr": 0.1}) == {"lr": 0.1}


@pytest.mark.parametrize("content", ["[1]", "{", ""])
def test_bad_files_are_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidConfigError, match=r"config\.json"):
        load_config_json({"st_config_json_filename": str(file)})


def test_checkpoints_go_to_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "checkpoints"
    config = {"st_checkpoint_dir": str(folder)}

    def load(path: str) -> int:
        return int((Path(path) / "epoch").read_text())

    def save(path: str, resource: int) -> None:
        (Path(path) / "epoch").write_text(str(resource))

    assert resume_from_checkpointed_model(config, load) == 0
    checkpoint_model_at_rung_level(config, save, 3)
    assert resume_from_checkpointed_model(config, load) == 3


def test_a_script_that_is_told_to_end_while_it_saves_ends_after_it(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from synetune_lab.utils import checkpoint_model_at_rung_level

def save(folder, epoch):
    with open(Path(folder) / "model", "w") as file:
        file.write("one ")
        os.kill(os.getpid(), signal.SIGTERM)
        file.write("two")

checkpoint_model_at_rung_level({"st_checkpoint_dir": sys.argv[1]}, save, 1)
print("alive")
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (tmp_path / "model").read_text() == "one two"
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")


@pytest.mark.parametrize("config", [{}, {"st_checkpoint_dir": None}])
def test_without_a_folder_there_are_no_checkpoints(config: dict[str, Any]) -> None:
    def never(*args: Any) -> int:
        raise AssertionError("must not be called")

    assert resume_from_checkpointed_model(config, never) == 0
    checkpoint_model_at_rung_level(config, never, 1)


class Part:
    """Stands for a PyTorch object."""

    def __init__(self, value: int) -> None:
        self.value = value

    def state_dict(self) -> dict[str, int]:
        return {"value": self.value}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.value = state["value"]


@pytest.fixture
def torch_stand_in(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """`torch.save` and `torch.load` as JSON, so that the tests need no PyTorch."""

    def save(value: Any, path: Path) -> None:
        Path(path).write_text(json.dumps(value))

    def load(path: Path, map_location: str, weights_only: bool) -> Any:
        assert weights_only
        return json.loads(Path(path).read_text())

    module = SimpleNamespace(save=save, load=load)
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


def test_pytorch_objects_are_saved_and_loaded(
    tmp_path: Path, torch_stand_in: SimpleNamespace
) -> None:
    model, optimizer, state = Part(1), Part(2), {"best": 0.5, "history": [1, 2]}
    load, save = pytorch_load_save_functions({"model": model, "opt": optimizer}, state)
    assert load(str(tmp_path)) == 0
    save(str(tmp_path), 7)
    model.value, optimizer.value = 10, 20
    state.clear()
    state["other"] = 1
    assert load(str(tmp_path)) == 7
    assert (model.value, optimizer.value) == (1, 2)
    assert state == {"best": 0.5, "history": [1, 2]}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.json"]


def test_a_save_that_fails_leaves_the_checkpoint_before(
    tmp_path: Path, torch_stand_in: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Part(1)
    load, save = pytorch_load_save_functions({"model": model}, fname="model.pt")
    save(str(tmp_path), 1)

    def broken(value: Any, path: Path) -> None:
        Path(path).write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(torch_stand_in, "save", broken)
    with pytest.raises(OSError, match="disk full"):
        save(str(tmp_path), 2)
    assert load(str(tmp_path)) == 1


def test_objects_without_a_state_are_refused() -> None:
    with pytest.raises(TypeError, match=r"state_dict_objects\['model'\]=3 has no method"):
        pytorch_load_save_functions({"model": 3})
    with pytest.raises(ValueError, match="'mutable_state' is taken"):
        pytorch_load_save_functions({"mutable_state": Part(1)})


def test_a_missing_pytorch_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    _, save = pytorch_load_save_functions({"model": Part(1)})
    with pytest.raises(MissingDependencyError, match="pip install torch"):
        save(str(tmp_path), 1)


def test_scripts_do_not_load_numpy_for_these() -> None:
    code = "import sys, synetune_lab.utils; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
