"""Learning-curve models as models of a metric."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.gp.learning_curves.data import CurveData
from synetune_lab.gp.learning_curves.model import LearningCurveModel
from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
    AtLevel,
    MetricModel,
    NotEnoughDataError,
    encoded_resource,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.kernels.base import Kernel
    from synetune_lab.gp.learning_curves.posterior import LearningCurvePosterior
    from synetune_lab.gp.optimize import OptimizationConfig
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import ModelData
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import MultiFidelityOptions
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.refit import RefitRule

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = ["CurveMetricModel"]

logger = logging.getLogger(__name__)

_R_MIN = 1


class CurveMetricModel(MetricModel):
    """A model of learning curves, which learns from all reports of a trial up to the first gap.

    Args:
        kernel: Kernel of configurations.
        options: Options; `model` is `gp_issm` or `gp_expdecay`.
        rule: See `MetricModel`.
        fit: How parameters are sought.
        r_max: Maximum resource.
    """

    def __init__(
        self,
        kernel: Kernel,
        options: MultiFidelityOptions,
        rule: RefitRule,
        fit: OptimizationConfig,
        r_max: int,
    ) -> None:
        super().__init__(rule)
        self.model = LearningCurveModel(
            kernel,
            options.model.removeprefix("gp_"),
            _R_MIN,
            r_max,
            optimization=fit,
            gamma_is_one=options.issm_gamma_one,
            normalize_inputs=options.expdecay_normalize_inputs,
        )
        self._r_max = r_max
        self._verbose = options.opt_verbose
        self.theta: FloatArray | None = None

    @property
    def is_fitted(self) -> bool:
        """See `MetricModel.is_fitted`."""
        return self.theta is not None

    def fit(self, data: ModelData, random_state: np.random.RandomState) -> None:
        """See `MetricModel.fit`."""
        curves, _ = self._curves(data)
        is_full = self.rule.is_full(len(data)) or self.theta is None
        self.theta = self.model.fit(curves, random_state, self.theta, is_full, self.rule.memory)
        if self._verbose:
            logger.info("fit of %d observations: %s", len(data), self.parameters())

    def condition(self, data: ModelData) -> ConditionedCurves:
        """See `MetricModel.condition`."""
        theta = self.model.vector.initial if self.theta is None else self.theta
        curves, rows = self._curves(data)
        return ConditionedCurves(
            self.model, theta, curves, rows, self.model.posterior(theta, curves), self._r_max
        )

    def _curves(self, data: ModelData) -> tuple[CurveData, list[int]]:
        curves, rows = _curves(data)
        if curves.depth == 0:
            raise NotEnoughDataError(
                f"models of learning curves need reports from level {_R_MIN} on; the lowest level "
                f"reported is {data.levels.min()}"
            )
        return curves, rows

    def parameters(self) -> dict[str, float]:
        """See `MetricModel.parameters`."""
        return {} if self.theta is None else self.model.vector.to_dict(self.theta)


@dataclass(frozen=True)
class ConditionedCurves:
    """A model of learning curves given data (see `Conditioned`).

    Attributes:
        model: The model.
        theta: Values of its parameters.
        curves: The data.
        rows: Trial of each curve.
        posterior: The posterior.
        r_max: Maximum resource.
    """

    model: LearningCurveModel
    theta: FloatArray
    curves: CurveData
    rows: list[int]
    posterior: LearningCurvePosterior
    r_max: int

    def at(self, level: int) -> Any:
        """See `Conditioned.at`."""
        return AtLevel(self.posterior, encoded_resource(level, self.r_max))

    def with_fantasies(
        self,
        x: FloatArray,
        levels: IntArray,
        rows: IntArray,
        num_samples: int,
        random_state: np.random.RandomState,
    ) -> ConditionedCurves:
        """See `Conditioned.with_fantasies`; of a curve, up to its highest pending level."""
        new = [row for row in dict.fromkeys(rows.tolist()) if row not in set(self.rows)]
        first = [int(np.flatnonzero(rows == row)[0]) for row in new]
        extended = CurveData(
            np.concatenate([self.curves.x, x[first]]), [*self.curves.curves, *([] for _ in new)]
        )
        all_rows = [*self.rows, *new]
        counts = []
        for row, known in zip(all_rows, extended.counts.tolist(), strict=True):
            wanted = levels[rows == row]
            highest = int(wanted.max()) - _R_MIN + 1 if len(wanted) else 0
            counts.append(max(highest - known, 0))
        posterior = self.model.posterior(self.theta, extended)
        return ConditionedCurves(
            self.model,
            self.theta,
            extended,
            all_rows,
            posterior.fantasize(counts, num_samples, random_state),
            self.r_max,
        )


def _curves(data: ModelData) -> tuple[CurveData, list[int]]:
    """Curves of all trials, each up to its first gap, and their rows."""
    order = np.lexsort((data.levels, data.rows))
    rows, levels = data.rows[order], data.levels[order]
    is_first = np.append(True, rows[1:] != rows[:-1])[: len(rows)]
    begins = np.flatnonzero(is_first).tolist()
    ends = [*begins[1:], len(rows)][: len(begins)]
    curves = []
    for begin, end in zip(begins, ends, strict=True):
        # Levels count up by one from the lowest; what comes after a gap is left out.
        is_next = levels[begin:end] == np.arange(_R_MIN, _R_MIN + end - begin)
        length = int(np.argmin(is_next)) if not is_next.all() else end - begin
        curves.append(data.targets[order[begin : begin + length]])
    return CurveData(data.x[order[begins]] if len(rows) else data.x, curves), rows[begins].tolist()
