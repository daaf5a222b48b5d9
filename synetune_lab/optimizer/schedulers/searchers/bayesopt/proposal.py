"""One suggestion: candidates, their scores, local search, and the first that is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.gp.constants import VARIANCE_FLOOR
from synetune_lab.gp.prediction import Prediction
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.thompson import (
    IndependentThompsonSampling,
    ThompsonSampling,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.candidates import (
    listed_candidates,
    local_candidates,
    random_candidates,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.local_search import (
    LocalSearch,
    Ranking,
    first_allowed,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
        BoundAcquisition,
        PredictiveModel,
    )
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.encoded_space import EncodedSpace
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import GPOptions

    FloatArray = npt.NDArray[np.float64]
    Config = dict[str, Any]

__all__ = ["Proposal", "propose"]

_NUM_CENTRES = 5
_LOCAL_SHARE = 0.4
_NUM_BEATEN = 2
# A configuration is another one if a coordinate differs by so much.
_ELSEWHERE = 0.05
_MOST_COMPARED = 500
# Two configurations are next to each other if no coordinate differs by so much.
_NEXT_TO = 0.02


@dataclass(frozen=True)
class Proposal:
    """A configuration to suggest.

    Attributes:
        config: The configuration.
        encoded: Its vector, shape (d,).
        value: Acquisition value there, which is smallest.
        num_candidates: How many configurations were scored.
        beaten: Vectors of the next best ones, each shape (d,).
        beaten_values: Their acquisition values.
    """

    config: Config
    encoded: FloatArray
    value: float
    num_candidates: int
    beaten: list[FloatArray] = field(default_factory=list)
    beaten_values: list[float] = field(default_factory=list)


def propose(
    bound: BoundAcquisition,
    space: EncodedSpace,
    known: FloatArray,
    options: GPOptions,
    restricted: Sequence[Mapping[str, Any]] | None,
    is_excluded: Callable[[Config], bool],
    random_state: np.random.RandomState,
    most_alike: int | None = None,
) -> Proposal | None:
    """Find the configuration with the smallest acquisition value.

    Args:
        bound: Acquisition function of configurations.
        space: What is searched.
        known: Vectors of configurations that were tried, best first.
        options: Options of the searcher.
        restricted: The only configurations that may be suggested, if not all.
        is_excluded: Whether a configuration must not come.
        random_state: Source of candidates.
        most_alike: Leave out what so many known configurations are next to; None for no limit.

    Returns:
        The proposal, or None if everything that was met is excluded.
    """
    num = options.num_init_candidates
    if restricted is not None:
        chosen, x = listed_candidates(space, restricted, num, random_state)
        bound = _drawn(bound, x, random_state)
        return _ranked(bound, x, [dict(config) for config in chosen])
    groups = [
        random_candidates(space, num, random_state),
        local_candidates(space, known[:_NUM_CENTRES], int(num * _LOCAL_SHARE), random_state),
    ]
    bound = _drawn(bound, np.concatenate(groups), random_state)
    if options.skip_local_optimization:
        x = np.concatenate(groups)
        ranking = Ranking.of(x, bound.values(x))
    else:
        scores = None
        if options.initial_scoring == "thompson_indep":
            sampler = IndependentThompsonSampling(random_state)
            scores = [sampler.score(bound.model.predict(group)) for group in groups]
        ranking = LocalSearch(space).run(bound, groups, random_state, scores)
    if most_alike is not None:
        ranking = _without_crowds(ranking, known, most_alike)
    return _first_allowed(ranking, space, is_excluded)


def _without_crowds(ranking: Ranking, known: FloatArray, most_alike: int) -> Ranking:
    """The ranking without what has been tried next to so often; all of it if nothing else is left.

    Only the first rows are looked at, in which something else is found as a rule.
    """
    first = ranking.x[:_MOST_COMPARED]
    is_near = (np.abs(first[:, None, :] - known) < _NEXT_TO).all(axis=2)
    is_free = np.ones(len(ranking.x), dtype=bool)
    is_free[: len(first)] = is_near.sum(axis=1) < most_alike
    if not is_free.any():
        return ranking
    return Ranking(ranking.x[is_free], ranking.values[is_free])


def _drawn(
    bound: BoundAcquisition, candidates: FloatArray, random_state: np.random.RandomState
) -> BoundAcquisition:
    """For Thompson sampling: the function of a draw from the model."""
    if not isinstance(bound.acquisition, ThompsonSampling):
        return bound
    model = bound.acquisition.drawn_model(bound.model, candidates, random_state)
    if model is None:
        model = DrawnOneByOne(bound.model, random_state)
    return replace(bound, model=model)


class DrawnOneByOne:
    """A model whose predictions are draws from marginals.

    Args:
        model: The model.
        random_state: Source of the draws.
    """

    def __init__(self, model: PredictiveModel, random_state: np.random.RandomState) -> None:
        self._model = model
        self._sampling = IndependentThompsonSampling(random_state)

    def predict(self, x: FloatArray) -> Prediction:
        """Draws (m, 1) at points (m, d)."""
        draws = self._sampling.score(self._model.predict(x))[:, None]
        return Prediction(draws, np.full(draws.shape, VARIANCE_FLOOR**0.5))


def _ranked(bound: BoundAcquisition, x: FloatArray, configs: list[Config]) -> Proposal | None:
    if not configs:
        return None
    values = bound.values(x)
    order = np.argsort(values, kind="stable")
    first, others = order[0], order[1 : 1 + _NUM_BEATEN]
    return Proposal(
        configs[first],
        x[first],
        float(values[first]),
        len(x),
        [x[i] for i in others],
        [float(values[i]) for i in others],
    )


def _first_allowed(
    ranking: Ranking, space: EncodedSpace, is_excluded: Callable[[Config], bool]
) -> Proposal | None:
    found = first_allowed(space, ranking, 1, is_excluded)
    if not found:
        return None
    beaten = _next_best(ranking, found[0].encoded)
    return Proposal(
        found[0].config,
        found[0].encoded,
        found[0].value,
        len(ranking.x),
        [ranking.x[place] for place in beaten],
        [float(ranking.values[place]) for place in beaten],
    )


def _next_best(ranking: Ranking, chosen: FloatArray) -> list[int]:
    """Places of what came next and is elsewhere: local searches end near each other."""
    places: list[int] = []
    others = [chosen]
    for place, x in enumerate(ranking.x[:_MOST_COMPARED]):
        if min(np.abs(x - other).max() for other in others) > _ELSEWHERE:
            places.append(place)
            others.append(x)
            if len(places) == _NUM_BEATEN:
                break
    return places
