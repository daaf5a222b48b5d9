"""What the launcher tells the job besides the tuner: one JSON file in the source that is sent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["SETTINGS_FILENAME", "LaunchSettings"]

SETTINGS_FILENAME: Final = "launch.json"
_TO_SAVE_S: Final = 300.0


@dataclass(frozen=True)
class LaunchSettings:
    """How a tuner is to be run.

    Attributes:
        name: Name of the tuner.
        launch: Tells this launch from others of the same run: a job that SageMaker starts again
            goes on, one of another launch begins with the tuner that was sent.
        link_uri: The run's link, see `synetune_lab.remote.link`.
        python: The Python that saved the tuner.
        entry_point: The training script, below the source; None if it is elsewhere.
        store_logs: Whether logs and checkpoints of local trials are kept on S3.
        log_level: Level of the log.
        quiet: Whether the tuner itself logs errors only.
        interval_s: Seconds between two looks at the link.
        max_run: Seconds that the job may run.
        first_commands: What is to be done before the run goes on.
    """

    name: str
    launch: str
    link_uri: str
    python: tuple[int, int]
    entry_point: str | None = None
    store_logs: bool = False
    log_level: int = 20
    quiet: bool = False
    interval_s: float = 2.0
    max_run: int = 86400
    first_commands: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def seconds_to_tune(self) -> float:
        """Seconds until the tuner has to begin to end, so that all is saved within `max_run`."""
        return max(0.9 * self.max_run, self.max_run - _TO_SAVE_S)

    def write(self, folder: Path) -> None:
        """Write the file."""
        (folder / SETTINGS_FILENAME).write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, folder: Path) -> LaunchSettings:
        """Read the file.

        Raises:
            OSError: If there is none.
        """
        data = json.loads((folder / SETTINGS_FILENAME).read_text())
        data["python"] = tuple(data["python"])
        data["first_commands"] = [(name, args) for name, args in data["first_commands"]]
        return cls(**data)
