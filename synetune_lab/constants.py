"""Names and numbers that training scripts, backends and files on disk agree on.

Everything here is part of a protocol: a value that changes breaks experiments that other releases
wrote. The module imports nothing heavy, because the reporter of every trial loads it.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CONFIG_COLUMN_PREFIX",
    "DATETIME_FORMAT",
    "DEFAULT_GRID_SIZE",
    "MAX_METRICS_SUPPORTED_BY_SAGEMAKER",
    "RESERVED_METRIC_PREFIX",
    "SM_INSTANCE_COUNT_ENV",
    "SM_INSTANCE_TYPE_ENV",
    "ST_CHECKPOINT_DIR",
    "ST_CONFIG_JSON_FNAME_ARG",
    "ST_DATETIME_FORMAT",
    "ST_DECISION",
    "ST_INSTANCE_COUNT",
    "ST_INSTANCE_TYPE",
    "ST_METADATA_FILENAME",
    "ST_REMOTE_UPLOAD_DIR_NAME",
    "ST_RESULTS_DATAFRAME_FILENAME",
    "ST_SAGEMAKER_METRIC_TAG",
    "ST_STATUS",
    "ST_TUNER_CREATION_TIMESTAMP",
    "ST_TUNER_DILL_FILENAME",
    "ST_TUNER_START_TIMESTAMP",
    "ST_TUNER_TIME",
    "ST_WORKER_COST",
    "ST_WORKER_ITER",
    "ST_WORKER_TIME",
    "ST_WORKER_TIMESTAMP",
    "SYNE_TUNE_DEFAULT_FOLDER",
    "SYNE_TUNE_ENV_FOLDER",
    "TRIAL_CHECKPOINTS_DIRNAME",
    "TRIAL_CONFIG_FILENAME",
    "TRIAL_ID",
    "TRIAL_MARKER_FILENAMES",
    "TRIAL_STDERR_FILENAME",
    "TRIAL_STDOUT_FILENAME",
    "TUNER_DEFAULT_SLEEP_TIME",
]

# Where experiments live.
SYNE_TUNE_ENV_FOLDER: Final = "SYNETUNE_FOLDER"
"""Environment variable that replaces the default root folder of experiments."""
SYNE_TUNE_DEFAULT_FOLDER: Final = "syne-tune"
"""Root folder of experiments, below the user's home folder."""

# What a report carries beside the user's metrics.
RESERVED_METRIC_PREFIX: Final = "st_"
"""No metric of a user may begin with this."""
ST_WORKER_ITER: Final = "st_worker_iter"
"""Number of earlier calls of the reporter; the first report carries 0."""
ST_WORKER_TIMESTAMP: Final = "st_worker_timestamp"
"""Time of the report, seconds since the epoch."""
ST_WORKER_TIME: Final = "st_worker_time"
"""Seconds since the reporter was made."""
ST_WORKER_COST: Final = "st_worker_cost"
"""US dollars spent by the trial so far."""
ST_SAGEMAKER_METRIC_TAG: Final = "tune-metric"
"""A report is one line `[tune-metric]: {json}` on standard output."""
SM_INSTANCE_TYPE_ENV: Final = "SM_HP_ST_INSTANCE_TYPE"
"""Environment variable that tells a trial its instance type, needed for `ST_WORKER_COST`."""
SM_INSTANCE_COUNT_ENV: Final = "SM_HP_ST_INSTANCE_COUNT"
"""Environment variable that tells a trial its number of instances."""

# Arguments that backends add to a trial's configuration.
ST_INSTANCE_TYPE: Final = "st_instance_type"
ST_INSTANCE_COUNT: Final = "st_instance_count"
ST_CHECKPOINT_DIR: Final = "st_checkpoint_dir"
"""Folder where the trial reads and writes its checkpoints."""
ST_CONFIG_JSON_FNAME_ARG: Final = "st_config_json_filename"
"""File that holds the configuration where it is passed as JSON."""

# Columns and files of an experiment.
ST_TUNER_TIME: Final = "st_tuner_time"
"""Seconds since the tuner started."""
ST_DECISION: Final = "st_decision"
"""What the scheduler decided at the report: CONTINUE, PAUSE or STOP."""
ST_STATUS: Final = "st_status"
"""Status of the trial when it reported."""
TRIAL_ID: Final = "trial_id"
CONFIG_COLUMN_PREFIX: Final = "config_"
"""Put before the name of each entry of the configuration in the results."""
ST_RESULTS_DATAFRAME_FILENAME: Final = "results.csv.zip"
ST_METADATA_FILENAME: Final = "metadata.json"
ST_TUNER_DILL_FILENAME: Final = "tuner.dill"
ST_TUNER_CREATION_TIMESTAMP: Final = "st_tuner_creation_timestamp"
ST_TUNER_START_TIMESTAMP: Final = "st_tuner_start_timestamp"
ST_REMOTE_UPLOAD_DIR_NAME: Final = "tuner"
ST_DATETIME_FORMAT: Final = "%Y-%m-%d-%H-%M-%S"
"""Date and time in the names of experiments; three digits of milliseconds follow it."""
DATETIME_FORMAT: Final = ST_DATETIME_FORMAT

# Files of one trial of the local backend, below `{experiment}/{trial_id}/`.
TRIAL_CONFIG_FILENAME: Final = "config.json"
TRIAL_STDOUT_FILENAME: Final = "std.out"
TRIAL_STDERR_FILENAME: Final = "std.err"
TRIAL_CHECKPOINTS_DIRNAME: Final = "checkpoints"
TRIAL_MARKER_FILENAMES: Final = ("stop", "pause", "end")
"""Empty files that tell how a trial ended."""

# Limits and defaults.
MAX_METRICS_SUPPORTED_BY_SAGEMAKER: Final = 40
TUNER_DEFAULT_SLEEP_TIME: Final = 5.0
"""Seconds; the documented default of `Tuner(sleep_time=...)`."""
DEFAULT_GRID_SIZE: Final = 5
"""Points of grid search for a numerical hyperparameter whose number is not given."""
