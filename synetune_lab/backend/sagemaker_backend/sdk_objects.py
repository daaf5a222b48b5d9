"""Reading objects of the SageMaker SDK by what they have, without importing it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.aws import profile_of as boto_profile_of
from synetune_lab.backend.sagemaker_backend.hyperparameters import (
    RESERVED_PREFIX,
    decode_sagemaker_hyperparameter,
)

__all__ = [
    "get",
    "nested",
    "own_hyperparameters",
    "path_of",
    "profile_of",
    "region_of",
    "request_form",
    "tags_of",
    "value_of",
    "warn_of_unused",
]

logger = logging.getLogger(__name__)

_SCRIPT_MODE: Final = {
    RESERVED_PREFIX + name for name in ("program", "submit_directory", "job_name", "region")
}
_PRIMITIVES: Final = (str, bytes, int, float, bool)


def get(thing: Any, name: str, default: Any = None) -> Any:
    """An attribute; what the SDK marks as unset is the default."""
    value = getattr(thing, name, None)
    return default if value is None or _is_unset(value) else value


def value_of(value: Any) -> Any:
    """A value, or what a method of that name returns."""
    return value() if callable(value) else value


def path_of(value: Any) -> str | None:
    """A path as a string, None if there is none."""
    return None if value is None else os.fspath(value)


def region_of(session: Any) -> str | None:
    """The region of a session of the SDK."""
    region = get(session, "boto_region_name") or get(get(session, "boto_session"), "region_name")
    return region if isinstance(region, str) else None


def profile_of(session: Any) -> str | None:
    """The profile of a session of the SDK; None if it has none of its own."""
    return boto_profile_of(get(session, "boto_session"))


def tags_of(tags: Any) -> dict[str, str]:
    """Tags in any of the forms that the SDK takes."""
    if isinstance(tags, Mapping):
        if set(tags) == {"Key", "Value"}:
            return {str(tags["Key"]): str(tags["Value"])}
        return {str(name): str(value) for name, value in tags.items()}
    found = {}
    for tag in tags or ():
        if isinstance(tag, Mapping):
            lower = {str(name).lower(): value for name, value in tag.items()}
            found[str(lower["key"])] = str(lower["value"])
        else:
            found[str(get(tag, "key"))] = str(get(tag, "value"))
    return found


def own_hyperparameters(values: Mapping[str, Any], *, encoded: bool) -> dict[str, Any]:
    """The user's hyperparameters, without what script mode adds anew to each job.

    Args:
        values: All of them.
        encoded: Whether strings among them are JSON.
    """
    return {
        name: decode_sagemaker_hyperparameter(value)
        if encoded and isinstance(value, str)
        else value
        for name, value in values.items()
        if name not in _SCRIPT_MODE
    }


def nested(keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A value as the entry of dictionaries in dictionaries."""
    for key in reversed(keys):
        value = {key: value}
    return dict(value)


def request_form(value: Any) -> Any:
    """An object of the SDK's release 3 as boto3 takes it: `s3_uri` is spelled `S3Uri`."""
    if value is None or _is_unset(value):
        return None
    if isinstance(value, _PRIMITIVES):
        return value
    if isinstance(value, (list, tuple)):
        return [form for item in value if (form := request_form(item)) is not None]
    if isinstance(value, Mapping):
        items = dict(value)
    else:
        items = {_pascal(k): v for k, v in vars(value).items() if not k.startswith("_")}
    return {key: form for key, item in items.items() if (form := request_form(item)) is not None}


def warn_of_unused(thing: Any, reasons: Mapping[str, str]) -> None:
    """Tell of attributes that are set, and that trials do without.

    Args:
        thing: The object.
        reasons: Of each attribute, why.
    """
    for name, reason in reasons.items():
        value = get(thing, name)
        if value is not None and value is not False and value not in ([], {}):
            logger.warning("%s=%.200r is not used: %s", name, value, reason)


def _is_unset(value: Any) -> bool:
    return type(value).__name__ == "Unassigned"


def _pascal(name: str) -> str:
    text = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    return f"{text[:-2]}GB" if text.endswith("InGb") else text
