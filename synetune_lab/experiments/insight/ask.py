"""Asking for the next suggestion, without changing the run."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import Domain
from synetune_lab.errors import SynetuneLabError
from synetune_lab.experiments.insight.suggestion import Suggestion
from synetune_lab.store.pickling import dumps, loads

if TYPE_CHECKING:
    from synetune_lab.engine.engine import TuningEngine
    from synetune_lab.experiments.insight.surrogate import Surrogate
    from synetune_lab.optimizer.scheduler import TrialScheduler
    from synetune_lab.tuner import Tuner

__all__ = ["Asked", "ask_model", "ask_scheduler", "expected"]

_MODEL = "GPFIFOSearcher"


@dataclass(frozen=True)
class Asked:
    """An answer to the question what comes next.

    Attributes:
        by: Who gave it.
        config: The configuration with constants; None if there is nothing to try.
        resumes: The paused trial that it is of, if it is no new one.
        reason: Why.
    """

    by: str
    config: dict[str, Any] | None
    resumes: int | None = None
    reason: Mapping[str, Any] | None = None


def ask_scheduler(tuner: Tuner) -> Asked:
    """What a run would do with a free worker now. A copy of the scheduler is asked.

    Raises:
        SynetuneLabError: If the scheduler can't be copied.
    """
    session = tuner.current_session
    if session is None:
        waiting = _waiting(tuner.engine)
    else:
        # Between two events, so that the copy is of one moment; the copy is asked outside.
        waiting = session.read(_waiting).result()
    if isinstance(waiting, Asked):
        return waiting
    scheduler, number = waiting
    suggestion = scheduler.suggest(number)
    by = type(scheduler).__name__
    if suggestion is None:
        return Asked(by, None)
    reason = scheduler.reason()
    if suggestion.spawn_new_trial_id:
        return Asked(by, suggestion.config, None, reason)
    trial_id = suggestion.checkpoint_trial_id
    config = suggestion.config or _config_of(tuner.engine, trial_id)
    return Asked(by, config, trial_id, reason)


def _waiting(engine: TuningEngine) -> Asked | tuple[TrialScheduler, int]:
    """What waits for a worker already; else a copy of the scheduler, and the next number."""
    if engine.queue.resumes:
        trial_id = engine.queue.resumes[0]
        return Asked("the run", _config_of(engine, trial_id), trial_id, {"kind": "resumed"})
    if engine.queue.enqueued:
        return Asked("the run", dict(engine.queue.enqueued[0]), None, {"kind": "enqueued"})
    return _copied(engine.scheduler), len(engine.trials)


def _config_of(engine: TuningEngine, trial_id: int | None) -> dict[str, Any] | None:
    return None if trial_id is None else dict(engine.trials.peek(trial_id).config)


def _copied(scheduler: TrialScheduler) -> TrialScheduler:
    try:
        return copy.deepcopy(scheduler)
    except Exception as first:
        # What can't be copied may still be saved: that is asked of schedulers anyway.
        try:
            copied: TrialScheduler = loads(dumps(scheduler))
        except Exception:
            raise SynetuneLabError(
                f"{type(scheduler).__name__} can't be copied ({first}); ask with by='model'"
            ) from first
        return copied


def ask_model(
    surrogate: Surrogate,
    space: Mapping[str, Any],
    metric: str,
    mode: str,
    random_seed: int,
) -> Asked:
    """What Bayesian optimisation would try after a run, by a fresh searcher fed with its results.

    Trials that did not get to the level that is asked for count with what the model expects there.
    """
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_fifo_searcher import (
        GPFIFOSearcher,
    )

    observations = surrogate.observations
    names = set(observations.space.names)
    domains = {name: entry for name, entry in space.items() if name in names}
    searcher = GPFIFOSearcher(
        domains,
        metric,
        points_to_evaluate=[],
        mode=mode,
        random_seed=random_seed,
        num_init_random=0,
    )
    values = surrogate.predict_mean(surrogate.points)
    at_level = observations.is_at_level
    values[observations.rows[at_level]] = surrogate.tamed[at_level]
    for row, (config, value) in enumerate(zip(observations.configs, values, strict=True)):
        searcher.on_trial_result(str(row), config, {metric: float(value)}, update=True)
        if all(domain.is_valid(config[name]) for name, domain in domains.items()):
            searcher.exclude_config(config)
    found = searcher.get_config(trial_id=str(len(values)))
    if found is None:
        return Asked(_MODEL, None)
    others = {name: _usual(entry) for name, entry in space.items() if name not in names}
    return Asked(_MODEL, {**others, **found}, None, searcher.explain_last())


def _usual(entry: Any) -> Any:
    return entry.midpoint() if isinstance(entry, Domain) and not entry.is_function() else entry


def expected(
    surrogate: Surrogate, asked: Asked, metric: str, mode: str, best: tuple[int, float] | None
) -> Suggestion:
    """An answer with what the model expects of it.

    Args:
        surrogate: The model.
        asked: The answer.
        metric: Name of the metric.
        mode: `min` or `max`.
        best: Trial and value of the best so far.
    """
    space = surrogate.observations.space
    reason = dict(asked.reason or {})
    if asked.config is None:
        return Suggestion(asked.by, None, metric, mode, reason=reason)
    config = {name: asked.config[name] for name in space.names if name in asked.config}
    try:
        point = space.encode([space.complete(config, {})])
    except SynetuneLabError:  # it is of a space that was edited meanwhile
        return Suggestion(asked.by, config, metric, mode, asked.resumes, reason)
    found = surrogate.predict(point)
    mean, std = float(found.mean[0]), float(found.std[0])
    chance = gain = None
    if best is not None:
        ahead = surrogate.sign * (best[1] - mean)
        z = ahead / max(std, 1e-300)
        chance = 0.5 * math.erfc(-z / math.sqrt(2.0))
        density = math.exp(-0.5 * min(z * z, 1400.0)) / math.sqrt(2.0 * math.pi)
        gain = float(np.maximum(ahead * chance + std * density, 0.0))
    return Suggestion(
        asked.by,
        config,
        metric,
        mode,
        asked.resumes,
        reason,
        surrogate.observations.level if surrogate.observations.has_levels else None,
        mean,
        std,
        chance,
        gain,
        None if best is None else best[1],
        None if best is None else best[0],
    )
