"""How a benchmark is made from its raw data: the base of all importers."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path
from typing import ClassVar

from synetune_lab.blackbox_repository.conversion_scripts.utils import (
    blackbox_local_path,
    compute_hash_benchmark,
    download_file,
    upload_blackbox,
)
from synetune_lab.errors import BlackboxError

__all__ = ["BlackboxRecipe", "table_metadata"]

logger = logging.getLogger(__name__)


def table_metadata(elapsed_time: str, metric: str, resource: str) -> dict[str, str]:
    """Entries of `metadata.json` that say which objective is what, as Syne Tune names them.

    Args:
        elapsed_time: Objective with the seconds since the start of training.
        metric: Objective to optimise unless another is asked for.
        resource: Name of the fidelity.
    """
    return {
        "metric_elapsed_time": elapsed_time,
        "metric_default": metric,
        "resource_attr": resource,
    }


class BlackboxRecipe:
    """Makes one benchmark.

    A subclass sets `address`, `size` (and `filename`), and implements `convert`.

    Args:
        name: Name of the benchmark.
        cite_reference: What to cite when it is used.
        hash: Hash of its converted files (`compute_hash_benchmark`), if known.

    Attributes:
        address: Where the raw data are.
        size: How large they are, for messages.
        filename: Name of the raw file, where the address does not end with it.
    """

    address: ClassVar[str] = ""
    size: ClassVar[str] = ""
    filename: ClassVar[str] = ""

    def __init__(self, name: str, cite_reference: str, hash: str | None = None) -> None:  # noqa: A002 - the documented name
        self.name = name
        self.cite = cite_reference
        self.hash = hash

    @property
    def source(self) -> str:
        """Where the raw data are, and how large."""
        return f"{self.address}, {self.size}"

    @property
    def raw_filename(self) -> str:
        """Name of the raw file."""
        return self.filename or self.address.rsplit("/", 1)[-1]

    def convert(self, raw: Path, target: Path) -> None:
        """Turn raw data into the files of a blackbox.

        Args:
            raw: The downloaded file (or a folder with it unpacked).
            target: An empty folder for the result.

        Raises:
            BlackboxError: If the data do not have the expected form.
        """
        raise NotImplementedError

    def generate(self, s3_root: str | None = None, raw: str | Path | None = None) -> None:
        """Make the benchmark, and copy it to S3 if `s3_root` is given.

        Args:
            s3_root: Mirror to copy it to.
            raw: The raw data, if you have them; else they are downloaded.

        Raises:
            BlackboxError: If the raw data can't be had, or converted.
        """
        target = blackbox_local_path(self.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".raw-") as folder:
            source = Path(raw) if raw is not None else self._download(Path(folder))
            draft = Path(folder) / "converted"
            draft.mkdir()
            self.convert(source, draft)
            if target.exists():
                shutil.rmtree(target)
            draft.replace(target)
        logger.info("%s: its content has the hash %s", self.name, compute_hash_benchmark(target))
        if s3_root is not None:
            upload_blackbox(self.name, s3_root)

    def _download(self, folder: Path) -> Path:
        target = folder / self.raw_filename
        logger.info("%s: downloading %s", self.name, self.source)
        try:
            download_file(self.address, target)
        except BlackboxError as error:
            raise BlackboxError(
                f"{self.name!r} is made from {self.address} ({self.size}), which can't be "
                f"downloaded here. Fetch that file where you can, and convert it with\n"
                "    from synetune_lab.blackbox_repository.conversion_scripts.recipes import "
                "generate_blackbox_recipes\n"
                f"    generate_blackbox_recipes()[{self.name!r}].generate(raw='PATH/"
                f"{self.raw_filename}')\n({error})"
            ) from error
        return target
