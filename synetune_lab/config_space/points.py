"""Configurations to begin with, completed by the midpoint rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synetune_lab.config_space.domain import Domain
from synetune_lab.config_space.helpers import config_to_match_string, remove_constant_and_cast
from synetune_lab.config_space.validate import validate_config
from synetune_lab.errors import InvalidConfigError

__all__ = ["impute_points_to_evaluate", "midpoint_config"]


def midpoint_config(config_space: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration in the middle: of each range on its scale, of unordered choices the first.

    Values of `sample_from` are left out.
    """
    return {
        name: domain.midpoint()
        for name, domain in config_space.items()
        if isinstance(domain, Domain) and not domain.is_function()
    }


def impute_points_to_evaluate(
    points_to_evaluate: Sequence[Mapping[str, Any]] | None, config_space: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Complete the configurations to begin with.

    Args:
        points_to_evaluate: Configurations in the order in which they are to be tried; each may lack
            hyperparameters, which get the midpoint of their range. None stands for one empty
            configuration, so the midpoint of all; an empty list for none.
        config_space: Configuration space.

    Returns:
        Complete configurations without the constants; of equal ones the first.

    Raises:
        InvalidConfigError: If a value is outside its domain or a name is unknown.
    """
    if points_to_evaluate is None:
        points_to_evaluate = [{}]
    if isinstance(points_to_evaluate, (str, Mapping)) or not hasattr(
        points_to_evaluate, "__iter__"
    ):
        raise InvalidConfigError(
            f"points_to_evaluate={points_to_evaluate!r} must be a list of dictionaries"
        )
    middle = midpoint_config(config_space)
    seen: set[str] = set()
    result = []
    for index, point in enumerate(points_to_evaluate):
        config = {**middle, **_checked(index, point, config_space)}
        match = config_to_match_string(config, config_space, list(config))
        if match not in seen:
            seen.add(match)
            result.append(config)
    return result


def _checked(index: int, point: Any, config_space: Mapping[str, Any]) -> dict[str, Any]:
    try:
        if isinstance(point, Mapping):
            # What the data frame of an earlier run holds may have lost its type.
            cast = remove_constant_and_cast(point, config_space)
            point = {**point, **cast}
        validate_config(point, config_space, partial=True)
    except InvalidConfigError as error:
        raise InvalidConfigError(f"points_to_evaluate[{index}]: {error}") from None
    return cast
