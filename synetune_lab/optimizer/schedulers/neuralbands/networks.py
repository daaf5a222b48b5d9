"""A small network that predicts a metric from a configuration and a budget.

It has one hidden layer and is written in numpy, with exact gradients: a network of this size gains
nothing from a library for deep learning, and users need not install one.

Shapes: n inputs, d encoded coordinates of a configuration, m hidden units, p = m · (d + 3) + 1
parameters. Budgets are shares of the maximum resource, in (0, 1].
"""

from __future__ import annotations

import numpy as np

__all__ = ["Exploitation", "NetworkExploitation"]

_BATCH_SIZE = 64
_NUM_STEPS = 500
# Adam's usual constants: Kingma, Ba, https://arxiv.org/abs/1412.6980.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class NetworkExploitation:
    """f(x, b) = w2 · relu(W1 [x, b] + b1) + b2, with all parameters in one vector `theta`.

    Args:
        dim: Number of coordinates d of a configuration.
        hidden_size: Number of hidden units m.
        random_state: Source of the initial weights (He et al., https://arxiv.org/abs/1502.01852).

    Attributes:
        theta: W1 row by row, b1, w2 and b2; shape (p,).
    """

    def __init__(
        self, dim: int, hidden_size: int = 100, random_state: np.random.RandomState | None = None
    ) -> None:
        state = np.random.RandomState(0) if random_state is None else random_state
        self.dim, self.hidden_size = dim, hidden_size
        first = state.standard_normal((hidden_size, dim + 1)) * np.sqrt(2.0 / (dim + 1))
        second = state.standard_normal(hidden_size) * np.sqrt(1.0 / hidden_size)
        self.theta = np.concatenate([first.ravel(), np.zeros(hidden_size), second, [0.0]])

    def _unpack(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        m, inputs = self.hidden_size, self.dim + 1
        weights, rest = self.theta[: m * inputs], self.theta[m * inputs :]
        return weights.reshape(m, inputs), rest[:m], rest[m : 2 * m], float(rest[-1])

    def _forward(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Outputs (n,) and the hidden layer (n, m)."""
        first, bias, second, offset = self._unpack()
        hidden = np.maximum(inputs @ first.T + bias, 0.0)
        return hidden @ second + offset, hidden

    def forward(self, x1: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Outputs, shape (n,).

        Args:
            x1: Encoded configurations, shape (n, d).
            b: Budgets, shape (n,).
        """
        return self._forward(_joined(x1, b))[0]

    def gradients(self, x1: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Gradients of the outputs with respect to `theta`, shape (n, p)."""
        inputs = _joined(x1, b)
        second = self._unpack()[2]
        _, hidden = self._forward(inputs)
        through = (hidden > 0.0) * second  # (n, m)
        count = len(inputs)
        return np.concatenate(
            [
                (through[:, :, None] * inputs[:, None, :]).reshape(count, -1),
                through,
                hidden,
                np.ones((count, 1)),
            ],
            axis=1,
        )

    def loss_gradient(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean squared error and its gradient with respect to `theta`, shape (p,).

        Args:
            inputs: Configurations and budgets side by side, shape (n, d + 1).
            targets: Shape (n,).
        """
        outputs, hidden = self._forward(inputs)
        errors = outputs - targets
        upstream = 2.0 * errors / len(targets)  # (n,)
        through = (hidden > 0.0) * (upstream[:, None] * self._unpack()[2])  # (n, m)
        gradient = np.concatenate(
            [
                (through.T @ inputs).ravel(),
                through.sum(axis=0),
                upstream @ hidden,
                [upstream.sum()],
            ]
        )
        return float(np.mean(np.square(errors))), gradient


class Exploitation:
    """The network with its data, trained by Adam on batches of 64.

    Args:
        dim: Number of coordinates d of a configuration.
        lr: Learning rate.
        hidden: Number of hidden units.
        random_seed: Seed of the initial weights and of the order of the data.
    """

    def __init__(
        self, dim: int, lr: float = 0.001, hidden: int = 100, random_seed: int = 0
    ) -> None:
        self._random_state = np.random.RandomState(random_seed)
        self.network = NetworkExploitation(dim, hidden, self._random_state)
        self.lr = lr
        self._x = np.empty((0, dim))
        self._b = np.empty(0)
        self._rewards = np.empty(0)

    def __len__(self) -> int:
        return len(self._rewards)

    def add_data(self, x: tuple[np.ndarray, float], reward: float) -> None:
        """Add one observation.

        Args:
            x: An encoded configuration, shape (d,), and a budget.
            reward: What was observed there.
        """
        self._x = np.vstack([self._x, x[0]])
        self._b = np.append(self._b, x[1])
        self._rewards = np.append(self._rewards, reward)

    def replace_data(self, x: np.ndarray, b: np.ndarray, rewards: np.ndarray) -> None:
        """Replace all observations: configurations (n, d), budgets (n,), what was observed (n,)."""
        self._x, self._b, self._rewards = x, b, rewards

    def predict(self, x: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Predictions for configurations (n, d) and budgets (n,): shape (n,)."""
        return self.network.forward(*x)

    def train(self) -> float:
        """Train on all data, from the present weights.

        Returns:
            The mean squared error afterwards; 0 without data.
        """
        count = len(self)
        if not count:
            return 0.0
        network, inputs = self.network, _joined(self._x, self._b)
        first, second = np.zeros_like(network.theta), np.zeros_like(network.theta)
        order = np.empty(0, dtype=np.int64)
        for step in range(1, _NUM_STEPS + 1):
            if not len(order):
                order = self._random_state.permutation(count)
            rows, order = order[:_BATCH_SIZE], order[_BATCH_SIZE:]
            _, gradient = network.loss_gradient(inputs[rows], self._rewards[rows])
            first = _BETA1 * first + (1.0 - _BETA1) * gradient
            second = _BETA2 * second + (1.0 - _BETA2) * np.square(gradient)
            spread = np.sqrt(second / (1.0 - _BETA2**step)) + _EPSILON
            network.theta = network.theta - self.lr * first / (1.0 - _BETA1**step) / spread
        return network.loss_gradient(inputs, self._rewards)[0]


def _joined(x1: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.concatenate([x1, np.reshape(b, (-1, 1))], axis=1)
