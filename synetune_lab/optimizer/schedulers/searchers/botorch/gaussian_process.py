"""What is asked of BoTorch: a Gaussian process, and where its acquisition function is high.

Arrays in, arrays out; torch is imported when it is first needed. Shapes: n observations, d encoded
coordinates, q pending configurations, m candidates.

Importing these libraries, and fitting, emits warnings that users can do nothing about. They are
silenced here.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from synetune_lab.extras import require

__all__ = ["BotorchModel", "failures", "load", "reproducible"]

_MAX_ITERATIONS = 100
_NUM_SAMPLES = 128  # of what pending configurations turn out to be
_FIT_TOLERANCE = 1e-6  # relative; the default is a thousand times finer and takes twice the time
# Prior of the two parameters of each warping: median 1, which leaves the coordinate as it is.
_WARP_PRIOR_VARIANCE = 0.75


def load(module: str) -> Any:
    """A module of torch, gpytorch or botorch.

    Raises:
        MissingDependencyError: If it is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return require(module, extra="botorch", purpose="Bayesian optimisation with BoTorch")


def failures() -> tuple[type[Exception], ...]:
    """What is raised where a model can't be fitted or an acquisition function not optimised."""
    errors = load("botorch.exceptions.errors")
    # Failed fits are not below the base class of BoTorch's errors.
    own = (errors.BotorchError, errors.ModelFittingError)
    return (*own, RuntimeError, ValueError, ArithmeticError)


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Random numbers of torch from a seed, without effect on those outside."""
    torch = load("torch")
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        yield


class BotorchModel:
    """BoTorch's `SingleTaskGP` with its own kernel and priors, fitted to data.

    Everything is to be done inside of one `reproducible`, the making as well.

    Args:
        x: Encoded configurations in [0, 1], shape (n, d).
        y: Values to maximise, shape (n,); they are standardised inside.
        warped: Coordinates that get an input warping, to learn on which scale they matter. Snoek,
            Swersky, Zemel, Adams: Input Warping for Bayesian Optimization of Non-stationary
            Functions, https://arxiv.org/abs/1402.0929.

    Raises:
        Exception: One of `failures`, if it can't be fitted.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, warped: Sequence[int]) -> None:
        models, transforms = load("botorch.models"), load("botorch.models.transforms.outcome")
        train_y = _tensor(y).unsqueeze(-1)
        self._model = models.SingleTaskGP(
            _tensor(x),
            train_y,
            outcome_transform=transforms.Standardize(m=1),
            input_transform=_warping(x.shape[1], warped) if warped else None,
        )
        mll = load("gpytorch.mlls").ExactMarginalLogLikelihood(self._model.likelihood, self._model)
        options = {"options": {"ftol": _FIT_TOLERANCE}}
        load("botorch.fit").fit_gpytorch_mll(mll, optimizer_kwargs=options)
        self._acquisition: Any = None

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and standard deviations, shapes (m,), for shape (m, d)."""
        torch = load("torch")
        with torch.no_grad():
            posterior = self._model.posterior(_tensor(x))
            return _array(posterior.mean[:, 0]), _array(posterior.variance[:, 0].sqrt())

    def set_acquisition(self, best: float, pending: np.ndarray) -> str:
        """Choose the acquisition function: the logarithm of expected improvement.

        Ament, Daulton, Eriksson, Balandat, Bakshy: Unexpected Improvements to Expected Improvement
        for Bayesian Optimization, https://arxiv.org/abs/2310.20708.

        Args:
            best: The value to improve on.
            pending: Encoded configurations that are being evaluated, shape (q, d). The expectation
                is over what they will turn out to be as well.

        Returns:
            Its name.
        """
        if len(pending):
            cls = load("botorch.acquisition.logei").qLogExpectedImprovement
            shape = load("torch").Size([_NUM_SAMPLES])
            sampler = load("botorch.sampling.normal").SobolQMCNormalSampler(shape)
            self._acquisition = cls(self._model, best, sampler, X_pending=_tensor(pending))
        else:
            cls = load("botorch.acquisition.analytic").LogExpectedImprovement
            self._acquisition = cls(self._model, best)
        return str(cls.__name__)

    def score(self, x: np.ndarray) -> np.ndarray:
        """Acquisition values, shape (m,), for shape (m, d); larger is better."""
        torch = load("torch")
        with torch.no_grad():
            return _array(self._acquisition(_tensor(x).unsqueeze(1)))

    def improve(self, starts: np.ndarray, free: Sequence[int]) -> np.ndarray:
        """Climb from given vectors to where the acquisition function is higher.

        Args:
            starts: Encoded configurations, shape (m, d).
            free: Coordinates that may change, within [0, 1]; the others stay.

        Returns:
            Where each came to, shape (m, d).
        """
        if not len(free):
            return starts
        optimize_acqf = load("botorch.optim").optimize_acqf
        bounds = _tensor([[0.0] * starts.shape[1], [1.0] * starts.shape[1]])
        ends = []
        # One by one, since the coordinates that stay differ between them.
        for start in starts:
            fixed = {i: float(value) for i, value in enumerate(start) if i not in free}
            found, _ = optimize_acqf(
                self._acquisition,
                bounds=bounds,
                q=1,
                num_restarts=1,
                batch_initial_conditions=_tensor(start).reshape(1, 1, -1),
                options={"maxiter": _MAX_ITERATIONS},
                fixed_features=fixed or None,
            )
            ends.append(_array(found.reshape(-1)))
        inside: np.ndarray = np.clip(np.stack(ends), 0.0, 1.0)
        return inside


def _warping(dimension: int, warped: Sequence[int]) -> Any:
    cls = load("botorch.models.transforms.input").Warp
    prior = load("gpytorch.priors").LogNormalPrior
    arguments: Mapping[str, Any] = {
        "indices": list(warped),
        "concentration1_prior": prior(0.0, _WARP_PRIOR_VARIANCE**0.5),
        "concentration0_prior": prior(0.0, _WARP_PRIOR_VARIANCE**0.5),
    }
    if "d" in inspect.signature(cls).parameters:  # since BoTorch 0.13
        return cls(d=dimension, **arguments)
    return cls(**arguments)


def _tensor(values: Any) -> Any:
    torch = load("torch")
    return torch.tensor(np.asarray(values), dtype=torch.float64, device="cpu")


def _array(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float64)
