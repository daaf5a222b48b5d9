"""Trials on simulated time: what was recorded is told as if it happened now.

`SimulatedBackend` is the base, `SimulatorBackend` runs a script that tells a whole trial at once,
and `synetune_lab.blackbox_repository` has the backends over recorded benchmarks.
"""

from synetune_lab.backend.simulator_backend.config import SimulatorConfig
from synetune_lab.backend.simulator_backend.course import TrialCourse
from synetune_lab.backend.simulator_backend.pace import Pace
from synetune_lab.backend.simulator_backend.simulated_backend import SimulatedBackend
from synetune_lab.backend.simulator_backend.simulator_backend import SimulatorBackend
from synetune_lab.backend.simulator_backend.simulator_callback import SimulatorCallback
from synetune_lab.backend.simulator_backend.time_keeper import SimulatedTimeKeeper

__all__ = [
    "Pace",
    "SimulatedBackend",
    "SimulatedTimeKeeper",
    "SimulatorBackend",
    "SimulatorCallback",
    "SimulatorConfig",
    "TrialCourse",
]
