"""The repository: benchmarks by name, wherever they are."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.blackbox_repository import (
    blackbox_offline,
    blackbox_tabular,
    task_tables,
)
from synetune_lab.blackbox_repository.analytic import ANALYTIC, analytic_blackbox
from synetune_lab.blackbox_repository.blackbox import Blackbox
from synetune_lab.blackbox_repository.bundled import BUNDLED, load_bundled
from synetune_lab.blackbox_repository.conversion_scripts.recipes import (
    generate_blackbox_recipes,
    instantiate_yahpo,
)
from synetune_lab.blackbox_repository.conversion_scripts.utils import (
    blackbox_local_path,
    download_from_s3,
    repository_path,
    validate_hash,
)
from synetune_lab.errors import BlackboxError

if TYPE_CHECKING:
    from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import BlackboxRecipe

__all__ = ["blackbox_list", "check_blackbox_local_files", "load_blackbox"]

logger = logging.getLogger(__name__)

Loaded = Mapping[str, Blackbox] | Blackbox


def blackbox_list() -> list[str]:
    """Names that `load_blackbox` knows: those of the package, recipes, and folders found here."""
    here = repository_path()
    own = [path.name for path in here.iterdir() if path.is_dir()] if here.is_dir() else []
    folders = [name for name in own if name != "yahpo" and check_blackbox_local_files(here / name)]
    return sorted({*BUNDLED, *ANALYTIC, *generate_blackbox_recipes(), *folders})


def load_blackbox(
    name: str,
    skip_if_present: bool = True,
    s3_root: str | None = None,
    generate_if_not_found: bool = True,
    yahpo_kwargs: Mapping[str, Any] | None = None,
    ignore_hash: bool = True,
) -> Loaded:
    """Load a benchmark: from the package, the local folder, S3, or made from its raw data.

    Args:
        name: One of `blackbox_list`.
        skip_if_present: Use local files if there are any; False fetches or makes them anew.
        s3_root: Where on S3 a mirror is; None for the default bucket of the account, if the extra
            `aws` is installed and there are credentials.
        generate_if_not_found: Whether to download the raw data and convert them if there is nothing
            else.
        yahpo_kwargs: Arguments for benchmarks of YAHPO: `fidelities`, `check`.
        ignore_hash: Whether to take files as they are; else they must have the hash that the
            recipe knows, and a benchmark of which no hash is known is refused. The benchmarks of
            the package have no files of their own to check.

    Returns:
        Tasks by name, or the blackbox itself if it has no tasks.

    Raises:
        BlackboxError: If the name is not known, the benchmark can't be had, or its files can't be
            checked as `ignore_hash=False` asks; the message says what to do.
    """
    if name in BUNDLED:
        return load_bundled(name)
    if name in ANALYTIC:
        return analytic_blackbox(name)
    recipe = generate_blackbox_recipes().get(name)
    folder = blackbox_local_path(name)
    if recipe is None and not check_blackbox_local_files(folder):
        raise BlackboxError(f"name={name!r} is not known; there are {blackbox_list()}")
    known_hash = None if recipe is None else recipe.hash
    if not ignore_hash and known_hash is None:
        raise BlackboxError(
            f"ignore_hash=False: no hash of {name!r} is known, so its files can't be checked; take "
            "them as they are with ignore_hash=True. To check them against a hash of yours (from "
            "compute_hash_benchmark), call validate_hash(blackbox_local_path"
            f"({name!r}), original_hash), all three of {validate_hash.__module__}"
        )
    if not (skip_if_present and check_blackbox_local_files(folder)) and recipe is not None:
        _fetch(recipe, name, folder, s3_root, generate_if_not_found)
    if known_hash is not None and not ignore_hash:
        validate_hash(folder, known_hash)
    if name.startswith("yahpo-"):
        return instantiate_yahpo(name.removeprefix("yahpo-"), **(yahpo_kwargs or {}))
    return deserialize_folder(folder)


def deserialize_folder(folder: Path) -> Loaded:
    """The tasks in a folder, in whichever layout they are."""
    if (folder / "objectives_evaluations.npy").exists():
        return blackbox_tabular.deserialize(folder)
    if task_tables.has_task_tables(folder):
        return task_tables.deserialize(folder)
    return blackbox_offline.deserialize(folder)


def check_blackbox_local_files(tgt_folder: Path | str) -> bool:
    """Whether a folder (a name stands for its folder in the repository) has a benchmark's files."""
    folder = repository_path() / tgt_folder
    if not folder.is_dir():
        return False
    if folder.parent.name == "yahpo":
        return any(folder.iterdir())
    if not (folder / "configspace.json").exists():
        return False
    table = (folder / "objectives_evaluations.npy").exists()
    if table or task_tables.has_task_tables(folder):
        return True
    return (folder / "data.csv.zip").exists() or any(folder.glob("data-*.parquet"))


def _fetch(
    recipe: BlackboxRecipe, name: str, folder: Path, s3_root: str | None, generate: bool
) -> None:
    if download_from_s3(name, s3_root):
        return
    if not generate:
        raise BlackboxError(
            f"{name!r} is neither in {folder} nor on S3; generate_if_not_found=True makes it from "
            f"its raw data ({recipe.source})"
        )
    logger.info("%s is made from its raw data. If you use it, please cite:\n%s", name, recipe.cite)
    recipe.generate(s3_root=s3_root)
