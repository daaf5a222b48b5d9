"""The backend that runs trials on a Ray cluster."""

from __future__ import annotations

from synetune_lab.backend.ray_backend.ray_backend import RayBackend

__all__ = ["RayBackend"]
