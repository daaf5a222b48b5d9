"""Scripts as one writes them for Ray Tune run here when their imports are changed.

They follow the Key Concepts page of Ray Tune, concept by concept. The imports are changed by the
table of `docs/tune.md`, which these tests read.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tune.md").read_text("utf-8")
ROW = re.compile(r"^\| `(?P<ray>[^`|]*\bray\b[^`|]*)` \| `(?P<ours>[^`|]+)` \|$", re.MULTILINE)

OBJECTIVE = """
def objective(x, a, b):
    return a * x**0.5 + b
"""
FUNCTION = (
    OBJECTIVE
    + """
def trainable(config):
    for x in range(20):
        tune.report({"score": objective(x, config["a"], config["b"])})
"""
)
CLASS = (
    OBJECTIVE
    + """
class Steps(tune.Trainable):
    def setup(self, config):
        self.x, self.a, self.b = 0, config["a"], config["b"]

    def step(self):
        score = objective(self.x, self.a, self.b)
        self.x += 1
        return {"score": score}

    def save_checkpoint(self, checkpoint_dir):
        return {"x": self.x}

    def load_checkpoint(self, checkpoint):
        self.x = checkpoint["x"]
"""
)
SPACE = """
space = {"a": tune.uniform(0, 1), "b": tune.uniform(0, 1)}
"""
HEAD = "from ray import tune\n"

SCRIPTS = {
    "function trainable": HEAD + FUNCTION + 'tune.run(trainable, config={"a": 2, "b": 4})',
    "class trainable": HEAD
    + CLASS
    + """
analysis = tune.run(Steps, config={"a": 2, "b": 4}, stop={"training_iteration": 20})
assert analysis.trials[0].last_result["score"] > 12
""",
    "report by keywords": HEAD
    + """
def trainable(config):
    tune.report(score=config["a"])

assert tune.run(trainable, config={"a": 3}).trials[0].last_result["score"] == 3
""",
    "trials": HEAD
    + FUNCTION
    + """
analysis = tune.run(
    trainable, config={"a": 2, "b": 4}, num_samples=3, resources_per_trial={"cpu": 1}
)
for trial in analysis.trials:
    assert trial.config == {"a": 2, "b": 4}
    assert trial.trial_id in str(trial)
    assert trial.placement_group_factory.required_resources["CPU"] == 1
""",
    "tuner": HEAD
    + FUNCTION
    + SPACE
    + """
tuner = tune.Tuner(trainable, param_space=space, tune_config=tune.TuneConfig(num_samples=4))
assert len(tuner.fit()) == 4
""",
    "search spaces": HEAD
    + """
config = {
    "uniform": tune.uniform(-5, -1),
    "quniform": tune.quniform(3.2, 5.4, 0.2),
    "loguniform": tune.loguniform(1e-4, 1e-1),
    "qloguniform": tune.qloguniform(1e-4, 1e-1, 5e-5),
    "randn": tune.randn(10, 2),
    "qrandn": tune.qrandn(10, 2, 0.2),
    "randint": tune.randint(-9, 15),
    "qrandint": tune.qrandint(-21, 12, 3),
    "lograndint": tune.lograndint(1, 10),
    "qlograndint": tune.qlograndint(1, 10, 2),
    "choice": tune.choice(["a", "b", "c"]),
    "func": tune.sample_from(lambda spec: spec.config.uniform * 0.01),
    "grid": tune.grid_search([32, 64, 128]),
}

def trainable(config):
    return {"difference": config["func"] - config["uniform"] * 0.01}

analysis = tune.run(trainable, config=config)
assert [trial.config["grid"] for trial in analysis.trials] == [32, 64, 128]
assert all(trial.last_result["difference"] == 0 for trial in analysis.trials)
""",
    "search algorithms": HEAD
    + "from ray.tune.search import ConcurrencyLimiter\n"
    + "from ray.tune.search.bayesopt import BayesOptSearch\n"
    + FUNCTION
    + """
algorithm = ConcurrencyLimiter(BayesOptSearch(random_search_steps=4), max_concurrent=1)
tuner = tune.Tuner(
    trainable,
    tune_config=tune.TuneConfig(
        metric="score", mode="min", search_alg=algorithm, num_samples=2
    ),
    run_config=tune.RunConfig(stop={"training_iteration": 20}),
    param_space={"a": tune.uniform(0, 1), "b": tune.uniform(0, 20)},
)
assert len(tuner.fit()) == 2
""",
    "schedulers": HEAD
    + "from ray.tune.schedulers import HyperBandScheduler\n"
    + CLASS
    + SPACE
    + """
