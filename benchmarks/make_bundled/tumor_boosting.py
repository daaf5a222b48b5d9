"""Trains boosted trees on the breast-cancer data: 4 tasks, 300 configurations, 64 rounds, 2 seeds.

    python -m benchmarks.make_bundled.tumor_boosting OUTPUT.npz

The 30 features of a tumour's cells are 10 properties, each with its mean, its error and its
worst value. A task is to tell malign from benign ones by one of these groups, or by all: related
tasks, for transfer learning. Every number is measured: scikit-learn's `GradientBoostingClassifier`
is fitted in 3-fold cross-validation and judged after each round; times are processor seconds of
fitting, all folds together. Interrupted, it goes on where it was.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from synetune_lab.config_space import lograndint, loguniform, randint, uniform

N_CONFIGS, N_ROUNDS, N_SEEDS = 300, 64, 2
OBJECTIVES = ("metric_valid_loss", "metric_valid_error", "metric_elapsed_time")
TASKS = {
    "mean": slice(0, 10),
    "error": slice(10, 20),
    "worst": slice(20, 30),
    "all": slice(0, 30),
}
CONFIG_SPACE = {
    "learning_rate": loguniform(5e-3, 1.0),
    "max_depth": randint(1, 8),
    "subsample": uniform(0.3, 1.0),
    "max_features": uniform(0.1, 1.0),
    "min_samples_leaf": lograndint(1, 64),
}


def draw_configs() -> list[dict[str, Any]]:
    """The configurations, drawn at random from the space."""
    state = np.random.RandomState(20260102)
    return [
        {name: domain.sample(random_state=state) for name, domain in CONFIG_SPACE.items()}
        for _ in range(N_CONFIGS)
    ]


def train(config: dict[str, Any], task: str, seed: int) -> np.ndarray:
    """The learning curve of one configuration, of shape (rounds, objectives)."""
    features, labels = load_breast_cancer(return_X_y=True)
    features = features[:, TASKS[task]]
    chances = np.zeros((N_ROUNDS, len(labels)))
    times = np.zeros(N_ROUNDS)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    for fitted, judged in folds.split(features, labels):
        model = GradientBoostingClassifier(n_estimators=N_ROUNDS, random_state=seed, **config)
        rounds: list[float] = []

        def note(index: int, *_: object, rounds: list[float] = rounds) -> bool:
            del index
            rounds.append(time.process_time())
            return False

        began = time.process_time()
        model.fit(features[fitted], labels[fitted], monitor=note)
        times += np.asarray(rounds) - began
        for index, stage in enumerate(model.staged_predict_proba(features[judged])):
            chances[index, judged] = stage[:, 1]
    clipped = np.clip(chances, 1e-6, 1 - 1e-6)
    losses = [log_loss(labels, row) for row in clipped]
    errors = np.mean((chances > 0.5) != labels, axis=1)
    return np.stack([losses, errors, times], axis=1)


def main(path: Path) -> None:
    """Train all, and save after every tenth configuration."""
    warnings.filterwarnings("ignore")
    configs = draw_configs()
    shape = (len(TASKS), N_CONFIGS, N_SEEDS, N_ROUNDS, len(OBJECTIVES))
    curves, first = np.full(shape, np.nan, np.float32), 0
    if path.exists():
        stored = np.load(path)
        curves, first = stored["curves"], int(stored["done"])
    train(configs[0], "all", 0)  # warm up what the first one would pay for
    for index in range(first, N_CONFIGS):
        for number, task in enumerate(TASKS):
            for seed in range(N_SEEDS):
                curves[number, index, seed] = train(configs[index], task, seed)
        if index % 10 == 9 or index == N_CONFIGS - 1:
            part = path.with_suffix(".part.npz")
            np.savez_compressed(part, curves=curves, done=index + 1)
            part.replace(path)
            print(f"{index + 1} of {N_CONFIGS}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
