"""Bayesian optimisation with a regressor of scikit-learn, or of one's own, as the model."""

from synetune_lab.optimizer.schedulers.searchers.sklearn.estimator import (
    SKLearnEstimator,
    SKLearnPredictor,
)
from synetune_lab.optimizer.schedulers.searchers.sklearn.sklearn_surrogate_searcher import (
    SKLearnSurrogateSearcher,
)

__all__ = ["SKLearnEstimator", "SKLearnPredictor", "SKLearnSurrogateSearcher"]
