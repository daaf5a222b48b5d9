"""BoTorch on the data of this task and of others together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import (
    Domain,
    choice,
    make_hyperparameter_ranges,
    ordinal,
)
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.arguments import nearest_name
from synetune_lab.optimizer.schedulers.fifo import FIFOScheduler
from synetune_lab.optimizer.schedulers.random_seeds import generate_random_seed
from synetune_lab.optimizer.schedulers.searchers.botorch.botorch_searcher import BoTorchSearcher
from synetune_lab.optimizer.schedulers.transfer_learning.evaluations import (
    TransferLearningTaskEvaluations,
    check_evaluations,
)

if TYPE_CHECKING:
    from synetune_lab.config_space.ranges import HyperparameterRanges
    from synetune_lab.optimizer.schedulers.searchers.base import Config, SpaceEditReport
    from synetune_lab.optimizer.schedulers.searchers.botorch.gaussian_process import BotorchModel

__all__ = ["BoTorchTransfer", "BoTorchTransferSearcher"]

_TASK = "st_task"
_SEARCH_OPTIONS = (
    "allow_duplicates",
    "input_warping",
    "max_num_observations",
    "no_fantasizing",
    "num_init_random",
    "restrict_configurations",
)


class BoTorchTransferSearcher(BoTorchSearcher):
    """`BoTorchSearcher` with the evaluations of other tasks among its data.

    The task is one more input of the model. Of each configuration of another task, its best value
    at any fidelity counts, on average over seeds, as it is: the metric should have a like scale on
    all tasks. Before there are observations on this task, what is to be improved on is the best
    that the model expects here of a configuration of the others.

    Args:
        config_space: See `BaseSearcher`.
        metric: Name of the metric, and of the objective in the evaluations.
        transfer_learning_evaluations: Evaluations of other tasks, by name.
        new_task_id: Name of this task.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        num_init_random: See `BoTorchSearcher`; observations on this task count.
        encode_tasks_ordinal: Whether tasks have an order, in which neighbours are alike: that of
            the numbers if all names are numbers, else that of the evaluations, with this task last.
            If not, each task is as different from one other as from all.
        restrict_configurations: See `StochasticAndFilterDuplicatesSearcher`.
        mode: See `BaseSearcher`.
        no_fantasizing: See `BoTorchSearcher`.
        max_num_observations: See `BoTorchSearcher`; what is observed on this task goes first.
        input_warping: See `BoTorchSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.

    Raises:
        SchedulerError: If an argument is not possible, or no configuration of another task is
            inside of the space.
        MissingDependencyError: If botorch is not installed.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        transfer_learning_evaluations: Mapping[Any, TransferLearningTaskEvaluations],
        new_task_id: Any,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = False,
        num_init_random: int = 0,
        encode_tasks_ordinal: bool = False,
        *,
        restrict_configurations: Sequence[Mapping[str, Any]] | None = None,
        mode: str = "min",
        no_fantasizing: bool = False,
        max_num_observations: int | None = 200,
        input_warping: bool = True,
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        self._evaluations = check_evaluations(transfer_learning_evaluations, config_space, metric)
        if _TASK in config_space:
            raise SchedulerError(f"config_space: {_TASK!r} stands for the task here; rename it")
        self.new_task_id = new_task_id
        self.encode_tasks_ordinal = bool(encode_tasks_ordinal)
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            allow_duplicates,
            restrict_configurations,
            mode,
            num_init_random,
            no_fantasizing,
            max_num_observations,
            input_warping,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        if not len(self._others()[1]):
            raise SchedulerError(
                "no configuration of transfer_learning_evaluations is inside the space"
            )

    def dataset_size(self) -> int:
        """Number of observations, those of other tasks included."""
        return super().dataset_size() + len(self._others()[1])

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Choose from another space with the same hyperparameters."""
        own = [name for name in self._ranges.internal_keys if name != _TASK]
        added = [n for n, e in config_space.items() if isinstance(e, Domain) and n not in own]
        if added:
            raise SchedulerError(
                f"{type(self).__name__} knows nothing of {added} on the other tasks; only ranges "
                "and choices can be edited"
            )
        return super().edit_space(config_space, defaults)

    # The task as one more input

    def _make_ranges(self) -> HyperparameterRanges:
        tasks = list(dict.fromkeys([*self._evaluations, self.new_task_id]))
        if not self.encode_tasks_ordinal:
            domain: Domain = choice(tasks)
        else:
            if all(isinstance(task, (int, float)) for task in tasks):
                tasks = sorted(tasks)
            domain = ordinal(tasks, kind="equal")
        return make_hyperparameter_ranges(
            {**self.config_space, _TASK: domain},
            name_last_pos=_TASK,
            value_for_last_pos=self.new_task_id,
        )

    def _encoded(self, configs: Sequence[Config], task: Any = None) -> np.ndarray:
        task = self.new_task_id if task is None else task
        return super()._encoded([{**config, _TASK: task} for config in configs])

    def _decoded(self, vectors: np.ndarray) -> list[Config]:
        return _without_task(super()._decoded(vectors))

    def _draw(self, count: int) -> list[Config]:
        return _without_task(super()._draw(count))

    def _numeric(self) -> list[int]:
        task = self._ranges.encoded_ranges[_TASK][0]
        return [place for place in super()._numeric() if place != task]

    def _others(self) -> tuple[np.ndarray, np.ndarray]:
        """Encoded configurations of other tasks that are inside of the space, and their losses."""
        vectors: list[np.ndarray] = []
        losses: list[np.ndarray] = []
        names = [name for name in self._ranges.internal_keys if name != _TASK]
        for task, known in self._evaluations.items():
            columns = [known.hyperparameters[name].tolist() for name in names]
            values = self._sign * known.best_values(self._metric_name, str(self.mode))
            rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
            inside = [
                index
                for index, config in enumerate(rows)
                if np.isfinite(values[index])
                and all(self.config_space[name].is_valid(value) for name, value in config.items())
            ]
            if inside:
                vectors.append(self._encoded([rows[index] for index in inside], task))
                losses.append(values[inside])
        if not losses:
            return np.empty((0, self._ranges.ndarray_size)), np.empty(0)
        return np.concatenate(vectors), np.concatenate(losses)

    def _training_data(self) -> tuple[np.ndarray, np.ndarray] | None:
        if len(self.observations) < self.num_init_random:
            return None
        x, losses = self._others()
        own = super()._training_data()
        if own is None:
            rows = self._thinned(losses, self.max_num_observations)
            return (x[rows], losses[rows]) if len(rows) else None
        if self.max_num_observations is not None:
            left = self.max_num_observations - len(own[1])
            rows = self._thinned(losses, left) if left > 0 else np.arange(0)
            x, losses = x[rows], losses[rows]
        return np.concatenate([own[0], x]), np.concatenate([own[1], losses])

    def _best(self, model: BotorchModel, x: np.ndarray, losses: np.ndarray) -> float:
        del losses  # those of other tasks are among them
        own = self._own_losses()
        if np.isfinite(own).any():
            return super()._best(model, x, own[np.isfinite(own)])
        here = x.copy()
        begin = self._ranges.encoded_ranges[_TASK][0]
        here[:, begin:] = [lower for lower, _ in self._ranges.get_ndarray_bounds()[begin:]]
        return super()._best(model, here, -model.predict(here)[0])


def _without_task(configs: Sequence[Config]) -> list[Config]:
    return [{name: value for name, value in c.items() if name != _TASK} for c in configs]


class BoTorchTransfer(FIFOScheduler):
    """Runs each trial to its end, with configurations from `BoTorchTransferSearcher`.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric, and of the objective in the evaluations.
        transfer_learning_evaluations: Evaluations of other tasks, by name.
        new_task_id: Name of this task.
        random_seed: See `FIFOScheduler`.
        encode_tasks_ordinal: See `BoTorchTransferSearcher`.
        kwargs: Arguments of `FIFOScheduler`, except for `searcher`. `search_options`: those of
            `BoTorchTransferSearcher`.

    Raises:
        SchedulerError: If an argument is unknown or not possible.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        transfer_learning_evaluations: Mapping[Any, TransferLearningTaskEvaluations],
        new_task_id: Any,
        random_seed: int | None = None,
        encode_tasks_ordinal: bool = False,
        **kwargs: Any,
    ) -> None:
        if "searcher" in kwargs:
            raise SchedulerError(
                f"BoTorchTransfer has a searcher of its own, got searcher={kwargs['searcher']!r}; "
                "for another one use FIFOScheduler"
            )
        options = dict(kwargs.pop("search_options", None) or {})
        for option in options:
            if option not in _SEARCH_OPTIONS:
                raise SchedulerError(
                    f"search_options: {option!r} is no option of BoTorchTransfer; "
                    f"{nearest_name(str(option), _SEARCH_OPTIONS)}"
                )
        if random_seed is None:
            random_seed = generate_random_seed()
        searcher = BoTorchTransferSearcher(
            config_space,
            metric,
            transfer_learning_evaluations,
            new_task_id,
            kwargs.pop("points_to_evaluate", None),
            encode_tasks_ordinal=encode_tasks_ordinal,
            mode=kwargs.get("mode", "min"),
            random_seed=random_seed,
            **options,
        )
        super().__init__(
            config_space, metric=metric, searcher=searcher, random_seed=random_seed, **kwargs
        )
