"""Small helpers: names and folders of experiments, dictionaries, JSON, time."""

from __future__ import annotations

import json
import logging
import os
import random
import re
import string
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from synetune_lab.constants import (
    ST_DATETIME_FORMAT,
    SYNE_TUNE_DEFAULT_FOLDER,
    SYNE_TUNE_ENV_FOLDER,
)

__all__ = [
    "RegularCallback",
    "catchtime",
    "check_valid_sagemaker_name",
    "dict_get",
    "dump_json_with_numpy",
    "experiment_path",
    "find_first_of_type",
    "is_increasing",
    "is_integer",
    "is_positive_integer",
    "metric_name_mode",
    "name_from_base",
    "random_string",
    "recursive_merge",
    "s3_experiment_path",
    "sanitize_sagemaker_name",
]

logger = logging.getLogger(__name__)

_VALID_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_SAGEMAKER_CHECKPOINTS = Path("/opt/ml/checkpoints")
# Names and folders must differ even where the user has seeded Python's own generator.
_RANDOM = random.SystemRandom()


class RegularCallback:
    """Calls a function at most once every so many seconds; the first call is at once.

    Args:
        callback: The function.
        call_seconds_frequency: Seconds between two calls, at least.
        clock: Tells the time in seconds; a fake one makes tests independent of time.
    """

    def __init__(
        self,
        callback: Callable[..., Any],
        call_seconds_frequency: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.callback = callback
        self.call_seconds_frequency = call_seconds_frequency
        self._clock = clock
        self._last_call: float | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Call the function, unless the last call is too recent."""
        now = self._clock()
        if self._last_call is None or now - self._last_call >= self.call_seconds_frequency:
            self._last_call = now
            self.callback(*args, **kwargs)


# Names and folders


def experiment_path(
    tuner_name: str | None = None, local_path: str | os.PathLike[str] | None = None
) -> Path:
    """Folder of an experiment, or of all experiments.

    Args:
        tuner_name: Name of the experiment; None for the folder of all.
        local_path: Folder of all experiments; None takes the environment variable
            `SYNETUNE_FOLDER`, or `~/syne-tune`. Ignored inside a SageMaker job, where checkpoints
            are synchronised from one fixed folder.
    """
    if "SM_MODEL_DIR" in os.environ:
        root = _SAGEMAKER_CHECKPOINTS
    elif local_path is not None:
        root = Path(local_path).expanduser()
    elif os.environ.get(SYNE_TUNE_ENV_FOLDER):
        # Quoted in a shell, a leading ~ arrives as it is.
        root = Path(os.environ[SYNE_TUNE_ENV_FOLDER]).expanduser()
    else:
        root = Path.home() / SYNE_TUNE_DEFAULT_FOLDER
    return root if tuner_name is None else root / tuner_name


def s3_experiment_path(
    s3_bucket: str | None = None, experiment_name: str | None = None, tuner_name: str | None = None
) -> str:
    """Path of an experiment on S3, ending on a slash.

    Args:
        s3_bucket: Name of the bucket; None asks AWS for the one that SageMaker has in the account.
        experiment_name: First folder, if given.
        tuner_name: Next folder, if given.
    """
    if s3_bucket is None:
        from synetune_lab.backend.sagemaker_backend.s3_folders import default_bucket

        s3_bucket = default_bucket()
    parts = [s3_bucket, SYNE_TUNE_DEFAULT_FOLDER, experiment_name, tuner_name]
    return "s3://" + "".join(f"{part}/" for part in parts if part is not None)


def check_valid_sagemaker_name(name: str) -> None:
    """Check a name for SageMaker and for experiments.

    Raises:
        ValueError: Unless it has at most 63 letters, digits and hyphens, and neither begins nor
            ends with a hyphen.
    """
    if _VALID_NAME.fullmatch(name) is None or len(name) > 63:
        raise ValueError(
            f"the name {name!r} must consist of letters and digits, with hyphens between them, "
            "63 at most"
        )


def sanitize_sagemaker_name(name: str) -> str:
    """A valid name: runs of other characters become one hyphen each, at most 63 remain.

    Raises:
        ValueError: If there is neither a letter nor a digit in it.
    """
    result = re.sub(r"[^a-zA-Z0-9-]+", "-", name).strip("-")[:63].rstrip("-")
    check_valid_sagemaker_name(result)
    return result


def name_from_base(base: str | None, default: str, max_length: int = 63) -> str:
    """A unique name: a base, cut if needed, and the date and time with milliseconds.

    Args:
        base: Beginning of the name.
        default: Used if `base` is None.
        max_length: Longest allowed length, at least 25.
    """
    now = datetime.now()
    stamp = f"{now.strftime(ST_DATETIME_FORMAT)}-{now.microsecond // 1000:03d}"
    room = max_length - len(stamp) - 1
    if room < 1:
        raise ValueError(f"max_length={max_length} must be at least {len(stamp) + 2}")
    return f"{(default if base is None else base)[:room]}-{stamp}"


def random_string(length: int) -> str:
    """Letters and digits drawn at random, different in each process."""
    return "".join(_RANDOM.choices(string.ascii_letters + string.digits, k=length))


# Lists and dictionaries


def is_increasing(lst: Sequence[float]) -> bool:
    """Whether numbers are strictly increasing."""
    return all(a < b for a, b in pairwise(lst))


def is_integer(lst: Iterable[Any]) -> bool:
    """Whether all entries are of type int (bool is not)."""
    return all(isinstance(x, int) and not isinstance(x, bool) for x in lst)


def is_positive_integer(lst: Iterable[Any]) -> bool:
    """Whether all entries are of type int and positive."""
    entries = list(lst)
    return is_integer(entries) and all(x > 0 for x in entries)


def dict_get(params: Mapping[str, Any], key: str, default: Any) -> Any:
    """The entry of a dictionary, or `default` if it is missing or None."""
    value = params.get(key)
    return default if value is None else value


def recursive_merge(
    a: Mapping[str, Any], b: Mapping[str, Any], stop_keys: Sequence[str] | None = None
) -> dict[str, Any]:
    """Merge two dictionaries, entries that are dictionaries themselves too.

    Args:
        a: Dictionary; not changed.
        b: Dictionary whose entries win.
        stop_keys: Entries that are replaced by those of `b` as a whole.
    """
    stops = set(stop_keys or ())
    result = dict(a)
    for key, value in b.items():
        old = result.get(key)
        if key not in stops and isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = recursive_merge(old, value, stop_keys)
        else:
            result[key] = value
    return result


def find_first_of_type(a: Iterable[Any], typ: type) -> Any:
    """The first entry of a type, or None."""
    return next((entry for entry in a if isinstance(entry, typ)), None)


def metric_name_mode(
    metric_names: Sequence[str], metric_mode: str | Sequence[str], metric: str | int
) -> tuple[str, str]:
    """Name and mode of a metric of a scheduler.

    Args:
        metric_names: Names of all metrics.
        metric_mode: Their modes, or one for all.
        metric: Name of the metric, or its position.

    Raises:
        ValueError: If there is no such metric.
    """
    if isinstance(metric, str):
        if metric not in metric_names:
            raise ValueError(f"metric={metric!r} must be one of {list(metric_names)}")
        position = list(metric_names).index(metric)
    else:
        position = metric
        if not -len(metric_names) <= position < len(metric_names):
            raise ValueError(f"metric={metric} must be below {len(metric_names)}")
    mode = metric_mode if isinstance(metric_mode, str) else metric_mode[position]
    return metric_names[position], mode


# JSON and time


def dump_json_with_numpy(
    x: Mapping[str, Any], filename: str | os.PathLike[str] | None = None
) -> str | None:
    """Write a dictionary as JSON; numpy's numbers and arrays become plain ones.

    Args:
        x: Dictionary.
        filename: File to write; None returns the text instead.
    """
    text = json.dumps(x, default=_plain)
    if filename is None:
        return text
    Path(filename).write_text(text, encoding="utf-8")
    return None


def _plain(value: Any) -> Any:
    # Arrays and scalars alike; the module itself need not be imported for that.
    tolist = getattr(value, "tolist", None)
    if tolist is None:
        raise TypeError(f"{value!r} of type {type(value).__name__} can't be written as JSON")
    return tolist()


@contextmanager
def catchtime(name: str) -> Iterator[Callable[[], float]]:
    """Log how long a block takes.

    Args:
        name: What the block does, for the log.

    Yields:
        A function that tells the seconds so far.
    """
    start = time.perf_counter()
    try:
        yield lambda: time.perf_counter() - start
    finally:
        logger.info("%s took %.3f seconds", name, time.perf_counter() - start)
