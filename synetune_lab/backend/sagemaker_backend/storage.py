"""What trials keep on S3: checkpoints as folders of objects, small texts, archives."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError, as_aws_error
from synetune_lab.backend.sagemaker_backend.names import parse_s3_uri
from synetune_lab.errors import BackendError
from synetune_lab.extras import require

__all__ = ["S3Store", "path_inside"]

_DELETE_BATCH = 1000
_STAMP_FILENAME = ".s3-mirror.json"


class S3Store:
    """Folders on S3, named by addresses such as `s3://bucket/folder`.

    Args:
        aws: The account.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def objects(self, uri: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Everything below a folder: the name relative to it, and what S3 tells of the object."""
        bucket, key = parse_s3_uri(uri, "address")
        token: dict[str, str] = {}
        while True:
            page = self._aws.call("s3", "list_objects_v2", Bucket=bucket, Prefix=f"{key}/", **token)
            for item in page.get("Contents", []):
                name = item["Key"][len(key) + 1 :]
                if name and not name.endswith("/"):
                    yield name, item
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def put_text(self, uri: str, text: str, *, is_patient: bool = True) -> None:
        """Write a small object; see `Aws.call_once` for one that is not patient."""
        bucket, key = parse_s3_uri(uri, "address")
        call = self._aws.call if is_patient else self._aws.call_once
        call("s3", "put_object", Bucket=bucket, Key=key, Body=text.encode())

    def put_once(self, uri: str, body: bytes) -> bool:
        """Write an object unless it is there; returns whether it was written."""
        bucket, key = parse_s3_uri(uri, "address")
        try:
            self._aws.call("s3", "head_object", Bucket=bucket, Key=key)
        except AwsError as error:
            # Whoever may not list the bucket is told 403 for what is not there.
            if error.trouble not in ("missing", "denied"):
                raise
        else:
            return False
        self._aws.call("s3", "put_object", Bucket=bucket, Key=key, Body=body)
        return True

    def copy_folder(self, source: str, target: str) -> int:
        """Make a folder a copy of another one, within S3; returns the number of objects.

        Nothing happens if the source holds nothing.
        """
        to_bucket, to_key = parse_s3_uri(target, "address")
        names = {name for name, _ in self.objects(source)}
        if not names:
            return 0
        self._delete(
            to_bucket, [f"{to_key}/{n}" for n, _ in self.objects(target) if n not in names]
        )
        for name in sorted(names):
            self.copy(f"{source.rstrip('/')}/{name}", f"{target.rstrip('/')}/{name}")
        return len(names)

    def copy(self, source: str, target: str) -> None:
        """Copy an object within S3."""
        from_bucket, from_key = parse_s3_uri(source, "address")
        to_bucket, to_key = parse_s3_uri(target, "address")
        botocore = require("botocore.exceptions", extra="aws")
        self._aws.calls["copy_object"] += 1
        try:
            # In parts, if it is larger than one copy can be.
            self._aws.client("s3").copy({"Bucket": from_bucket, "Key": from_key}, to_bucket, to_key)
        except (botocore.BotoCoreError, botocore.ClientError, OSError) as error:
            raise as_aws_error(error, "s3:copy_object") from error

    def delete(self, uri: str) -> None:
        """Delete an object; harmless if there is none."""
        bucket, key = parse_s3_uri(uri, "address")
        self._aws.call("s3", "delete_object", Bucket=bucket, Key=key)

    def delete_folder(self, uri: str) -> None:
        """Delete everything below a folder."""
        bucket, key = parse_s3_uri(uri, "address")
        self._delete(bucket, [f"{key}/{name}" for name, _ in self.objects(uri)])

    def _delete(self, bucket: str, keys: list[str]) -> None:
        for first in range(0, len(keys), _DELETE_BATCH):
            batch = [{"Key": key} for key in keys[first : first + _DELETE_BATCH]]
            answer = self._aws.call(
                "s3", "delete_objects", Bucket=bucket, Delete={"Objects": batch, "Quiet": True}
            )
            for failed in answer.get("Errors", []):
                raise AwsError(
                    "refused",
                    str(failed.get("Code")),
                    f"s3://{bucket}/{failed.get('Key')} can't be deleted: {failed.get('Message')}",
                )

    def mirror(self, uri: str, folder: Path) -> None:
        """Make a local folder hold what is on S3; what did not change is not fetched again.

        The folder is removed if S3 holds nothing.
        """
        bucket, key = parse_s3_uri(uri, "address")
        there = {name: f"{item['ETag']} {item['Size']}" for name, item in self.objects(uri)}
        if not there:
            self.forget_mirror(folder)
            return
        folder.mkdir(parents=True, exist_ok=True)
        stamp_file = folder.with_suffix(_STAMP_FILENAME)
        try:
            known: dict[str, str] = json.loads(stamp_file.read_text())
        except (OSError, ValueError):
            known = {}
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            if path.relative_to(folder).as_posix() not in there:
                path.unlink()
        for name, stamp in there.items():
            path = path_inside(folder, name)
            if known.get(name) != stamp or not path.is_file():
                self.download(f"s3://{bucket}/{key}/{name}", path)
        stamp_file.write_text(json.dumps(there))

    @staticmethod
    def forget_mirror(folder: Path) -> None:
        """Remove what `mirror` made."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(_STAMP_FILENAME).unlink(missing_ok=True)

    def download(self, uri: str, path: Path) -> None:
        """Make a file a copy of an object."""
        bucket, key = parse_s3_uri(uri, "address")
        path.parent.mkdir(parents=True, exist_ok=True)
        botocore = require("botocore.exceptions", extra="aws")
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        self._aws.calls["get_object"] += 1
        try:
            self._aws.client("s3").download_file(bucket, key, str(draft))
        except (botocore.BotoCoreError, botocore.ClientError) as error:
            raise as_aws_error(error, "s3:get_object") from error
        draft.replace(path)


def path_inside(folder: Path, name: str) -> Path:
    """The path of an object below a folder.

    Args:
        folder: The folder.
        name: Its name, relative to the folder on S3.

    Raises:
        BackendError: If it would lead out of the folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute():
        raise BackendError(f"S3 holds {name!r}, which would leave {folder}")
    return folder.joinpath(*parts)
