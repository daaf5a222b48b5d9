"""Trains neural networks on handwritten digits: 600 configurations, 81 epochs, 2 seeds.

    python -m benchmarks.make_bundled.digits_mlp OUTPUT.npz

Every number is measured: scikit-learn's `MLPClassifier` is trained by stochastic gradient descent
on 1,257 digits and judged on the other 540 after each epoch; times are processor seconds of
training, without judging. Interrupted, it goes on where it was.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from synetune_lab.config_space import choice, lograndint, loguniform, randint, uniform

N_CONFIGS, N_EPOCHS, N_SEEDS = 600, 81, 2
OBJECTIVES = (
    "metric_valid_error",
    "metric_valid_loss",
    "metric_train_loss",
    "metric_elapsed_time",
)
CONFIG_SPACE = {
    "learning_rate": loguniform(1e-4, 1.0),
    "batch_size": lograndint(16, 256),
    "momentum": uniform(0.0, 0.99),
    "weight_decay": loguniform(1e-7, 1e-1),
    "n_layers": randint(1, 3),
    "n_units": lograndint(8, 128),
    "activation": choice(["relu", "tanh"]),
}


def draw_configs() -> list[dict[str, Any]]:
    """The configurations, drawn at random from the space."""
    state = np.random.RandomState(20260101)
    draws = range(N_CONFIGS)
    return [
        {name: domain.sample(random_state=state) for name, domain in CONFIG_SPACE.items()}
        for _ in draws
    ]


def train(config: dict[str, Any], seed: int) -> np.ndarray:
    """The learning curve of one configuration, of shape (epochs, objectives)."""
    images, labels = load_digits(return_X_y=True)
    x, x_valid, y, y_valid = train_test_split(
        images / 16.0, labels, test_size=540, stratify=labels, random_state=seed
    )
    model = MLPClassifier(
        hidden_layer_sizes=(config["n_units"],) * config["n_layers"],
        activation=config["activation"],
        solver="sgd",
        learning_rate_init=config["learning_rate"],
        momentum=config["momentum"],
        alpha=config["weight_decay"],
        batch_size=config["batch_size"],
        random_state=seed,
    )
    classes = np.unique(labels)
    curve = np.full((N_EPOCHS, len(OBJECTIVES)), np.nan)
    elapsed = 0.0
    for epoch in range(N_EPOCHS):
        began = time.process_time()
        try:
            model.partial_fit(x, y, classes=classes)
        except ValueError:
            break  # weights that are not finite: it has diverged
        elapsed += time.process_time() - began
        chances = model.predict_proba(x_valid)
        if not np.isfinite(chances).all():
            break
        error = float(np.mean(chances.argmax(axis=1) != y_valid))
        loss = log_loss(y_valid, np.clip(chances, 1e-7, 1.0), labels=classes)
        curve[epoch] = (error, loss, min(model.loss_, 100.0), elapsed)
    return _fill_diverged(curve)


def _fill_diverged(curve: np.ndarray) -> np.ndarray:
    """A network that has diverged guesses from then on, and goes on taking its time."""
    gone = np.flatnonzero(np.isnan(curve[:, 0]))
    if not len(gone):
        return curve
    first = int(gone[0])
    seconds = curve[first - 1, 3] / first if first else 0.02
    for epoch in range(first, len(curve)):
        curve[epoch] = (0.9, np.log(10.0), 100.0, (epoch + 1) * seconds)
    return curve


def main(path: Path) -> None:
    """Train all, and save after every tenth configuration."""
    warnings.filterwarnings("ignore")
    configs = draw_configs()
    curves = np.full((N_CONFIGS, N_SEEDS, N_EPOCHS, len(OBJECTIVES)), np.nan, np.float32)
    first = 0
    if path.exists():
        stored = np.load(path)
        curves, first = stored["curves"], int(stored["done"])
    train(configs[0], 0)  # warm up what the first one would pay for
    for index in range(first, N_CONFIGS):
        for seed in range(N_SEEDS):
            curves[index, seed] = train(configs[index], seed)
        if index % 10 == 9 or index == N_CONFIGS - 1:
            part = path.with_suffix(".part.npz")
            np.savez_compressed(part, curves=curves, done=index + 1)
            part.replace(path)
            print(f"{index + 1} of {N_CONFIGS}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
