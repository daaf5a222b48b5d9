"""A client of the panel's protocol: it holds what a browser would hold."""

from __future__ import annotations

import json
from array import array
from typing import Any

import pytest

TYPES = {"int32": "i", "float64": "d"}


class Client:
    """Takes messages in, and asks for a snapshot after a gap.

    Every message has to be strict JSON: NaN and infinities only in buffers.
    """

    def __init__(self) -> None:
        self.state: dict[str, Any] | None = None
        self.gaps = 0

    def take(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        content = json.loads(json.dumps(content, allow_nan=False))
        if content["kind"] == "snapshot":
            self.state = snapshot_state(content, buffers)
        elif content["kind"] == "delta":
            self._follow(content, buffers)

    @property
    def seq(self) -> int:
        return -1 if self.state is None else int(self.state["seq"])

    def _follow(self, delta: dict[str, Any], buffers: list[bytes]) -> None:
        state = self.state
        if state is None or delta["since"] != state["seq"]:
            self.gaps += 1
            return
        state["seq"] = delta["seq"]
        state["header"].update(delta.get("header", {}))
        for row in delta.get("trials", []):
            state["trials"][row["id"]] = row
        for name, column in columns_of(delta.get("reports"), buffers).items():
            state["reports"][name].extend(column)
        for entry in delta.get("rungs", []):
            rung = state["rungs"].setdefault(
                (entry["bracket"], entry["level"]), {"entries": {}, "cutoff": None}
            )
            rung["entries"][entry["trial"]] = entry
            if entry["cutoff"] is not None:
                rung["cutoff"] = entry["cutoff"]
        state["flags"].extend(delta.get("flags", []))
        state["best"].extend(delta.get("best", []))


def snapshot_state(content: dict[str, Any], buffers: list[bytes]) -> dict[str, Any]:
    """The state that a snapshot tells, in a form that can be compared."""
    return {
        "seq": content["seq"],
        "header": content["header"],
        "trials": {row["id"]: row for row in content["trials"]},
        "reports": columns_of(content["reports"], buffers),
        "rungs": {
            (rung["bracket"], rung["level"]): {
                "entries": {entry["trial"]: entry for entry in rung["entries"]},
                "cutoff": rung["cutoff"],
            }
            for rung in content["rungs"]
        },
        "flags": content["flags"],
        "best": content["best"],
    }


def columns_of(reports: dict[str, Any] | None, buffers: list[bytes]) -> dict[str, list[float]]:
    """The columns of reports by their names."""
    if reports is None:
        assert buffers == []
        return {}
    assert len(buffers) == len(reports["columns"])
    columns = {}
    for spec, data in zip(reports["columns"], buffers, strict=True):
        column = array(TYPES[spec["dtype"]])
        column.frombytes(data)
        assert len(column) == reports["n"], spec
        columns[spec["name"]] = column.tolist()
    return columns


def assert_same(one: Any, other: Any) -> None:
    """Equal, where NaN is equal to itself."""
    assert type(one) is type(other) or {type(one), type(other)} <= {int, float}
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        assert (
            one == pytest.approx(other, nan_ok=True, rel=1e-12) if is_float(one) else one == other
        )


def is_float(value: Any) -> bool:
    return isinstance(value, float)
