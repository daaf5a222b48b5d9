"""Checkpoints in training scripts: where to write them, and going on from one.

A script that supports checkpoints reads like this::

    add_checkpointing_to_argparse(parser)
    config = vars(parser.parse_args())
    load_model_fn, save_model_fn = pytorch_load_save_functions({"model": model})
    resume_from = resume_from_checkpointed_model(config, load_model_fn)
    for epoch in range(resume_from + 1, config["epochs"] + 1):
        loss = train_one_epoch(model)
        checkpoint_model_at_rung_level(config, save_model_fn, epoch)
        report(epoch=epoch, loss=loss)
"""

from __future__ import annotations

import json
import os
import signal
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synetune_lab.constants import ST_CHECKPOINT_DIR
from synetune_lab.errors import MissingDependencyError

__all__ = [
    "add_checkpointing_to_argparse",
    "checkpoint_model_at_rung_level",
    "pytorch_load_save_functions",
    "resume_from_checkpointed_model",
]

_RESOURCE_KEY = "st_resource"


def add_checkpointing_to_argparse(parser: ArgumentParser) -> None:
    """Add the optional argument for the checkpoint folder to the parser of a training script."""
    parser.add_argument(
        f"--{ST_CHECKPOINT_DIR}",
        type=str,
        help="folder for checkpoints; none are written or read without it",
    )


def resume_from_checkpointed_model(
    config: Mapping[str, Any], load_model_fn: Callable[[str], int]
) -> int:
    """Load the checkpoint of this trial, if there is one.

    Args:
        config: What the script was called with.
        load_model_fn: Gets the checkpoint folder, loads what it finds there and returns the
            resource (epochs, say) at which it was written, or 0 if it can't load it.

    Returns:
        That resource; 0 without a checkpoint folder in `config`, or if the folder is not there.
    """
    folder = config.get(ST_CHECKPOINT_DIR)
    if folder is None or not Path(folder).is_dir():
        return 0
    return int(load_model_fn(str(folder)))


def checkpoint_model_at_rung_level(
    config: Mapping[str, Any], save_model_fn: Callable[[str, int], Any], resource: int
) -> None:
    """Write a checkpoint if the backend wants checkpoints. Call it before the report.

    A script that is told to end while it writes ends when it has written.

    Args:
        config: What the script was called with.
        save_model_fn: Gets the checkpoint folder, which exists, and the resource.
        resource: Resource (epochs, say) that has been spent.
    """
    folder = config.get(ST_CHECKPOINT_DIR)
    if folder is None:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    with _undisturbed():
        save_model_fn(str(folder), resource)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put SIGTERM off until the end of the block, so that no checkpoint is left half written."""
    came = False

    def note(*_: object) -> None:
        nonlocal came
        came = True

    try:
        previous = signal.signal(signal.SIGTERM, note)
    except ValueError:  # not the main thread, which alone may set handlers
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if previous is None else previous)
        if came:
            os.kill(os.getpid(), signal.SIGTERM)


def pytorch_load_save_functions(
    state_dict_objects: Mapping[str, Any],
    mutable_state: dict[str, Any] | None = None,
    fname: str = "checkpoint.json",
) -> tuple[Callable[[str], int], Callable[[str, int], None]]:
    """Functions that load and save the state of PyTorch objects.

    A checkpoint is replaced at once, so that a script that is killed while it writes leaves the one
    before.

    Args:
        state_dict_objects: Objects with `state_dict` and `load_state_dict`, by names of your
            choice: model, optimiser, scheduler of the learning rate.
        mutable_state: Elementary values to save too; loading updates this dictionary.
        fname: Name of the file in the checkpoint folder.

    Returns:
        `load_model_fn` and `save_model_fn`, for `resume_from_checkpointed_model` and
        `checkpoint_model_at_rung_level`.
    """
    _check_objects(state_dict_objects)

    def load_model_fn(local_path: str) -> int:
        path = Path(local_path) / fname
        if not path.is_file():
            return 0
        # Only tensors and elementary values: loading a checkpoint must not run code.
        checkpoint = _torch().load(path, map_location="cpu", weights_only=True)
        for name, target in state_dict_objects.items():
            target.load_state_dict(checkpoint[name])
        if mutable_state is not None:
            mutable_state.clear()
            mutable_state.update(json.loads(checkpoint["mutable_state"]))
        return int(checkpoint[_RESOURCE_KEY])

    def save_model_fn(local_path: str, resource: int) -> None:
        checkpoint = {name: source.state_dict() for name, source in state_dict_objects.items()}
        checkpoint[_RESOURCE_KEY] = resource
        checkpoint["mutable_state"] = json.dumps(mutable_state or {})
        path = Path(local_path) / fname
        unfinished = path.with_name(f"{fname}.{os.getpid()}.part")
        _torch().save(checkpoint, unfinished)
        unfinished.replace(path)

    return load_model_fn, save_model_fn


def _check_objects(state_dict_objects: Mapping[str, Any]) -> None:
    for name, entry in state_dict_objects.items():
        if name in (_RESOURCE_KEY, "mutable_state"):
            raise ValueError(f"state_dict_objects: the name {name!r} is taken; choose another one")
        for method in ("state_dict", "load_state_dict"):
            if not callable(getattr(entry, method, None)):
                raise TypeError(f"state_dict_objects[{name!r}]={entry!r} has no method {method}")


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError(
            "pytorch_load_save_functions needs PyTorch: pip install torch"
        ) from error
    return torch
