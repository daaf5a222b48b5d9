"""A run whose process is killed is gone on with by the same script."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, os, signal, time
from pathlib import Path
from synetune_lab import tune

class Slow(tune.Trainable):
    def setup(self, config):
        self.count = 0

    def step(self):
        while self.count >= 2 and not Path("release").exists():
            time.sleep(0.01)
        self.count += 1
        return {"score": self.count * self.config["a"]}

    def save_checkpoint(self, folder):
        return {"count": self.count}

    def load_checkpoint(self, checkpoint):
        self.count = checkpoint["count"]

class Kill(tune.Callback):
    def on_trial_result(self, iteration, trials, trial, result, **info):
        if not Path("killed").exists():
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

analysis = tune.run(
    Slow,
    name="killed",
    local_dir="runs",
    config={"a": tune.grid_search([1.0, 2.0]), "f": tune.sample_from(lambda spec: spec.config.a)},
    stop=lambda trial_id, result: result["training_iteration"] >= 4,
    metric="score",
    mode="max",
    resume="AUTO",
    callbacks=[Kill()],
    max_concurrent_trials=1,
    verbose=0,
)
print(json.dumps([[row["score"] for row in trial.history] for trial in analysis.trials]))
"""


def test_a_killed_run_goes_on_without_losing_a_result(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "script.py"]
    first = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert first.returncode == -signal.SIGKILL
    (tmp_path / "release").touch()
    again = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == [[1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]]


def test_what_a_trial_imports_is_light() -> None:
    program = (
        "import sys; from synetune_lab import tune; tune.report, tune.Trainable\n"
        "import synetune_lab.tune.trial_process\n"
        "print(sorted({'numpy', 'pandas', 'scipy', 'dill', 'psutil', 'plotly'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
