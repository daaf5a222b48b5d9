"""Small problems for searchers with models, and what drives a searcher as a scheduler would."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from synetune_lab.config_space import Domain, uniform

QUICK = {"num_init_candidates": 60, "opt_maxiter": 15, "opt_nstarts": 1}
"""Options that make a suggestion cost little."""

SPACE = {"x": uniform(0.0, 1.0), "y": uniform(-2.0, 2.0), "epochs": 9}


def bowl(config: dict[str, Any]) -> float:
    """Smallest, 0, at x = 0.3 and y = 0.8."""
    return float((config["x"] - 0.3) ** 2 + 0.1 * (config["y"] - 0.8) ** 2)


def suggest(searcher: Any, trial_id: int) -> dict[str, Any] | None:
    """The next configuration with the constants of the space, as a scheduler would start it."""
    config = searcher.get_config(trial_id=str(trial_id))
    if config is None:
        return None
    json.dumps(searcher.explain_last(), allow_nan=False)
    constants = {k: v for k, v in searcher.config_space.items() if not isinstance(v, Domain)}
    config = {**config, **constants}
    searcher.register_pending(str(trial_id), config)
    return config


def tell(searcher: Any, trial_id: int, config: dict[str, Any], value: float, **more: Any) -> None:
    """A trial ends."""
    result = {"loss": value, **more}
    searcher.on_trial_result(str(trial_id), config, result, update=True)
    searcher.cleanup_pending(str(trial_id))


def run(searcher: Any, count: int, function: Any = bowl, start: int = 0) -> list[Any]:
    """Runs trials one after the other; their configurations, None where nothing was left."""
    configs = []
    for trial_id in range(start, start + count):
        config = suggest(searcher, trial_id)
        configs.append(config)
        if config is not None:
            tell(searcher, trial_id, config, function(config))
    return configs


def best_of(searcher: Any, count: int, function: Any = bowl) -> float:
    """The smallest value after some trials."""
    return float(np.min([function(config) for config in run(searcher, count, function)]))
