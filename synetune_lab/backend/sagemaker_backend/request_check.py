"""A request compared with what boto3 knows of the service, before the first trial needs it.

boto3 itself looks at little of that when it sends a request. AWS knows more than the boto3 that is
installed (new instance types, higher limits), so that only what boto3 would refuse is refused.
"""

from __future__ import annotations

import difflib
import logging
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from synetune_lab.errors import BackendError
from synetune_lab.extras import require

__all__ = ["check_request", "check_types"]

logger = logging.getLogger(__name__)

_OPERATION: Final = "CreateTrainingJob"
_NEAR: Final = 3


def check_request(request: Mapping[str, Any], model: Any) -> None:
    """Compare a request for a training job with the service's model; warn of what it knows not.

    Args:
        request: Arguments of `create_training_job`.
        model: The model of SageMaker, of a client of boto3.

    Raises:
        BackendError: If boto3 would not send it: a name or a type is wrong.
    """
    validate = require("botocore.validate", extra="aws", purpose="the SageMaker backend")
    shape = model.operation_model(_OPERATION).input_shape
    report = validate.ParamValidator().validate(dict(request), shape)
    if report.has_errors():
        raise BackendError(
            f"the request for a training job can't be sent: {report.generate_report()}; see the "
            "fields of the JobDescription, extra among them"
        )
    for trouble in _troubles(request, shape, ""):
        logger.warning("The boto3 that is installed would not expect %s", trouble)


def check_types(kinds: Iterable[str], model: Any) -> None:
    """Warn of instance types that the service's model does not know."""
    known = model.operation_model(_OPERATION).input_shape
    for part in ("ResourceConfig", "InstanceType"):
        known = known.members[part]
    for kind in kinds:
        for trouble in _troubles(kind, known, "st_instance_type"):
            logger.warning("The boto3 that is installed would not expect %s", trouble)


def _troubles(value: Any, shape: Any, path: str) -> Iterator[str]:
    """What is wrong with a value, in words that go on after 'expect'."""
    kind = shape.type_name
    if kind == "structure":
        for name, item in value.items():
            yield from _troubles(item, shape.members[name], f"{path}.{name}" if path else name)
    elif kind == "list":
        for number, item in enumerate(value):
            yield from _troubles(item, shape.member, f"{path}[{number}]")
    elif kind == "map":
        for name, item in value.items():
            yield from _troubles(name, shape.key, f"a name in {path}")
            yield from _troubles(item, shape.value, f"{path}[{name!r}]")
    yield from _own_troubles(value, shape, path)


def _own_troubles(value: Any, shape: Any, path: str) -> Iterator[str]:
    kind, limits = shape.type_name, shape.metadata
    told = f"{path} to be {value!r:.200}"
    known = getattr(shape, "enum", None)
    if known:
        if value not in known:
            near = difflib.get_close_matches(str(value), known, _NEAR)
            hint = f"; the nearest that it knows: {', '.join(near)}" if near else ""
            yield f"{told}{hint}. AWS may know it, or refuse every trial"
        return
    is_number = kind in ("integer", "long", "float", "double")
    size = value if is_number else len(value) if hasattr(value, "__len__") else None
    low, high = limits.get("min", -math.inf), limits.get("max", math.inf)
    if size is not None and not low <= size <= high:
        what = "values" if is_number else "a length"
        yield f"{told}; it knows {what} from {low} to {high}. AWS may refuse every trial"
    if kind == "string" and not _matches(limits.get("pattern"), value):
        yield f"{told}; it knows what matches {limits['pattern']}. AWS may refuse every trial"


def _matches(pattern: str | None, value: str) -> bool:
    if pattern is None:
        return True
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:  # written for another language
        return True
