"""What trials of these tests run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synetune_lab.backend.ray_backend.hosted import HostedFunction
from synetune_lab.engine.events import TrialReported

if TYPE_CHECKING:
    from synetune_lab.engine.events import Event


def counting(steps: int, gate: str, pid_file: str, st_checkpoint_dir: str) -> None:
    """Count up to `steps`, and from 3 on only once the file `gate` is there.

    It writes a checkpoint at every second step, so that one that was lost repeats reports.
    """
    import os
    import time
    from pathlib import Path

    from synetune_lab import Reporter

    report = Reporter()
    checkpoint = Path(st_checkpoint_dir) / "step"
    first = int(checkpoint.read_text()) + 1 if checkpoint.exists() else 1
    Path(pid_file).write_text(f"{os.getpid()} {first}")
    for step in range(first, steps + 1):
        if step % 2 == 0:
            checkpoint.parent.mkdir(parents=True, exist_ok=True)
            draft = checkpoint.with_name("draft")
            draft.write_text(str(step))
            draft.replace(checkpoint)
        report(epoch=step, loss=1.0 / step)
        while step >= 3 and not Path(gate).exists():
            time.sleep(0.01)


def short(steps: int) -> None:
    """Report some times."""
    from synetune_lab import Reporter

    report = Reporter()
    for step in range(1, steps + 1):
        report(epoch=step, loss=1.0 / step)


def seeing_gpus(gate: str) -> None:
    """Report which GPUs there are, and end once the file `gate` is there."""
    import os
    import time
    from pathlib import Path

    from synetune_lab import Reporter

    Reporter()(gpus=os.environ.get("CUDA_VISIBLE_DEVICES"))
    while not Path(gate).exists():
        time.sleep(0.01)


class Counter:
    """A class trainable that counts; `x` is added with each step."""

    made = 0

    def setup(self, config: dict[str, Any]) -> None:
        type(self).made += 1
        self.config = config
        self.total = 0.0
        self.resets = 0

    def step(self) -> dict[str, Any]:
        import os

        if self.config.get("fails"):
            raise RuntimeError("this one fails")
        self.total += self.config["x"]
        return {"total": self.total, "resets": self.resets, "pid": os.getpid()}

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        return {"total": self.total}

    def load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.total = checkpoint["total"]

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        if "fails" in new_config:
            return False
        self.config, self.total = new_config, 0.0
        self.resets += 1
        return True

    def cleanup(self) -> None:
        print("cleaned up")  # noqa: T201 - to be found in the log


class OfFiles:
    """A class trainable whose checkpoint is a folder, and that ends by itself."""

    def setup(self, config: dict[str, Any]) -> None:
        self.count = 0

    def step(self) -> dict[str, Any]:
        self.count += 1
        return {"count": self.count, "done": self.count == 3}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        from pathlib import Path

        (Path(checkpoint_dir) / "count").write_text(str(self.count))

    def load_checkpoint(self, checkpoint: str) -> None:
        from pathlib import Path

        self.count = int((Path(checkpoint) / "count").read_text())


class Tidy:
    """A class trainable that says in a file that it has cleaned up."""

    def setup(self, config: dict[str, Any]) -> None:
        self.config = config

    def step(self) -> dict[str, Any]:
        import os

        if self.config.get("fails"):
            raise RuntimeError("this one fails")
        return {"x": self.config["x"], "pid": os.getpid(), "done": True}

    def cleanup(self) -> None:
        import time
        from pathlib import Path

        if self.config.get("hangs"):
            time.sleep(1000)
        if self.config.get("breaks"):
            raise RuntimeError("what was opened is not there any more")
        with Path(self.config["path"]).open("a") as file:
            file.write(f"{self.config['x']}\n")


class TidyAndReused(Tidy):
    """The same, but one object serves all trials."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.config = new_config
        return True


def gated(steps: int, gates: str, st_checkpoint_dir: str) -> None:
    """Report `steps` times, from the second on each time once the file `gates`/{step} is there."""
    import time
    from pathlib import Path

    from synetune_lab import Reporter

    report = Reporter()
    for step in range(1, steps + 1):
        while step > 1 and not (Path(gates) / str(step)).exists():
            time.sleep(0.01)
        Path(st_checkpoint_dir).mkdir(parents=True, exist_ok=True)
        (Path(st_checkpoint_dir) / "step").write_text(str(step))
        report(epoch=step)


def drafting(steps: int, st_checkpoint_dir: str) -> None:
    """Write checkpoints to folders of their own, which are renamed when they are whole."""
    import shutil
    from pathlib import Path

    from synetune_lab import Reporter

    report = Reporter()
    root = Path(st_checkpoint_dir)
    root.mkdir(parents=True, exist_ok=True)
    for step in range(1, steps + 1):
        report(epoch=step)
        for attempt in range(20):  # a report is sent meanwhile
            draft = root / f"draft_{attempt}"
            draft.mkdir()
            for number in range(3):
                (draft / str(number)).write_text(str(step))
            draft.replace(root / f"{attempt}")
            shutil.rmtree(root / f"{attempt - 1}", ignore_errors=True)
        (root / "19").replace(root / f"step_{step}")
        shutil.rmtree(root / f"step_{step - 1}", ignore_errors=True)


class Stumbling(HostedFunction):
    """What looks after trials fails once trial 0 has reported."""

    def wait_events(self, timeout: float | None) -> list[Event]:
        events = super().wait_events(timeout)
        if any(isinstance(event, TrialReported) and event.trial_id == 0 for event in events):
            raise OSError("the watch has failed")
        return events
