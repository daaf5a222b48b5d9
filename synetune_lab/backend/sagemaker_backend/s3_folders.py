"""Folders on S3 as a user copies, deletes and downloads them, and where experiments are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws
from synetune_lab.backend.sagemaker_backend.names import parse_s3_uri
from synetune_lab.backend.sagemaker_backend.storage import S3Store, path_inside
from synetune_lab.constants import ST_METADATA_FILENAME, ST_RESULTS_DATAFRAME_FILENAME
from synetune_lab.errors import BackendError
from synetune_lab.util import experiment_path, s3_experiment_path

__all__ = [
    "backend_path_not_synced_to_s3",
    "default_bucket",
    "download_sagemaker_results",
    "s3_copy_objects_recursively",
    "s3_delete_objects_recursively",
    "s3_download_files_recursively",
]

# A folder that holds one of them is an experiment.
_MARKS: Final = frozenset({ST_METADATA_FILENAME, ST_RESULTS_DATAFRAME_FILENAME})
_NOT_SYNCED: Final = Path("/opt/ml/input/data/synetune_lab")


def default_bucket(aws: Aws | None = None) -> str:
    """Name of the bucket that SageMaker has in an account; it may not have been made yet.

    Args:
        aws: The account; None takes the one that boto3 finds.

    Raises:
        BackendError: If there are no credentials, or no region is set.
    """
    aws = aws or Aws()
    return f"sagemaker-{aws.region}-{aws.account}"


def backend_path_not_synced_to_s3() -> Path:
    """A folder of a SageMaker job that is not copied to S3.

    Give it as `Tuner(trial_backend_path=...)` to a tuner that runs in a job of its own with the
    local backend: then results go to S3, and checkpoints of trials do not.
    """
    return _NOT_SYNCED


def download_sagemaker_results(s3_path: str | None = None) -> None:
    """Fetch the results of tuners that ran in SageMaker into `~/syne-tune` (`experiment_path()`).

    Every folder with `metadata.json` or `results.csv.zip` counts as an experiment; its files are
    fetched, and nothing of its trials.

    Args:
        s3_path: Folder of experiments on S3; None takes `s3_experiment_path()`.

    Raises:
        BackendError: If S3 can't be read.
    """
    s3_path = s3_path or s3_experiment_path()
    parse_s3_uri(s3_path, "s3_path")
    store = S3Store(Aws())
    names = [PurePosixPath(name) for name, _ in store.objects(s3_path.rstrip("/"))]
    experiments = {name.parent for name in names if name.name in _MARKS}
    root = experiment_path()
    for name in names:
        if name.parent in experiments and name.suffix != ".lock":
            store.download(f"{s3_path.rstrip('/')}/{name}", path_inside(root, str(name)))


def s3_copy_objects_recursively(s3_source_path: str, s3_target_path: str) -> dict[str, Any]:
    """Copy what is below a folder to another one, within S3.

    Args:
        s3_source_path: The folder.
        s3_target_path: The other one; what it holds already is kept.

    Returns:
        `num_action_calls`, `num_successful_action_calls` and `first_error_message` (None if all
        went well).
    """
    parse_s3_uri(s3_target_path, "s3_target_path")
    store, target = S3Store(Aws()), s3_target_path.rstrip("/")
    names = _names_below(store, s3_source_path, "s3_source_path")
    source = s3_source_path.rstrip("/")
    return _for_each(names, lambda name: store.copy(f"{source}/{name}", f"{target}/{name}"))


def s3_delete_objects_recursively(s3_path: str) -> dict[str, Any]:
    """Delete everything below a folder on S3.

    Args:
        s3_path: The folder.

    Returns:
        See `s3_copy_objects_recursively`.
    """
    store = S3Store(Aws())
    names = _names_below(store, s3_path, "s3_path")
    return _for_each(names, lambda name: store.delete(f"{s3_path.rstrip('/')}/{name}"))


def s3_download_files_recursively(
    s3_source_path: str, target_path: str, valid_postfixes: Sequence[str] | None = None
) -> dict[str, Any]:
    """Download what is below a folder on S3.

    Args:
        s3_source_path: The folder.
        target_path: Folder on this machine.
        valid_postfixes: Only names that end on one of these; None for all.

    Returns:
        See `s3_copy_objects_recursively`.
    """
    store, source, root = S3Store(Aws()), s3_source_path.rstrip("/"), Path(target_path).expanduser()
    endings = None if valid_postfixes is None else tuple(valid_postfixes)
    names = [
        name
        for name in _names_below(store, s3_source_path, "s3_source_path")
        if endings is None or name.endswith(endings)
    ]
    return _for_each(
        names, lambda name: store.download(f"{source}/{name}", path_inside(root, name))
    )


def _names_below(store: S3Store, uri: str, what: str) -> list[str]:
    parse_s3_uri(uri, what)
    return [name for name, _ in store.objects(uri.rstrip("/"))]


def _for_each(names: Iterable[str], act: Callable[[str], None]) -> dict[str, Any]:
    """Do something to each object, however many fail."""
    tried = done = 0
    message = None
    for name in names:
        tried += 1
        try:
            act(name)
            done += 1
        except (BackendError, OSError) as error:
            message = message or str(error)
    return {
        "num_action_calls": tried,
        "num_successful_action_calls": done,
        "first_error_message": message,
    }
