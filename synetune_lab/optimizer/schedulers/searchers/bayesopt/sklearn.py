"""Documented path of `SKLearnEstimator` and `SKLearnPredictor`."""

from synetune_lab.optimizer.schedulers.searchers.sklearn.estimator import (
    SKLearnEstimator,
    SKLearnPredictor,
)

__all__ = ["SKLearnEstimator", "SKLearnPredictor"]
