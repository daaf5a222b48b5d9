"""Every Python snippet of the documentation runs, page by page, from top to bottom."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```python(?P<options>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """The pages that hold snippets, README first."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [page for page in found if FENCE.search(page.read_text("utf-8"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_snippets_of_the_page_run(page: Path, tmp_path: Path) -> None:
    program: list[str] = []
    for match in FENCE.finditer(page.read_text("utf-8")):
        options = match["options"].split()
        named = [option for option in options if option.startswith("file=")]
        if named:
            (tmp_path / named[0].removeprefix("file=")).write_text(match["code"], "utf-8")
        elif "not-run" not in options:
            program.append(match["code"])
    script = tmp_path / "snippets.py"
    script.write_text("\n".join(program), "utf-8")
    environment = {**os.environ, "SYNETUNE_FOLDER": str(tmp_path / "runs")}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
