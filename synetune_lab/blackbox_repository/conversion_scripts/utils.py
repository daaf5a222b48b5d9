"""Where benchmarks are kept: folders here and on S3, downloads, hashes."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import urllib.request
from pathlib import Path
from typing import Any

from synetune_lab.blackbox_repository.conversion_scripts.content_hash import (
    hash_bytes,
    hash_content,
)
from synetune_lab.errors import BlackboxError
from synetune_lab.extras import require
from synetune_lab.util import experiment_path

__all__ = [
    "blackbox_local_path",
    "blackbox_s3_path",
    "compute_hash_benchmark",
    "compute_hash_binary",
    "download_file",
    "download_from_s3",
    "get_sub_directory_and_name",
    "repository_path",
    "s3_blackbox_folder",
    "upload_blackbox",
    "validate_hash",
]

logger = logging.getLogger(__name__)

_FOLDER = "blackbox-repository"
_BLOCK = 1 << 20
_YAHPO = "yahpo-"


def repository_path() -> Path:
    """Folder of the repository on this machine."""
    return experiment_path() / _FOLDER


def get_sub_directory_and_name(name: str) -> tuple[str, str]:
    """Folder and name of a benchmark: `yahpo-rbv2_svm` is in `yahpo` as `rbv2_svm`."""
    if name.startswith(_YAHPO):
        return "yahpo", name.removeprefix(_YAHPO)
    return ".", name


def blackbox_local_path(name: str) -> Path:
    """Folder of a benchmark on this machine."""
    folder, own = get_sub_directory_and_name(name)
    return repository_path() / folder / own


def s3_blackbox_folder(s3_root: str | None = None) -> str:
    """Address of the repository on S3.

    Args:
        s3_root: The address itself; None for the default bucket of the account.

    Raises:
        MissingDependencyError: If boto3 is needed and not installed.
    """
    if s3_root is not None:
        return s3_root.rstrip("/")
    return f"s3://{_default_bucket()}/{_FOLDER}"


def blackbox_s3_path(name: str, s3_root: str | None = None) -> str:
    """Address of a benchmark on S3."""
    folder, own = get_sub_directory_and_name(name)
    parts = [s3_blackbox_folder(s3_root), *([] if folder == "." else [folder]), own]
    return "/".join(parts)


def upload_blackbox(name: str, s3_root: str | None = None) -> None:
    """Copy a benchmark of this machine to S3.

    Raises:
        BlackboxError: If it is not here.
        MissingDependencyError: If boto3 is not installed.
    """
    folder = blackbox_local_path(name)
    if not folder.is_dir():
        raise BlackboxError(f"there is no benchmark {name!r} in {folder}")
    bucket, prefix = _split(blackbox_s3_path(name, s3_root))
    client = _client()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        client.upload_file(str(file), bucket, f"{prefix}/{file.relative_to(folder).as_posix()}")


def download_from_s3(name: str, s3_root: str | None = None) -> bool:
    """Copy a benchmark from S3 to this machine; False if it is not there, or S3 is out of reach."""
    try:
        bucket, prefix = _split(blackbox_s3_path(name, s3_root))
        pages = _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    except Exception as error:  # no boto3, no credentials, no network, no such bucket
        if s3_root is not None:
            logger.warning("%s can't be read: %s", s3_root, error)
        return False
    if not keys:
        return False
    folder = blackbox_local_path(name)
    draft = folder.with_name(f".{folder.name}.download")
    shutil.rmtree(draft, ignore_errors=True)
    for key in keys:
        target = draft / key.removeprefix(prefix).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        _client().download_file(bucket, key, str(target))
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(folder)
    return True


def download_file(source: str, destination: str | Path) -> None:
    """Download a file, with a progress bar; half a file is not left behind.

    Raises:
        BlackboxError: If it can't be had.
    """
    from tqdm.auto import tqdm

    target = Path(destination)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.part")
    try:
        with urllib.request.urlopen(source, timeout=60) as answer, draft.open("wb") as file:
            size = int(answer.headers.get("Content-Length") or 0) or None
            with tqdm(total=size, unit="B", unit_scale=True, desc=target.name) as bar:
                while block := answer.read(_BLOCK):
                    file.write(block)
                    bar.update(len(block))
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise BlackboxError(f"{source} can't be downloaded: {error}") from error
    draft.replace(target)


def compute_hash_binary(filename: str | Path) -> str:
    """SHA-256 of the bytes of a file, as hexadecimal digits."""
    return hash_bytes(Path(filename))


def compute_hash_benchmark(tgt_folder: str | Path) -> str:
    """SHA-256 of what the files of a folder say, by their names.

    Tables, arrays and JSON count with their names and values, so that the hash is the same
    whichever program or version wrote them; other files count with their bytes.

    Raises:
        BlackboxError: If there is no such folder, or it has no files.
        MissingDependencyError: If pyarrow is needed and not installed.
    """
    folder = Path(tgt_folder)
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*")}
    hashes = {name: hash_content(file) for name, file in files.items() if file.is_file()}
    if not hashes:
        raise BlackboxError(f"tgt_folder={str(tgt_folder)!r} has no files of a benchmark")
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def validate_hash(tgt_folder: str | Path, original_hash: str) -> None:
    """Check what the files of a folder say.

    Args:
        tgt_folder: The folder.
        original_hash: What `compute_hash_benchmark` gave for the files as they should be.

    Raises:
        BlackboxError: If they do not have this hash.
    """
    found = compute_hash_benchmark(tgt_folder)
    if found != original_hash:
        raise BlackboxError(
            f"the content of {tgt_folder} has the hash {found}, and should have {original_hash}; "
            "load it again with skip_if_present=False, or take it as it is with "
            "ignore_hash=True"
        )


def _client() -> Any:
    return require("boto3", extra="aws", purpose="benchmarks on S3").client("s3")


def _default_bucket() -> str:
    boto3 = require("boto3", extra="aws", purpose="benchmarks on S3")
    session = boto3.Session()
    account = session.client("sts").get_caller_identity()["Account"]
    return f"sagemaker-{session.region_name}-{account}"


def _split(address: str) -> tuple[str, str]:
    if not address.startswith("s3://"):
        raise BlackboxError(f"an address on S3 begins with s3://, got {address!r}")
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    return bucket, prefix
