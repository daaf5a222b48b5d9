"""Gaussian-process regression: arrays in, arrays out.

A `Process` (prior mean and covariance) with Gaussian noise is a `GaussianProcessRegression`, which
fits its parameters to data and gives a `Posterior`. To add a kernel or a mean, write one small
class (see `Kernel` and `Mean`).
"""

from synetune_lab.gp.kernels.base import Kernel
from synetune_lab.gp.kernels.combined import ProductKernel, RangeKernel
from synetune_lab.gp.kernels.matern import Matern52
from synetune_lab.gp.kernels.warped import WarpedKernel
from synetune_lab.gp.means import Mean, ScalarMean, ZeroMean
from synetune_lab.gp.optimize import OptimizationConfig
from synetune_lab.gp.parameters import Parameter
from synetune_lab.gp.posterior import Posterior
from synetune_lab.gp.prediction import Prediction
from synetune_lab.gp.priors import Gamma, Horseshoe, LogNormal, Normal, Uniform
from synetune_lab.gp.process import KernelProcess, Process
from synetune_lab.gp.regression import GaussianProcessRegression
from synetune_lab.gp.target_transforms import BoxCoxTransform

__all__ = [
    "BoxCoxTransform",
    "Gamma",
    "GaussianProcessRegression",
    "Horseshoe",
    "Kernel",
    "KernelProcess",
    "LogNormal",
    "Matern52",
    "Mean",
    "Normal",
    "OptimizationConfig",
    "Parameter",
    "Posterior",
    "Prediction",
    "Process",
    "ProductKernel",
    "RangeKernel",
    "ScalarMean",
    "Uniform",
    "WarpedKernel",
    "ZeroMean",
]
