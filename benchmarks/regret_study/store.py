"""What was run: a file that several studies may add to at once."""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One run of one method on one function.

    Attributes:
        method: Name of the method.
        version: Of the method's package.
        function: Name of the function.
        seed: Seed of the method.
        values: The value of each evaluation.
        seconds: What all suggestions took together.
        at: When it ended.
    """

    method: str
    version: str
    function: str
    seed: int
    values: list[float]
    seconds: float
    at: str

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What tells runs apart; a longer one stands for a shorter one, too."""
        return self.method, self.version, self.function, self.seed


def load(file: Path) -> dict[tuple[str, str, str, int], Run]:
    """The longest run of each key."""
    runs: dict[tuple[str, str, str, int], Run] = {}
    if file.exists():
        for entry in json.loads(file.read_text())["runs"]:
            run = Run(**entry)
            known = runs.get(run.key)
            if known is None or len(known.values) <= len(run.values):
                runs[run.key] = run
    return runs


def add(file: Path, run: Run) -> None:
    """Add a run to those in the file, under a lock."""
    file.parent.mkdir(exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = load(file)
        runs[run.key] = run
        lines = ",\n".join(json.dumps(asdict(one)) for one in runs.values())
        fresh = file.with_suffix(".fresh")
        fresh.write_text(f'{{"runs": [\n{lines}\n]}}\n')
        fresh.replace(file)


def latest_version(runs: dict[tuple[str, str, str, int], Run], method: str) -> str | None:
    """The version of a method that was run last."""
    own = [run for run in runs.values() if run.method == method]
    return max(own, key=lambda run: run.at).version if own else None
