"""What the trials of these tests run. Trials import this module by its name."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from synetune_lab import tune
from synetune_lab.report import stop_requested


def reports(config: dict[str, Any]) -> None:
    for step in range(1, config.get("steps", 3) + 1):
        tune.report(score=config["a"] * step, eval={"acc": step / 10})


def returns(config: dict[str, Any]) -> dict[str, Any]:
    return {"score": config["a"]}


def returns_number(config: dict[str, Any]) -> float:
    return config["a"] * 2.0


def yields(config: dict[str, Any]) -> Any:
    for step in range(1, 4):
        yield {"score": config["a"] * step}


def endless(config: dict[str, Any]) -> None:
    step = 0
    while True:
        step += 1
        tune.report(score=config["a"] * step)
        time.sleep(0.01)


def fails_if_told(config: dict[str, Any]) -> None:
    tune.report(score=1.0)
    if config["bad"]:
        raise ValueError("this one was told to fail")


def counts_with_checkpoints(config: dict[str, Any], checkpoint_dir: str | None = None) -> None:
    """Fails once half-way, and goes on from its checkpoint."""
    start = int((Path(checkpoint_dir) / "step").read_text()) if checkpoint_dir else 0
    for step in range(start + 1, 5):
        if step == 3 and start == 0:
            raise RuntimeError("half-way")
        with tune.checkpoint_dir(step) as folder:
            (Path(folder) / "step").write_text(str(step))
        tune.report(score=step, started_at=start)


def fails_until_released(config: dict[str, Any]) -> None:
    """Where `a` is 2, it fails at its third step until a file is there."""
    found = tune.get_checkpoint()
    began = found.to_dict()["step"] if found else 0
    for step in range(began + 1, 5):
        if step == 3 and config["a"] == 2.0 and not Path(config["release"]).exists():
            raise RuntimeError("not yet")
        metrics = {"score": config["a"] * step, "began": began, "id": tune.get_trial_id()}
        tune.report(metrics, checkpoint=tune.Checkpoint.from_dict({"step": step}))


def saves_with_reports(config: dict[str, Any]) -> None:
    found = tune.get_checkpoint()
    step = int((Path(found.path) / "step").read_text()) if found else 0
    folder = Path(tune.get_trial_dir() or ".") / "mine"
    folder.mkdir(exist_ok=True)
    while True:
        step += 1
        (folder / "step").write_text(str(step))
        tune.report({"score": config["a"] * step}, checkpoint=tune.Checkpoint(folder))


def says_who_it_is(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "score": 1.0,
        "id": tune.get_trial_id(),
        "name": tune.get_trial_name(),
        "run": tune.get_context().get_experiment_name(),
        "config": sorted(config),
        "cpu": (tune.get_trial_resources() or {})["cpu"],
        "enabled": tune.is_session_enabled(),
    }


def adds_data(config: dict[str, Any], data: list[float]) -> dict[str, Any]:
    return {"score": config["a"] + sum(data)}


class Counter(tune.Trainable):
    """Counts, and tells how it came to be."""

    def setup(self, config: dict[str, Any]) -> None:
        self.count = 0
        self.came = "setup"

    def step(self) -> dict[str, Any]:
        self.count += 1
        a = self.config["a"]
        return {"score": a * self.count, "a": a, "count": self.count, "came": self.came}

    def save_checkpoint(self, checkpoint_dir: str) -> Any:
        return {"count": self.count}

    def load_checkpoint(self, checkpoint: Any) -> None:
        self.count = checkpoint["count"]
        self.came += "+load"

    def cleanup(self) -> None:
        (Path(self.logdir) / "cleaned").write_text(str(self.count))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.came += "+reset"
        return True


class FileCounter(Counter):
    """Saves to a file of its own, and tells when to save and to end."""

    def step(self) -> dict[str, Any]:
        result = super().step()
        return {**result, "should_checkpoint": self.count == 2, "done": self.count == 3}

    def save_checkpoint(self, checkpoint_dir: str) -> Any:
        path = Path(checkpoint_dir) / "count.txt"
        path.write_text(str(self.count))
        return str(path)

    def load_checkpoint(self, checkpoint: Any) -> None:
        self.count = int(Path(checkpoint).read_text())
        self.came += "+load"


class WaitsForRelease(Counter):
    """Does two steps, then waits until a file is there or it is asked to end; the worst doesn't."""

    def step(self) -> dict[str, Any]:
        release = Path(self.config["release"])
        waits = self.count >= 2 and self.config["a"] != 1.0
        while waits and not release.exists() and stop_requested() is None:
            time.sleep(0.01)
        return super().step()


class Reporting(tune.Trainable):
    def step(self) -> dict[str, Any]:
        tune.report(score=1)
        return {"score": 1}


class WithData(tune.Trainable):
    def setup(self, config: dict[str, Any], data: list[float]) -> None:
        self.total = config["a"] + sum(data)

    def step(self) -> dict[str, Any]:
        return {"score": self.total, "done": True}


class NoCheckpoints(tune.Trainable):
    def step(self) -> dict[str, Any]:
        return {"score": 1}
