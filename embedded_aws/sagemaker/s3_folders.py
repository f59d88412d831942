"""Copies between folders and the embedded S3, as SageMaker makes them for a container."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.core.paths import inside


class TransferError(Exception):
    """A copy that could not be made; the message says which, and what was refused."""


def location(uri: str) -> tuple[str, str]:
    """Return the bucket and key of an `s3://` URI; raises TransferError for any other."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise TransferError(f"the URI must start with s3://, got {uri!r}")
    return parts.netloc, parts.path.lstrip("/")


def download(s3: Any, uri: str, folder: Path, *, may_be_empty: bool = False) -> None:  # noqa: ANN401 - boto3 has no types
    """Copy an object, or all objects under a prefix, into `folder`."""
    bucket, key = location(uri)
    try:
        names = _objects(s3, bucket, key)
        for name, target in names.items():
            path = inside(folder, folder / target)
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, name, str(path))
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        raise TransferError(f"{uri}: {error}") from error
    if not names and not may_be_empty:
        raise TransferError(f"no object under {uri}")


def _objects(s3: Any, bucket: str, key: str) -> dict[str, str]:  # noqa: ANN401 - boto3 has no types
    """Return the objects that `key` names, each with the place that it has in the folder."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    names = [item["Key"] for page in pages for item in page.get("Contents", [])]
    prefix = key if not key or key.endswith("/") else f"{key}/"
    return {
        name: name.removeprefix(prefix) if name.startswith(prefix) else Path(name).name
        for name in names
        if (name == key or name.startswith(prefix)) and not name.endswith("/")
    }


def upload(s3: Any, folder: Path, uri: str, kms_key: str | None = None) -> None:  # noqa: ANN401 - boto3 has no types
    """Copy every file of `folder` under the prefix `uri`."""
    bucket, key = location(uri.rstrip("/"))
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or path.is_file():
            try:
                inside(folder, path)
            except ValueError as error:
                raise TransferError(f"{uri}: {error}") from error
        if path.is_file():
            name = f"{key}/{path.relative_to(folder)}".lstrip("/")
            _put(s3, path, bucket, name, kms_key)


def mirror(s3: Any, folder: Path, uri: str) -> None:  # noqa: ANN401 - boto3 has no types
    """Make the prefix `uri` what `folder` is: what is not there is deleted here too."""
    upload(s3, folder, uri)
    bucket, key = location(uri.rstrip("/"))
    try:
        for name, target in _objects(s3, bucket, f"{key}/").items():
            if not (folder / target).is_file():
                s3.delete_object(Bucket=bucket, Key=name)
    except (BotoCoreError, ClientError) as error:
        raise TransferError(f"{uri}: {error}") from error


def upload_file(s3: Any, path: Path, uri: str, kms_key: str | None = None) -> None:  # noqa: ANN401 - boto3 has no types
    """Copy one file to the object `uri`."""
    _put(s3, path, *location(uri), kms_key)


def _put(s3: Any, path: Path, bucket: str, key: str, kms_key: str | None) -> None:  # noqa: ANN401 - boto3 has no types
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    try:
        s3.upload_file(str(path), bucket, key, ExtraArgs=encryption)
    except (S3UploadFailedError, BotoCoreError, ClientError) as error:
        raise TransferError(f"s3://{bucket}/{key}: {error}") from error
