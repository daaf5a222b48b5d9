"""Configurations as the hyperparameters of a training job.

SageMaker takes up to 100 of them, names up to 256 and values up to 2500 characters, all strings.
The script mode of its images wants each value as JSON, and passes it to the script as `--name
value` (`-n value` if the name has one letter).
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.names import INSTANCE_TYPE
from synetune_lab.config_space.domain import Domain
from synetune_lab.constants import ST_INSTANCE_COUNT, ST_INSTANCE_TYPE
from synetune_lab.errors import BackendError

__all__ = [
    "check_count",
    "check_space",
    "decode_sagemaker_hyperparameter",
    "encode_fixed",
    "encode_hyperparameters",
    "values_of",
]

logger = logging.getLogger(__name__)

MAX_NUMBER: Final = 100
MAX_KEY: Final = 256
MAX_VALUE: Final = 2500
RESERVED_PREFIX: Final = "sagemaker_"
"""Names that script mode uses itself."""


def encode_hyperparameters(config: Mapping[str, Any]) -> dict[str, str]:
    """The configuration as SageMaker wants it.

    Raises:
        BackendError: If an entry can't be passed; the message names it and says what would do.
    """
    return {name: _encode(name, value) for name, value in config.items()}


def encode_fixed(values: Mapping[str, Any]) -> dict[str, str]:
    """What a job passes to each trial, encoded as the SageMaker SDK does it: lists may go too.

    Raises:
        BackendError: If an entry can't be passed.
    """
    found = {}
    for name, value in values.items():
        try:
            text = _number_for_argparse(value) if isinstance(value, float) else json.dumps(value)
        except (TypeError, ValueError):
            raise BackendError(
                f"hyperparameter {name!r} of the job has the value {value!r:.100}, which can't be "
                "passed; use numbers, strings, booleans, or lists and dictionaries of them"
            ) from None
        _check_length(name, text)
        found[name] = text
    return found


def decode_sagemaker_hyperparameter(hp: str) -> Any:
    """The value that script mode reads; what is not JSON is a string."""
    try:
        return json.loads(hp)
    except ValueError:
        return hp


def check_count(number: int) -> None:
    """Refuse more hyperparameters than a job can have.

    Raises:
        BackendError: If there are too many.
    """
    if number > MAX_NUMBER:
        raise BackendError(
            f"a trial would have {number} hyperparameters, with those that SageMaker's script mode "
            f"needs, and a training job takes {MAX_NUMBER}; construct the backend with "
            "pass_args_as_json=True, or fix some of them in the script"
        )


def check_space(space: Mapping[str, Any], *, as_json: bool) -> None:
    """Refuse a configuration space that holds what can't be passed.

    Args:
        space: The space.
        as_json: Whether configurations are passed in a file.

    Raises:
        BackendError: If there is a value that can't be passed.
    """
    for name, domain in space.items():
        values = values_of(domain)
        if name == ST_INSTANCE_TYPE:
            for value in values:
                if not isinstance(value, str) or not INSTANCE_TYPE.fullmatch(value):
                    raise BackendError(
                        f"{ST_INSTANCE_TYPE} may be {value!r}, which is no SageMaker instance type;"
                        " they begin with 'ml.', for example 'ml.m5.xlarge'"
                    )
        elif name == ST_INSTANCE_COUNT:
            for value in values:
                if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                    raise BackendError(f"{ST_INSTANCE_COUNT} may be {value!r}; use 1 or more")
        if as_json:
            continue
        _check_name(name)
        for value in values:
            _encode(name, value)


def values_of(domain: Any) -> list[Any]:
    """Every choice of a domain, or the ends of a range; a constant is its own."""
    if not isinstance(domain, Domain):
        return [domain]
    choices = getattr(domain, "categories", None)
    if choices is not None:
        return list(choices)
    return [
        end for end in (getattr(domain, k, None) for k in ("lower", "upper")) if end is not None
    ]


def _check_name(name: str) -> None:
    if not 0 < len(name) <= MAX_KEY:
        raise BackendError(
            f"hyperparameter name {name!r:.80} can't go to SageMaker, whose names have 1 to "
            f"{MAX_KEY} characters; choose another one"
        )
    if name.startswith(RESERVED_PREFIX):
        raise BackendError(
            f"hyperparameter name {name!r}: names that begin with {RESERVED_PREFIX!r} are used by "
            "SageMaker itself; choose another one"
        )
    if len(name) == 1:
        logger.warning(
            "SageMaker's script mode passes hyperparameter %r as '-%s', not '--%s'", *[name] * 3
        )


def _encode(name: str, value: Any) -> str:
    item = getattr(value, "item", None)
    if callable(item):
        value = item()  # the number in a numpy scalar
    if not isinstance(value, (bool, int, float, str)):
        raise BackendError(
            f"configuration entry {name!r} has the value {value!r:.100}, which can't be passed as "
            "a hyperparameter; use a number, string or boolean, or construct the backend with "
            "pass_args_as_json=True"
        )
    if isinstance(value, str) and value.startswith("-"):
        raise BackendError(
            f"configuration entry {name!r} has the value {value!r:.100}: SageMaker passes it as "
            f"'--{name} {value:.100}', and the script takes it for the name of an argument; "
            "use a value without '-' in front, or pass_args_as_json=True"
        )
    text = _number_for_argparse(value) if isinstance(value, float) else json.dumps(value)
    _check_length(name, text)
    return text


def _check_length(name: str, text: str) -> None:
    if len(text) > MAX_VALUE:
        raise BackendError(
            f"configuration entry {name!r} has a value of {len(text)} characters; a hyperparameter "
            f"of SageMaker takes {MAX_VALUE}; construct the backend with pass_args_as_json=True"
        )


def _number_for_argparse(value: float) -> str:
    text = json.dumps(value)
    if value < 0 and math.isfinite(value) and "e" in text:
        # Script mode would pass -1e-05, which argparse takes for the name of an argument. As a
        # string it arrives as it is written.
        return json.dumps(format(Decimal(repr(value)), "f"))
    return text
