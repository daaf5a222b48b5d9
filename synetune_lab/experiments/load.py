"""Finds experiments on disk and loads them. Reads JSON and CSV; a pickle only if asked."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import ST_METADATA_FILENAME, ST_RESULTS_DATAFRAME_FILENAME
from synetune_lab.errors import (
    BackendError,
    MissingDependencyError,
    StoreError,
    SynetuneLabError,
)
from synetune_lab.experiments.experiment_result import ExperimentResult
from synetune_lab.experiments.result_types import read_typed_results
from synetune_lab.store.run_files import read_metadata
from synetune_lab.tuner import Tuner
from synetune_lab.util import experiment_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

logger = logging.getLogger(__name__)


def load_experiment(
    tuner_name: str,
    download_if_not_found: bool = True,
    load_tuner: bool = False,
    local_path: str | Path | None = None,
    experiment_name: str | None = None,
    *,
    trust: bool = False,
    s3_path: str | None = None,
) -> ExperimentResult:
    """Load an experiment, finished or running.

    Args:
        tuner_name: Name of the tuner.
        download_if_not_found: Fetch an experiment from S3 that is not here (needs boto3).
        load_tuner: Whether to load the tuner, too, to go on with it. Loading a tuner runs code.
        local_path: Folder of all experiments, default `$SYNETUNE_FOLDER` or `~/syne-tune`.
        experiment_name: Folder between that one and the tuner's.
        trust: For `load_tuner`: load also a file that was not written by you on this machine.
        s3_path: Where experiments are kept on S3; None takes `syne-tune` in the bucket that
            SageMaker has for itself in the account.

    Raises:
        StoreError: If there is no such experiment.
        UntrustedFileError: If the tuner is to be loaded and not known to be written by you.
    """
    root = experiment_path(local_path=local_path)
    path = (root / experiment_name if experiment_name else root) / tuner_name
    if download_if_not_found:
        _renew(path)
    metadata = read_metadata(path)
    if metadata is None:
        found = f"{path} has no {ST_METADATA_FILENAME}"
        if download_if_not_found:
            found += f", nor on S3: {_downloaded(tuner_name, path, s3_path, experiment_name)}"
            metadata = read_metadata(path)
        if metadata is None:
            raise StoreError(f"there is no experiment {tuner_name!r}: {found}")
    tuner = Tuner.load(path, trust=trust) if load_tuner else None
    return ExperimentResult(tuner_name, _read_results(path, metadata), metadata, tuner, path)


def _renew(path: Path) -> None:
    """Fetch what a job that drives the run has saved since; what is here stays if S3 is away."""
    from synetune_lab.remote.download import download_running

    try:
        download_running(path)
    except (BackendError, MissingDependencyError, StoreError) as error:
        logger.warning("the newest results of %s are not here: %s", path.name, error)


def _downloaded(name: str, path: Path, s3_path: str | None, experiment_name: str | None) -> str:
    """Fetch an experiment from S3; returns what is to be said if that is not enough."""
    from synetune_lab.remote.download import download_experiment

    try:
        return download_experiment(name, path, s3_path, experiment_name)
    except MissingDependencyError as error:
        return str(error)
    except BackendError as error:
        return f"it could not be asked: {error}"


def _read_results(path: Path, metadata: dict[str, Any]) -> pd.DataFrame | None:
    file = path / ST_RESULTS_DATAFRAME_FILENAME
    if not file.exists():
        return None
    try:
        return read_typed_results(file, metadata)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise StoreError(f"the results in {file} can't be read: {error}") from error


def _found(
    path_filter: Callable[[str], bool] | None, root: str | Path | None
) -> Iterator[tuple[Path, dict[str, Any]]]:
    folder = experiment_path() if root is None else Path(root)
    for file in sorted(folder.glob(f"**/{ST_METADATA_FILENAME}")):
        if path_filter is None or path_filter(str(file)):
            metadata = read_metadata(file.parent)
            if metadata is None:
                logger.warning("%s can't be read and is left out", file)
            else:
                yield file.parent, metadata


def get_metadata(
    path_filter: Callable[[str], bool] | None = None, root: str | Path | None = None
) -> dict[str, dict[str, Any]]:
    """Metadata of all experiments, by name of the tuner.

    Args:
        path_filter: Keeps an experiment if true for the path of its `metadata.json`.
        root: Folder to look in and below, default `experiment_path()`.
    """
    return {path.name: metadata for path, metadata in _found(path_filter, root)}


def list_experiments(
    path_filter: Callable[[str], bool] | None = None,
    experiment_filter: Callable[[ExperimentResult], bool] | None = None,
    root: str | Path | None = None,
    load_tuner: bool = False,
) -> list[ExperimentResult]:
    """All experiments, the newest first.

    Args:
        path_filter: As for `get_metadata`.
        experiment_filter: Keeps an experiment if true for it.
        root: As for `get_metadata`.
        load_tuner: Whether to load the tuners, too; those that can't be are left out with None.
    """
    experiments = []
    for path, metadata in _found(path_filter, root):
        try:
            tuner = Tuner.load(path) if load_tuner else None
            results = _read_results(path, metadata)
        except SynetuneLabError as error:
            logger.warning("%s", error)
            continue
        experiment = ExperimentResult(path.name, results, metadata, tuner, path)
        if experiment_filter is None or experiment_filter(experiment):
            experiments.append(experiment)
    return sorted(experiments, key=lambda e: e.creation_date(), reverse=True)


def load_experiments_df(
    path_filter: Callable[[str], bool] | None = None,
    experiment_filter: Callable[[ExperimentResult], bool] | None = None,
    root: str | Path | None = None,
    load_tuner: bool = False,
) -> pd.DataFrame | None:
    """The rows of all experiments in one data frame, with `tuner_name` and `entry_point_name`.

    Args:
        path_filter: As for `list_experiments`.
        experiment_filter: As for `list_experiments`.
        root: As for `list_experiments`.
        load_tuner: As for `list_experiments`.

    Returns:
        None if there are no results.
    """
    import pandas as pd

    frames = []
    for experiment in list_experiments(path_filter, experiment_filter, root, load_tuner):
        if experiment.results is not None:
            frame = experiment.results.copy()
            frame["tuner_name"] = experiment.name
            frame["entry_point_name"] = experiment.metadata.get("entrypoint")
            frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else None
