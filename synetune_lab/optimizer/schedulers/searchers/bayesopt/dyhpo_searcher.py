"""DyHPO: paused trials and new configurations are scored alike."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.blas_threads import one_blas_thread
from synetune_lab.optimizer.schedulers.searchers.base import KEY_NEW_CONFIGURATION
from synetune_lab.optimizer.schedulers.searchers.bayesopt.candidates import (
    listed_candidates,
    random_candidates,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.data_cap import cap_dense
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_multifidelity_searcher import (
    GPMultiFidelitySearcher,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import NotEnoughDataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.base import Config
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
        Conditioned,
        ModelData,
    )

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = ["DynamicHPOSearcher"]

logger = logging.getLogger(__name__)

_BUCKET_FACTOR = 3.0
_NUM_BEATEN = 2


class DynamicHPOSearcher(GPMultiFidelitySearcher):
    """Scores what a worker could do next by the improvement expected from its next report.

    Wistuba, Kadra, Grabocka: Supervising the Multi-Fidelity Race of Hyperparameter Configurations,
    https://arxiv.org/abs/2202.09774. Parameters of the model are fitted again only after a new
    configuration was chosen.

    Args: See `GPMultiFidelitySearcher`.

    Raises:
        SchedulerError: For `model="gp_independent"`, which says nothing of levels without data.
    """

    _STATE: ClassVar[tuple[str, ...]] = (*GPMultiFidelitySearcher._STATE, "_last_was_new")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.options.model == "gp_independent":
            raise SchedulerError(
                "search_options: model='gp_independent' does not go with DyHPO, which judges "
                "trials at levels without data; take 'gp_multitask'"
            )
        self._last_was_new = True

    def get_config(self, trial_id: str | None = None, **kwargs: Any) -> Config | None:
        """See `BaseSearcher.get_config`; what was chosen by its score is handed out as it is."""
        chosen: Config | None = kwargs.pop(KEY_NEW_CONFIGURATION, None)
        if chosen is not None:
            return chosen
        return super().get_config(trial_id=trial_id, **kwargs)

    def score_paused_trials_and_new_configs(
        self, paused_trials: Sequence[tuple[str, int, int]], min_resource: int, new_trial_id: str
    ) -> dict[str, Any]:
        """What a free worker should do.

        Args:
            paused_trials: Trial, its level, and the level at which it would be judged next.
            min_resource: Level at which a new trial is judged first.
            new_trial_id: The number that a new trial would get.

        Returns:
            `{"trial_id": ...}` for a paused trial to go on, or `{"config": ...}` for a new one;
            `None` there if nothing is left to try.
        """
        is_early = self._points or (
            self._points_given + self._num_random < self.options.num_init_random
        )
        data = None if is_early or not self._has_data() else self.model_data(self._metric_name)
        if data is not None and len(data):
            try:
                with one_blas_thread():
                    return self._best_scored(data, paused_trials, min_resource, new_trial_id)
            except (FloatingPointError, np.linalg.LinAlgError, NotEnoughDataError) as error:
                logger.warning("a random configuration is tried, since the model failed: %s", error)
        config = super().get_config(trial_id=new_trial_id)
        if config is None and paused_trials:
            return {"trial_id": paused_trials[0][0]}
        return {"config": config}

    def _best_scored(
        self,
        data: ModelData,
        paused_trials: Sequence[tuple[str, int, int]],
        min_resource: int,
        new_trial_id: str,
    ) -> dict[str, Any]:
        conditioned = self._conditioned(data)
        candidates, configs = self._candidates(len(paused_trials))
        rows = [self._data.row_of(trial_id) for trial_id, _, _ in paused_trials]
        next_levels = np.array([level for _, _, level in paused_trials], dtype=np.intp)
        scores = np.concatenate(
            [
                self._scores_of_paused(conditioned, data, rows, next_levels),
                self._scores_at(conditioned, data, candidates, min_resource),
            ]
        )
        order: list[int] = np.argsort(scores, kind="stable").tolist()
        for rank, place in enumerate(order):
            is_paused = place < len(paused_trials)
            level = int(next_levels[place]) if is_paused else min_resource
            if is_paused:
                answer: dict[str, Any] = {"trial_id": paused_trials[place][0]}
                vector = self._data.vectors([rows[place] or 0])
            else:
                config = configs[place - len(paused_trials)]
                if self.should_not_suggest(config):
                    continue
                answer = {"config": config}
                vector = candidates[[place - len(paused_trials)]]
                self._hand_out(config, new_trial_id)
            self._last_was_new = not is_paused
            mean, std = self.predicted(conditioned.at(level), vector)
            self._reason = {
                "kind": "model",
                "model": self._model_name(),
                "acquisition": self.options.acq_function,
                "value": float(self.acquisition.in_own_units(scores[[place]])[0]),
                "mean": float(mean[0]),
                "std": float(std[0]),
                "level": level,
                "num_data": len(data),
                "num_paused": len(paused_trials),
                "num_candidates": len(configs),
                "beaten": [
                    {
                        "value": float(self.acquisition.in_own_units(scores[[other]])[0]),
                        "trial_id": paused_trials[other][0] if other < len(paused_trials) else None,
                    }
                    for other in order[rank + 1 : rank + 1 + _NUM_BEATEN]
                    if np.isfinite(scores[other])
                ],
            }
            return answer
        return {"config": super().get_config(trial_id=new_trial_id)}

    def _conditioned(self, data: ModelData) -> Conditioned:
        """The model given its data, fitted again if the last choice was a new configuration."""
        if not self._last_was_new and self._models:
            self._fitted_version = self._version
        self._fit_models(data)
        return self._condition_models(data)[self._metric_name]

    def _candidates(self, num_paused: int) -> tuple[FloatArray, list[Config]]:
        """New configurations, encoded and as they are: at least as many as there are paused."""
        num = max(self.options.num_init_candidates, num_paused)
        space = self.encoded_space
        restricted = self._restricted_configs()
        if restricted is not None:
            chosen, x = listed_candidates(space, restricted, num, self.random_state)
            return x, [dict(config) for config in chosen]
        x = random_candidates(space, num, self.random_state)
        return x, [self._data.space.without_fixed(config) for config in space.decode(x)]

    def _scores_of_paused(
        self,
        conditioned: Conditioned,
        data: ModelData,
        rows: Sequence[int | None],
        levels: IntArray,
    ) -> FloatArray:
        """Acquisition values of paused trials at their next levels."""
        known = np.array([-1 if row is None else row for row in rows], dtype=np.intp)
        # One that can't be encoded in the space as it is now comes last.
        scores = np.full(len(known), np.inf)
        places = np.flatnonzero(known >= 0)
        places = places[self._data.usable(known[places])]
        for level in np.unique(levels[places]).tolist():
            chosen = places[levels[places] == level]
            vectors = self._data.vectors(known[chosen])
            scores[chosen] = self._scores_at(conditioned, data, vectors, level)
        return scores

    def _scores_at(
        self, conditioned: Conditioned, data: ModelData, x: FloatArray, level: int
    ) -> FloatArray:
        """Acquisition values at a level, against the best value there, or of all levels."""
        here = data.targets[data.levels == level]
        best = float(here.min()) if len(here) else float(data.targets.min())
        values = self.acquisition.value(conditioned.at(level).predict(x), np.array([best]))
        return np.where(np.isnan(values), np.inf, values)

    def _cap(self, rows: IntArray, levels: IntArray, values: FloatArray) -> IntArray:
        most = self.options.max_size_data_for_model
        if most is None:
            return np.arange(len(values))
        buckets = [self._levels[0]]
        while buckets[-1] < self._r_max:
            buckets.append(int(np.ceil(buckets[-1] * _BUCKET_FACTOR)))
        return cap_dense(rows, levels, most, buckets, self.random_state)
