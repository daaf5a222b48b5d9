"""Acquisition functions: how much it is worth to evaluate a configuration.

Values are minimised. A new one is a subclass of `AcquisitionFunction` with one method.
"""

from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
    AcquisitionFunction,
    BoundAcquisition,
    PredictiveModel,
    Sensitivity,
)
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
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.factory import (
    acquisition_function_factory,
    register_acquisition_function,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.thompson import (
    IndependentThompsonSampling,
    ThompsonSampling,
)

__all__ = [
    "AcquisitionFunction",
    "BoundAcquisition",
    "CEIAcquisitionFunction",
    "EIAcquisitionFunction",
    "EIpuAcquisitionFunction",
    "IndependentThompsonSampling",
    "LCBAcquisitionFunction",
    "PredictiveModel",
    "Sensitivity",
    "ThompsonSampling",
    "acquisition_function_factory",
    "register_acquisition_function",
]
