"""Runs the test runners and checkers one after the other and sums up how they ended."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from .browser import VARIABLE
from .environment import BIN
from .steps import ROOT


@dataclass(frozen=True)
class Check:
    """One program to run: its part, its name in the summary, and the command."""

    part: str
    name: str
    command: list[str]


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its status, its closing line, and how long it took, in seconds."""

    check: Check
    status: int
    closing: str
    took_s: float


def _python(*arguments: str) -> list[str]:
    return [str(BIN / arguments[0]), *arguments[1:]]


def _npm(script: str) -> list[str]:
    return ["npm", "run", "--silent", script]


def checks() -> list[Check]:
    """Everything that has to pass, cheapest first."""
    return [
        Check("style", "ruff check", _python("ruff", "check", ".")),
        Check("style", "ruff format", _python("ruff", "format", "--check", ".")),
        Check("style", "biome", _npm("lint")),
        Check("style", "tsc", _npm("check")),
        Check("style", "mypy", _python("mypy")),
        Check("style", "layers", _python("pytest", "-q", "tests/test_layers.py")),
        Check("typescript", "vitest", _npm("test")),
        Check("python", "pytest", _python("pytest", "-q", "-m", "not browser and not cloud")),
        Check("browser", "pytest, browser", _python("pytest", "-q", "-m", "browser and not cloud")),
        Check("cloud", "pytest, cloud", _python("pytest", "-q", "-m", "cloud")),
    ]


def run(parts: Collection[str], chromium: Path | None) -> list[Outcome]:
    """Run the checks of the given parts, all of them even if one fails."""
    # Colours off: the closing lines are read, and a CI log is plain text.
    env = {**os.environ, "NO_COLOR": "1", "CI": "1"}
    env["PATH"] = os.pathsep.join([str(BIN), env.get("PATH", "")])
    if chromium is not None:
        env[VARIABLE] = str(chromium)
    outcomes = []
    for check in checks():
        if check.part in parts:
            print(f"\n=== {check.name}", flush=True)
            outcomes.append(_run(check, env))
    return outcomes


def repair() -> None:
    """Let the formatters and linters change what they can put right by themselves."""
    for command in (
        _python("ruff", "check", "--fix", "."),
        _python("ruff", "format", "."),
        _npm("lint:fix"),
    ):
        subprocess.run(command, cwd=ROOT, check=False)


def _run(check: Check, env: Mapping[str, str]) -> Outcome:
    start = time.monotonic()
    closing = ""
    with subprocess.Popen(
        check.command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if _is_closing(line):
                closing = line.strip()
    return Outcome(check, process.wait(), closing, time.monotonic() - start)


def _is_closing(line: str) -> bool:
    """Whether a line sums up a runner's work; the last such line of a runner counts.

    vitest puts its counts on the line of tests and says start and duration after it.
    """
    text = line.strip()
    return bool(text) and not text.startswith(("Start at", "Duration"))


def sum_up(outcomes: list[Outcome]) -> int:
    """Print how each check ended.

    Returns:
        0 if every one passed, else 1.
    """
    print("\n=== Summary")
    for outcome in outcomes:
        verdict = "ok  " if outcome.status == 0 else "FAIL"
        name, took = outcome.check.name, f"{outcome.took_s:.0f} s"
        print(f"{verdict} {name:16} {took:>6}  {outcome.closing}")
    failed = sum(outcome.status != 0 for outcome in outcomes)
    print(f"{len(outcomes) - failed} of {len(outcomes)} passed", flush=True)
    return 1 if failed else 0
