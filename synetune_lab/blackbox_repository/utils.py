"""Helpers for those who look results up themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import BlackboxError

if TYPE_CHECKING:
    from synetune_lab.blackbox_repository.blackbox import Blackbox

__all__ = ["metrics_for_configuration"]


def metrics_for_configuration(
    blackbox: Blackbox,
    config: Mapping[str, Any],
    resource_attr: str,
    fidelity_range: tuple[float, float] | None = None,
    seed: int | None = None,
) -> list[dict[str, Any]]:
    """All results of a configuration, as its trial would report them.

    Args:
        blackbox: The blackbox, which must have a fidelity.
        config: The configuration.
        resource_attr: Under which name each result has its fidelity.
        fidelity_range: The least and the largest fidelity, both included; None for all.
        seed: Which repetition; None for one that is drawn at random.

    Returns:
        A result for each fidelity, ascending. NaN stands for what is not known.

    Raises:
        BlackboxError: If the blackbox has no fidelity, `fidelity_range` is not one, or
            the configuration or seed is not known.
    """
    values = blackbox.fidelity_values
    if values is None:
        raise BlackboxError("blackbox has no fidelity; call it with the configuration alone")
    low, high = (float("-inf"), float("inf")) if fidelity_range is None else fidelity_range
    if not low <= high:
        raise BlackboxError(
            f"fidelity_range={fidelity_range!r} must be (least, largest), with least <= largest"
        )
    names = blackbox.objectives_names
    if resource_attr in names:
        raise BlackboxError(
            f"resource_attr={resource_attr!r} is the name of an objective; choose one that is not "
            f"among {names}"
        )
    if seed is None and blackbox.num_seeds > 1:
        seed = int(np.random.default_rng().integers(blackbox.num_seeds))
    curve = blackbox.curve(config, seed)
    return [
        {**dict(zip(names, row, strict=True)), resource_attr: value}
        for value, row in zip(np.asarray(values).tolist(), curve.tolist(), strict=True)
        if low <= value <= high
    ]
