"""Learning curves that decay exponentially, each with a rate of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.gp.kernels.additive_decay import AdditiveDecayProcess

if TYPE_CHECKING:
    from synetune_lab.gp.kernels.base import Kernel
    from synetune_lab.gp.means import Mean

__all__ = ["FreezeThawProcess"]


class FreezeThawProcess(AdditiveDecayProcess):
    """f(x, r) = g(x) + γ e^(-λ(x) r), with the rates of different configurations independent.

    Swersky, Snoek, Adams: Freeze-Thaw Bayesian Optimization, https://arxiv.org/abs/1406.3896, with
    the mean that the model implies. Curves of different configurations are independent given g, so
    nothing is learnt about a new curve's shape from others, but for the parameters. Mostly of use
    for comparison with `ExponentialDecayProcess`.

    Configurations are the same if all their encoded coordinates are equal.

    Args:
        kernel_x: Kernel of configurations.
        mean_x: Mean of configurations.
        alpha_init: Initial shape of the distribution of rates.
        mean_lam_init: Its initial mean.
        gamma_init: Initial γ.

    Raises:
        SchedulerError: If an initial value is not in its bounds.
    """

    def __init__(
        self,
        kernel_x: Kernel,
        mean_x: Mean,
        alpha_init: float = 1.0,
        mean_lam_init: float = 0.5,
        gamma_init: float = 0.5,
    ) -> None:
        super().__init__(kernel_x, mean_x, alpha_init, mean_lam_init, gamma_init, common_rate=False)
