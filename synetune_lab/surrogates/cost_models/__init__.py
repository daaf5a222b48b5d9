"""Models of what it costs to evaluate a configuration up to a resource level."""

from synetune_lab.surrogates.cost_models.base import CostData, CostModel, CostValue
from synetune_lab.surrogates.cost_models.linear import BiasOnlyLinearCostModel, LinearCostModel
from synetune_lab.surrogates.cost_models.mlp import FixedLayersMLPCostModel, MLPLinearCostModel
from synetune_lab.surrogates.cost_models.nasbench201 import NASBench201LinearCostModel
from synetune_lab.surrogates.cost_models.scikit_learn import (
    NonLinearCostModel,
    ScikitLearnCostModel,
)
from synetune_lab.surrogates.cost_models.spline import UnivariateSplineCostModel

__all__ = [
    "BiasOnlyLinearCostModel",
    "CostData",
    "CostModel",
    "CostValue",
    "FixedLayersMLPCostModel",
    "LinearCostModel",
    "MLPLinearCostModel",
    "NASBench201LinearCostModel",
    "NonLinearCostModel",
    "ScikitLearnCostModel",
    "UnivariateSplineCostModel",
]
