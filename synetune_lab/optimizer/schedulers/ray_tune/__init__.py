"""Ray Tune's schedulers and search algorithms, as one of our schedulers."""

from __future__ import annotations

from synetune_lab.optimizer.schedulers.ray_tune.scheduler import RayTuneScheduler

__all__ = ["RayTuneScheduler"]
