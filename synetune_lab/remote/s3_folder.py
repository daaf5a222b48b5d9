"""A folder on S3: small objects that are written, read in part, listed and deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError, as_aws_error
from synetune_lab.backend.sagemaker_backend.names import parse_s3_uri

__all__ = ["Entry", "S3Folder"]

_BEYOND_END = ("InvalidRange", "416")


@dataclass(frozen=True)
class Entry:
    """An object.

    Attributes:
        name: Its name below the folder.
        size: Bytes.
        stamp: Changes whenever it does.
    """

    name: str
    size: int
    stamp: str


class S3Folder:
    """Objects below an address.

    Args:
        aws: The account.
        uri: The address, for example `s3://bucket/folder`.
    """

    def __init__(self, aws: Aws, uri: str) -> None:
        self.uri = uri.rstrip("/")
        self._aws = aws
        self._bucket, self._prefix = parse_s3_uri(self.uri, "address")

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}"

    def put(self, name: str, body: bytes) -> None:
        """Write an object: readers find the old one or the new one, never a part.

        Raises:
            AwsError: If it can't be written.
        """
        self._aws.call("s3", "put_object", Bucket=self._bucket, Key=self._key(name), Body=body)

    def get(self, name: str, start: int = 0) -> bytes | None:
        """An object from byte `start` on; None if there is none.

        Raises:
            AwsError: If it can't be read.
        """
        part: dict[str, Any] = {"Range": f"bytes={start}-"} if start else {}
        try:
            answer = self._aws.call(
                "s3", "get_object", Bucket=self._bucket, Key=self._key(name), **part
            )
        except AwsError as error:
            if error.code in _BEYOND_END:
                return b""
            if error.trouble == "missing":
                return None
            raise
        try:
            return bytes(answer["Body"].read())
        except Exception as error:  # the connection is cut in the middle
            raise as_aws_error(error, "s3:get_object") from error

    def entries(self, below: str = "", after: str = "") -> list[Entry]:
        """Objects whose names begin with `below` and sort behind `after`, in their order.

        Raises:
            AwsError: If they can't be listed.
        """
        given = {"Bucket": self._bucket, "Prefix": self._key(below)}
        if after:
            given["StartAfter"] = self._key(after)
        found: list[Entry] = []
        while True:
            page = self._aws.call("s3", "list_objects_v2", **given)
            for item in page.get("Contents", []):
                name = item["Key"][len(self._prefix) + 1 :]
                found.append(Entry(name, int(item["Size"]), str(item["ETag"])))
            if not page.get("IsTruncated"):
                return found
            given["ContinuationToken"] = page["NextContinuationToken"]

    def delete(self, name: str) -> None:
        """Delete an object; harmless if there is none.

        Raises:
            AwsError: If it can't be deleted.
        """
        self._aws.call("s3", "delete_object", Bucket=self._bucket, Key=self._key(name))
