"""Reading what a scheduler needs out of a report, with messages that tell what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

from synetune_lab.errors import InvalidReportError

__all__ = ["read_number", "read_resource"]


def read_number(trial_id: int, result: Mapping[str, Any], name: str) -> float:
    """The number that the report holds as `name`; NaN and infinities are numbers here.

    Raises:
        InvalidReportError: If it is missing or not a number.
    """
    value: Any = result.get(name)
    if type(value) is float:
        return value
    if _is_number(value):
        return float(value)
    if name not in result:
        raise _missing(trial_id, result, name)
    raise InvalidReportError(
        f"trial {trial_id} reported {name}={value!r} ({type(value).__name__}), "
        f"but {name!r} must be a number"
    )


def read_resource(trial_id: int, result: Mapping[str, Any], name: str) -> int:
    """The resource that the report holds as `name`, a positive integer.

    Raises:
        InvalidReportError: If it is missing or not a positive integer.
    """
    value: Any = result.get(name)
    if type(value) is int and value > 0:
        return value
    if name not in result:
        raise _missing(trial_id, result, name)
    # Other types of whole numbers (numpy's, 3.0 out of a data frame) mean the same.
    if _is_number(value) and value > 0 and float(value).is_integer():
        return int(value)
    raise InvalidReportError(
        f"trial {trial_id} reported {name}={value!r} ({type(value).__name__}), but {name!r} must "
        "be a positive integer: the amount of resource spent so far, such as the number of "
        "epochs done, counted from 1"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _missing(trial_id: int, result: Mapping[str, Any], name: str) -> InvalidReportError:
    return InvalidReportError(
        f"trial {trial_id} sent a report without {name!r}, which the scheduler needs in each; "
        f"it has {', '.join(repr(key) for key in result) or 'nothing'}"
    )
