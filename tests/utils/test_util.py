"""Names, folders, dictionaries, JSON and time."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.util import (
    RegularCallback,
    catchtime,
    check_valid_sagemaker_name,
    dict_get,
    dump_json_with_numpy,
    experiment_path,
    find_first_of_type,
    is_increasing,
    is_integer,
    is_positive_integer,
    metric_name_mode,
    name_from_base,
    random_string,
    recursive_merge,
    s3_experiment_path,
    sanitize_sagemaker_name,
)


def test_folder_of_an_experiment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SM_MODEL_DIR", raising=False)
    monkeypatch.delenv("SYNETUNE_FOLDER", raising=False)
    assert experiment_path("x") == tmp_path / "syne-tune" / "x"
    assert experiment_path() == tmp_path / "syne-tune"
    # In quotes, a shell hands a leading ~ over as it is.
    monkeypatch.setenv("SYNETUNE_FOLDER", "~/runs")
    assert experiment_path("x") == tmp_path / "runs" / "x"
    assert experiment_path("x", local_path="~/here") == tmp_path / "here" / "x"
    monkeypatch.setenv("SM_MODEL_DIR", "/opt/ml/model")
    assert experiment_path("x", local_path="~/here") == Path("/opt/ml/checkpoints/x")


def test_folder_on_s3() -> None:
    assert s3_experiment_path("b") == "s3://b/syne-tune/"
    assert s3_experiment_path("b", "exp", "tuner") == "s3://b/syne-tune/exp/tuner/"


def test_names() -> None:
    assert re.fullmatch(r"my-exp-\d{4}(-\d\d){5}-\d{3}", name_from_base("my-exp", "x"))
    assert name_from_base(None, "default").startswith("default-2")
    assert len(name_from_base("x" * 90, "y")) == 63
    assert len(name_from_base("x" * 90, "y", max_length=40)) == 40
    with pytest.raises(ValueError, match="max_length=20"):
        name_from_base("x", "y", max_length=20)


def test_sagemaker_names() -> None:
    check_valid_sagemaker_name("a-b1")
    for bad in ("", "-a", "a-", "a_b", "a" * 64, "a b"):
        with pytest.raises(ValueError, match="letters and digits"):
            check_valid_sagemaker_name(bad)
    assert sanitize_sagemaker_name("ab_c/d.e f-") == "ab-c-d-e-f"
    with pytest.raises(ValueError, match="letters and digits"):
        sanitize_sagemaker_name("___")


@given(st.text(max_size=200))
def test_sanitised_names_are_valid(text: str) -> None:
    if re.search("[a-zA-Z0-9]", text):
        check_valid_sagemaker_name(sanitize_sagemaker_name(text))


def test_random_strings_differ() -> None:
    assert len(random_string(12)) == 12
    assert random_string(12).isalnum()
    assert random_string(12) != random_string(12)
    assert random_string(0) == ""


def test_lists() -> None:
    assert is_increasing([])
    assert is_increasing([1])
    assert is_increasing([1, 2.5, 3])
    assert not is_increasing([1, 1])
    assert is_integer([1, -2])
    assert not is_integer([1, True])
    assert not is_integer([1.0])
    assert is_positive_integer([1, 2])
    assert not is_positive_integer([0, 1])
    assert find_first_of_type([1, "a", "b"], str) == "a"
    assert find_first_of_type([1], str) is None


def test_dictionaries() -> None:
    assert dict_get({"a": None, "b": 0}, "a", 3) == 3
    assert dict_get({"a": None, "b": 0}, "b", 3) == 0
    assert dict_get({}, "c", 3) == 3
    a = {"x": {"y": 1, "z": 2}, "w": 1}
    assert recursive_merge(a, {"x": {"y": 3}, "v": {}}) == {"x": {"y": 3, "z": 2}, "w": 1, "v": {}}
    assert a == {"x": {"y": 1, "z": 2}, "w": 1}
    assert recursive_merge(a, {"x": {"y": 3}}, stop_keys=["x"]) == {"x": {"y": 3}, "w": 1}
    assert recursive_merge(a, {}) == a
    assert recursive_merge({"x": 1}, {"x": {"y": 2}}) == {"x": {"y": 2}}


def test_metrics_by_name_and_position() -> None:
    assert metric_name_mode(["a", "b"], "min", "b") == ("b", "min")
    assert metric_name_mode(["a", "b"], ["min", "max"], 1) == ("b", "max")
    with pytest.raises(ValueError, match=r"metric='c' must be one of \['a', 'b'\]"):
        metric_name_mode(["a", "b"], "min", "c")
    with pytest.raises(ValueError, match="metric=2"):
        metric_name_mode(["a", "b"], "min", 2)


def test_json_with_numpy(tmp_path: Path) -> None:
    x: dict[str, Any] = {
        "a": np.int64(3),
        "b": np.float32(0.5),
        "c": np.arange(3),
        "d": [np.bool_(1)],
    }
    plain = {"a": 3, "b": 0.5, "c": [0, 1, 2], "d": [True]}
    assert json.loads(dump_json_with_numpy(x)) == plain
    assert dump_json_with_numpy(x, tmp_path / "x.json") is None
    assert json.loads((tmp_path / "x.json").read_text()) == plain
    with pytest.raises(TypeError, match="can't be written as JSON"):
        dump_json_with_numpy({"a": object()})


def test_a_regular_callback_waits_between_calls() -> None:
    now, calls = [0.0], []
    callback = RegularCallback(calls.append, 10, clock=lambda: now[0])
    for time in (0.0, 9.9, 10.0, 15.0, 25.0):
        now[0] = time
        callback(time)
    assert calls == [0.0, 10.0, 25.0]


def test_catchtime(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with catchtime("work") as elapsed:
        assert elapsed() >= 0
    assert caplog.records[0].message.startswith("work took ")
