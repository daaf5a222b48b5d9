"""The documented callback of simulated runs."""

from __future__ import annotations

from typing import Any

from synetune_lab.backend.simulator_backend.simulated_backend import SimulatedBackend
from synetune_lab.errors import BackendError
from synetune_lab.results_callback import ExtraResultsComposer, StoreResultsCallback

__all__ = ["SimulatorCallback"]


class SimulatorCallback(StoreResultsCallback):
    """Keeps the results of a simulated run; its times are simulated ones.

    The tuner knows simulated time by itself, so that this does what `StoreResultsCallback` does.
    It makes sure that it is used with a backend on simulated time.

    Args:
        extra_results_composer: Adds columns of your own.
    """

    def __init__(self, extra_results_composer: ExtraResultsComposer | None = None) -> None:
        super().__init__(add_wallclock_time=True, extra_results_composer=extra_results_composer)

    def on_tuning_start(self, tuner: Any) -> None:
        """Take the tuner's folder and clock.

        Raises:
            BackendError: If the tuner's backend is not on simulated time.
        """
        if not isinstance(tuner.trial_backend, SimulatedBackend):
            raise BackendError(
                "SimulatorCallback is for backends on simulated time, such as "
                f"BlackboxRepositoryBackend; this run has a {type(tuner.trial_backend).__name__}. "
                "Use StoreResultsCallback()"
            )
        super().on_tuning_start(tuner)
