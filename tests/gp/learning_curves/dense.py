"""The complete Gaussian of all values and all curves of a learning-curve model, for comparison."""

from __future__ import annotations

import numpy as np
from scipy.stats import multivariate_normal

from synetune_lab.gp import Matern52
from synetune_lab.gp.learning_curves import CurveData, LearningCurveModel

R_MIN, R_MAX = 2, 7
LEVELS = np.arange(R_MIN, R_MAX + 1)
VARIANTS = {
    "issm": {"residual": "issm"},
    "issm with gamma 1": {"residual": "issm", "gamma_is_one": True},
    "expdecay": {"residual": "expdecay"},
    "expdecay of [0, 1]": {"residual": "expdecay", "normalize_inputs": True},
}


def make_model(variant, **options):
    return LearningCurveModel(
        Matern52(2, ARD=True), r_min=R_MIN, r_max=R_MAX, **VARIANTS[variant], **options
    )


def make_data(counts=(6, 1, 4, 2, 6, 3), seed=0):
    rng = np.random.RandomState(seed)
    x = rng.uniform(size=(len(counts), 2))
    curves = [
        np.sin(4 * row[0]) + (0.5 + row[1]) / LEVELS[:count] + 0.05 * rng.standard_normal(count)
        for row, count in zip(x, counts, strict=True)
    ]
    return CurveData(x, curves)


def make_theta(model, seed=0):
    """Parameters away from their initial values, with noise that is not too small."""
    vector = model.vector
    rng = np.random.RandomState(seed)
    theta = vector.decode(vector.encode(vector.initial) + 0.3 * rng.standard_normal(len(vector)))
    theta[-1] = 0.02
    return theta


def residual_moments(model, theta):
    """Mean and covariance of g at all levels, written down naively."""
    values = {name.split("_", 1)[-1]: v for name, v in model.vector.to_dict(theta).items()}
    gamma = values.get("gamma", 1.0)
    if "minus_alpha" not in values:
        levels = LEVELS.astype(float)
        if model.residual.normalize_inputs:
            levels = (levels - R_MIN) / (R_MAX - R_MIN)
        alpha, mean_lam = values["alpha"], values["mean_lam"]
        beta = alpha / mean_lam

        def kappa(r):
            return (beta / (beta + r)) ** alpha

        mean = np.array([gamma * kappa(r) for r in levels])
        return mean, np.array(
            [[gamma**2 * (kappa(r + s) - kappa(r) * kappa(s)) for s in levels] for r in levels]
        )
    # The recursion of the state space, of which each state is a row of weights of (1, ξ).
    beta = values["beta"]
    level = np.zeros(len(LEVELS) + 1)
    amplitude = np.zeros(len(LEVELS) + 1)
    amplitude[0], amplitude[len(LEVELS)] = values["minus_alpha"], beta
    rows = [level]
    for position in range(len(LEVELS) - 1, 0, -1):
        r = LEVELS[position]
        step = ((r - 1) / R_MIN) ** -gamma - (r / R_MIN) ** -gamma
        level = level + step * amplitude
        amplitude = amplitude.copy()
        amplitude[position] += beta * np.sqrt(np.log(r / (r - 1)))
        rows.append(level)
    weights = np.array(rows[::-1])
    return weights[:, 0], weights[:, 1:] @ weights[:, 1:].T


class Dense:
    """Mean and covariance of all f(x_i, r), and what is known of them.

    Args:
        model: The model.
        theta: Values of its parameters.
        x: All configurations, shape (n, d).
        curves: Their values; an empty curve for a configuration that is only predicted.
    """

    def __init__(self, model, theta, x, curves):
        cut = len(model.process.kernel.parameters)
        covariance = model.process.kernel.forward(theta[:cut], x, x)
        mean, residual = residual_moments(model, theta)
        n, levels = len(x), len(LEVELS)
        self.mean = (theta[cut] + np.zeros((n, levels)) + mean).ravel()
        self.covariance = np.kron(covariance, np.ones((levels, levels)))
        self.covariance += np.kron(np.eye(n), residual)
        self.noise_variance = theta[-1]
        self.known = np.concatenate(
            [index * levels + np.arange(len(curve)) for index, curve in enumerate(curves)]
        ).astype(int)
        self.values = np.concatenate(curves)

    def of_values(self, which):
        """Mean and covariance of values with noise."""
        covariance = self.covariance[np.ix_(which, which)]
        return self.mean[which], covariance + self.noise_variance * np.eye(len(which))

    def negative_log_likelihood(self):
        mean, covariance = self.of_values(self.known)
        return -multivariate_normal(mean, covariance).logpdf(self.values)

    def given_values(self):
        """Mean and covariance of all f given the values."""
        mean, covariance = self.of_values(self.known)
        cross = self.covariance[:, self.known]
        gain = np.linalg.solve(covariance, cross.T).T
        return self.mean + gain @ (self.values - mean), self.covariance - gain @ cross.T
