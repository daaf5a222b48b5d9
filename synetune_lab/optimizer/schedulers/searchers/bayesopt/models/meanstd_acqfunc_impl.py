"""Documented path of the acquisition functions."""

from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.confidence_bound import (
    LCBAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.constrained import (
    CEIAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.cost_aware import (
    EIpuAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.expected_improvement import (
    EIAcquisitionFunction,
)

__all__ = [
    "CEIAcquisitionFunction",
    "EIAcquisitionFunction",
    "EIpuAcquisitionFunction",
    "LCBAcquisitionFunction",
]
