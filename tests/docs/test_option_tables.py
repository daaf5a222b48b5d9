"""The tables of search options say what the code says."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import (
    GPOptions,
    HyperTuneOptions,
    MultiFidelityOptions,
)

PAGE = (Path(__file__).parents[2] / "docs" / "model-based.md").read_text("utf-8")
TABLES = PAGE[PAGE.index("## All options") : PAGE.index("## What differs from Syne Tune")]
ROW = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<default>[^|]+?) \| (?P<meaning>[^|]+) \|$", re.MULTILINE
)


def documented() -> dict[str, str]:
    """The default of each option as the page has it, without what is said beside it."""
    return {row["name"]: row["default"].split(" (")[0].strip("`") for row in ROW.finditer(TABLES)}


@pytest.mark.parametrize("options", [GPOptions, MultiFidelityOptions])
def test_each_option_is_documented_with_its_default(options: type[GPOptions]) -> None:
    given = documented()
    for field in fields(options):
        assert given.get(field.name) == str(field.default), field.name


def test_no_other_options_are_documented() -> None:
    known = {field.name for field in fields(HyperTuneOptions)}
    assert set(documented()) == known | {"allow_duplicates"}
