"""Bayesian optimisation written with BoTorch, with its defaults wherever it has some."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.optim import optimize_acqf, optimize_acqf_mixed
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch.quasirandom import SobolEngine

from benchmarks.regret_study.space import Choice, Config, Parameter, decode, encode

INITIAL = 5
RESTARTS, RAW_SAMPLES = 8, 256
# Where there are more combinations of categories, only those are optimised that hold the best of
# RAW_SAMPLES random points: each takes 0.1 s.
COMBINATIONS = 4


class OfBoTorch:
    """`SingleTaskGP` on standardised targets with `LogExpectedImprovement`.

    Categories are one-hot and their combinations are tried in turn (`optimize_acqf_mixed`); whole
    numbers are rounded.
    """

    def __init__(self, space: Sequence[Parameter], seed: int) -> None:
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self._space = space
        self._width = sum(one.width for one in space)
        self._initial = SobolEngine(self._width, scramble=True, seed=seed).draw(INITIAL).numpy()
        self._points: list[np.ndarray] = []
        self._values: list[float] = []
        self._fixed = fixed_features(space)

    def ask(self) -> Config:
        """A point of the sequence, later one that the model suggests."""
        if len(self._values) < INITIAL:
            return decode(self._space, self._initial[len(self._values)])
        return decode(self._space, self.suggest().numpy())

    def tell(self, config: Config, value: float) -> None:
        """A row of data more."""
        self._points.append(encode(self._space, config))
        self._values.append(value)

    def suggest(self) -> torch.Tensor:
        """The point of the largest acquisition value after a fit."""
        x = torch.tensor(np.array(self._points), dtype=torch.double)
        y = -torch.tensor(self._values, dtype=torch.double).unsqueeze(-1)
        y = (y - y.mean()) / y.std().clamp_min(1e-12)
        model = SingleTaskGP(x, y)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        acquisition = LogExpectedImprovement(model, best_f=y.max())
        bounds = torch.stack([torch.zeros(self._width), torch.ones(self._width)]).double()
        if len(self._fixed) == 1:
            point, _ = optimize_acqf(
                acquisition, bounds, q=1, num_restarts=RESTARTS, raw_samples=RAW_SAMPLES
            )
        else:
            fixed = self.promising(acquisition)
            point, _ = optimize_acqf_mixed(
                acquisition,
                bounds,
                q=1,
                num_restarts=RESTARTS // len(fixed),
                raw_samples=RAW_SAMPLES // len(fixed),
                fixed_features_list=fixed,
            )
        return point[0].detach()

    def promising(self, acquisition: LogExpectedImprovement) -> list[dict[int, float]]:
        """The combinations of categories of the best random points."""
        if len(self._fixed) <= COMBINATIONS:
            return self._fixed
        points = torch.rand(RAW_SAMPLES, self._width, dtype=torch.double)
        owners = torch.randint(len(self._fixed), (RAW_SAMPLES,)).tolist()
        for row, owner in zip(points, owners, strict=True):
            for index, value in self._fixed[owner].items():
                row[index] = value
        with torch.no_grad():
            order = torch.argsort(acquisition(points.unsqueeze(1)), descending=True)
        best = dict.fromkeys(owners[i] for i in order.tolist())
        return [self._fixed[owner] for owner in list(best)[:COMBINATIONS]]


def fixed_features(space: Sequence[Parameter]) -> list[dict[int, float]]:
    """One-hot coordinates of all combinations of the categories."""
    groups, at = [], 0
    for one in space:
        if isinstance(one, Choice):
            codes = [one.encode(value) for value in one.values]
            groups.append([{at + i: x for i, x in enumerate(code)} for code in codes])
        at += one.width
    return [
        {index: x for part in combination for index, x in part.items()}
        for combination in itertools.product(*groups)
    ]