hyperband = HyperBandScheduler(metric="score", mode="max")
analysis = tune.run(
    Steps,
    config=space,
    num_samples=5,
    scheduler=hyperband,
    stop={"training_iteration": 20},
)
assert {trial.status for trial in analysis.trials} == {"TERMINATED"}
""",
    "a scheduler and a function without checkpoints": HEAD
    + "from ray.tune.schedulers import HyperBandScheduler\n"
    + FUNCTION
    + SPACE
    + """
hyperband = HyperBandScheduler(metric="score", mode="max")
tune.run(trainable, config=space, num_samples=3, scheduler=hyperband)
""",
    "analysis": HEAD
    + CLASS
    + SPACE
    + """
analysis = tune.run(
    Steps,
    config=space,
    metric="score",
    mode="min",
    num_samples=2,
    stop={"training_iteration": 3},
    checkpoint_at_end=True,
)
assert set(analysis.best_trial.config) == {"a", "b"} == set(analysis.best_config)
assert analysis.best_checkpoint.to_dict() == {"x": 3}
assert analysis.best_result["score"] == analysis.best_result_df["score"].iloc[0]
assert len(analysis.results_df) == 2
assert len(analysis.dataframe(metric="score", mode="max")) == 2
assert [len(frame) for frame in analysis.trial_dataframes.values()] == [3, 3]
""",
    "result grid": HEAD
    + FUNCTION
    + SPACE
    + """
tuner = tune.Tuner(
    trainable, param_space=space, tune_config=tune.TuneConfig(metric="score", mode="min")
)
results = tuner.fit()
best = results.get_best_result()
assert best.checkpoint is None
assert set(best.config) == {"a", "b"}
assert len(best.metrics_dataframe) == 20
assert best.metrics["training_iteration"] == 20
assert len(results.get_dataframe()) == len(
    results.get_dataframe(filter_metric="score", filter_mode="max")
)
""",
    "session of train": HEAD
    + """
from ray import train
from ray.train import Checkpoint, RunConfig

def trainable(config):
    context = train.get_context()
    assert context.get_experiment_name() == "named"
    found = train.get_checkpoint()
    start = found.to_dict()["step"] if found else 0
    for step in range(start + 1, 4):
        train.report({"score": step}, checkpoint=Checkpoint.from_dict({"step": step}))
    assert context.get_trial_name().endswith(context.get_trial_id())

tuner = tune.Tuner(trainable, run_config=RunConfig(name="named"))
(result,) = tuner.fit()
assert result.error is None
assert result.checkpoint.to_dict() == {"step": 3}
""",
    "session of air": HEAD
    + """
from ray import air
from ray.air import session

def trainable(config):
    session.report({"score": 1})

tuner = tune.Tuner(trainable, run_config=air.RunConfig(name="named"))
assert tuner.fit().num_errors == 0
""",
    "names of trials": HEAD
    + """
def name(trial):
    return f"a={trial.config['a']} ({trial.trial_id})"

def trainable(config):
    return {"name": tune.get_context().get_trial_name(), "score": 1}

analysis = tune.run(
    trainable, config={"a": tune.grid_search([1, 2])}, trial_name_creator=name
)
for trial in analysis.trials:
    assert str(trial) == f"a={trial.config['a']} ({trial.trial_id})" == trial.last_result["name"]
""",
    "placement groups": HEAD
    + """
from datetime import timedelta
from ray.tune import CLIReporter

def trainable(config):
    return {"score": tune.get_context().get_trial_resources()["cpu"]}

factory = tune.PlacementGroupFactory([{"CPU": 0.5}, {"CPU": 0.5}])
results = tune.Tuner(
    tune.with_resources(trainable, factory),
    tune_config=tune.TuneConfig(time_budget_s=timedelta(hours=1)),
    run_config=tune.RunConfig(
        progress_reporter=CLIReporter(metric_columns=["score"], max_error_rows=5)
    ),
).fit()
assert results[0].metrics["score"] == 1
""",
}


def changed_imports(script: str) -> str:
    """The script with each import replaced as the page says."""
    rows = sorted(ROW.findall(PAGE), key=lambda row: -len(row[0]))
    assert len(rows) >= 5
    for theirs, ours in rows:
        script = re.sub(rf"^{re.escape(theirs)}", ours, script, flags=re.MULTILINE)
    assert not re.search(r"\bray\b", script)
    return script


@pytest.mark.parametrize("concept", list(SCRIPTS))
def test_a_script_for_ray_tune_runs_with_other_imports(concept: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(changed_imports(SCRIPTS[concept]), "utf-8")
    settings = {"SYNETUNE_FOLDER": str(tmp_path / "runs"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "== Status ==" in done.stdout
