"""Saying what is being done, and remembering what need not be done again."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "logs"


class SetupError(Exception):
    """Something that the user has to put right; the message says what and how."""


class Step:
    """One step under way: `note` what it does, `run` what it needs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.outcome = "up to date"

    def note(self, doing: str) -> None:
        """Say, on a line of its own, what takes time here."""
        self.outcome = "done"
        print(f"      {doing} ...", flush=True)

    def run(
        self,
        command: Sequence[str],
        *,
        log: str,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
        hint: str = "",
    ) -> None:
        """Run a command quietly, its output in a log file.

        Args:
            command: The program and its arguments.
            log: Name of the log file in `build/logs`.
            cwd: Where to run it.
            env: The whole environment; None for this process's own.
            hint: What to try if it fails.

        Raises:
            SetupError: The command failed; the message holds the end of its output.
        """
        LOGS.mkdir(parents=True, exist_ok=True)
        path = LOGS / f"{log}.log"
        with path.open("wb") as output:
            try:
                code = subprocess.run(
                    command, cwd=cwd, env=env, stdout=output, stderr=subprocess.STDOUT, check=False
                ).returncode
            except OSError as error:
                raise SetupError(f"{self.name}: cannot run {command[0]}: {error}") from error
        if code:
            tail = "\n".join(path.read_text(errors="replace").splitlines()[-25:])
            raise SetupError(
                f"{self.name} failed: {' '.join(map(str, command))} ended with status {code}.\n"
                f"{tail}\n(all of it: {path})" + (f"\n{hint}" if hint else "")
            )


class Steps:
    """Numbers the steps and times them."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, flush=True)

    def announce(self, name: str) -> None:
        """Say that a step begins that speaks for itself."""
        self._done += 1
        self.say(f"[{self._done}/{self._total}] {name}")

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Announce one step, and say at its end how it went."""
        self.announce(name)
        step, start = Step(name), time.monotonic()
        yield step
        took = time.monotonic() - start
        self.say(f"      {step.outcome}" + (f" ({took:.0f} s)" if took >= 1 else ""))


def digest(paths: Iterable[Path], *more: object) -> str:
    """A hash over the contents and names of files and folders, and over further values."""
    total = hashlib.sha256(repr(more).encode())
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if file.exists():
                total.update(f"{file.relative_to(ROOT)}\0{file.stat().st_size}\0".encode())
                total.update(file.read_bytes())
    return total.hexdigest()


def is_stamped(stamp: Path, value: str) -> bool:
    """Whether the stamp file holds this very value."""
    return stamp.exists() and stamp.read_text() == value


def write_stamp(stamp: Path, value: str) -> None:
    """Remember that what `value` stands for is done."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value)


def version_of(command: Sequence[str]) -> tuple[int, ...] | None:
    """The version that a program prints, None if there is no such program."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    digits = "".join(c if c.isdigit() else " " for c in answer.stdout.split("-")[0]).split()
    return tuple(map(int, digits)) or None


def is_linux() -> bool:
    """Whether this is Linux, where a package manager may help."""
    return sys.platform.startswith("linux")
