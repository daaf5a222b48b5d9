"""Additive models of learning curves: f(x, r) = h(x) + g(r), with one g for each configuration."""

from synetune_lab.gp.learning_curves.data import CurveData
from synetune_lab.gp.learning_curves.exp_decay import ExponentialDecayResidual
from synetune_lab.gp.learning_curves.issm import StateSpaceResidual
from synetune_lab.gp.learning_curves.model import LearningCurveModel
from synetune_lab.gp.learning_curves.posterior import CurveSample, LearningCurvePosterior
from synetune_lab.gp.learning_curves.residual import Residual

__all__ = [
    "CurveData",
    "CurveSample",
    "ExponentialDecayResidual",
    "LearningCurveModel",
    "LearningCurvePosterior",
    "Residual",
    "StateSpaceResidual",
]
