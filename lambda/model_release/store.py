"""The Lambda function of the pipeline's Store step: keeps a trained model where no job can write.

It copies within S3. Unverified: 14.5 GB in 16 parallel parts should take about a minute, and a
Lambda step may last ten; read the duration in the function's log after the first fine-tuning.
"""

import json
import os
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from model_release import store_content
from model_release.inventory import (
    INVENTORIES,
    MODELS,
    File,
    check_name,
    digest,
    list_files,
    to_bytes,
)

_CANDIDATE = re.compile(r"candidates/([A-Za-z0-9](?:[A-Za-z0-9-]{0,62}))/output/model/")
_SETTINGS = ("config.json", "tokenizer_config.json")  # the ends of their names
_MAX_FILES, _MAX_BYTES = 1000, 64 * 2**30
_PARALLEL = 16
_PARTS = TransferConfig(
    multipart_threshold=256 * 2**20, multipart_chunksize=256 * 2**20, max_concurrency=_PARALLEL
)
_SOURCE_ETAG = "candidate-etag"  # in a copy's metadata: which content it is a copy of


class StoreError(Exception):
    """A candidate that is not kept; the text is the reason that the step shows."""


class _Candidate(NamedTuple):
    """A finished training job's model, and where it is kept."""

    bucket: str
    folder: str
    job: str

    @property
    def target(self) -> str:
        return f"{MODELS}{self.job}/"

    @property
    def inventory(self) -> str:
        return f"{INVENTORIES}{self.job}.json"


@cache
def s3() -> Any:  # noqa: ANN401 - boto3 has no types
    """Return the client that reads candidates and writes models."""
    return boto3.client("s3", config=Config(max_pool_connections=_PARALLEL, read_timeout=120))


def handle(event: dict[str, Any], context: object) -> dict[str, str]:
    """Keep a candidate, or find it kept already; raise StoreError for one that is refused."""
    del context
    candidate = _candidate(event["candidate"])
    files = list_files(s3(), candidate.bucket, candidate.folder)
    inventory = _kept(candidate, files) or _keep(candidate, files)
    return {
        "model_uri": f"s3://{candidate.bucket}/{candidate.target}",
        "inventory": f"s3://{candidate.bucket}/{candidate.inventory}",
        "inventory_sha256": digest(inventory),
    }


def _candidate(uri: str) -> _Candidate:
    bucket = os.environ["BUCKET"]
    folder = uri.removeprefix(f"s3://{bucket}/")
    match = _CANDIDATE.fullmatch(folder)
    if match is None:
        raise StoreError(
            f"a candidate must be s3://{bucket}/candidates/<training job>/output/model/, got {uri}"
        )
    return _Candidate(bucket, folder, match[1])


def _kept(candidate: _Candidate, files: Sequence[File]) -> bytes | None:
    """Return the inventory of an earlier call for the same content, or None before any."""
    try:
        answer = s3().get_object(Bucket=candidate.bucket, Key=candidate.inventory)
    except s3().exceptions.NoSuchKey:
        return None
    inventory: bytes = answer["Body"].read()
    copies = list_files(s3(), candidate.bucket, candidate.target)
    kept = {copy.name: _source_etag(candidate, copy) for copy in copies}
    if to_bytes(copies) != inventory or kept != {file.name: file.etag for file in files}:
        raise StoreError(
            f"{candidate.target} is not this candidate as {candidate.inventory} says: to keep it"
            " anew, delete both"
        )
    return inventory


def _source_etag(candidate: _Candidate, copy: File) -> str | None:
    head = s3().head_object(Bucket=candidate.bucket, Key=candidate.target + copy.name)
    etag: str | None = head["Metadata"].get(_SOURCE_ETAG)
    return etag


def _keep(candidate: _Candidate, files: Sequence[File]) -> bytes:
    _check_sizes(candidate, files)
    for file in files:
        try:
            _check(candidate, file)
        except ValueError as error:
            raise StoreError(f"{file.name}: {error}") from error
    for file in files:
        _copy(candidate, file)
    copies = list_files(s3(), candidate.bucket, candidate.target)
    if [(copy.name, copy.size) for copy in copies] != [(file.name, file.size) for file in files]:
        raise StoreError(f"{candidate.target} holds files of another candidate: delete them first")
    inventory = to_bytes(copies)
    s3().put_object(
        Bucket=candidate.bucket,
        Key=candidate.inventory,
        Body=inventory,
        ContentType="application/json",
        IfNoneMatch="*",  # of two calls at once, one fails, and finds it kept when it is retried
    )
    print(json.dumps({"kept": candidate.target, "bytes": sum(copy.size for copy in copies)}))
    return inventory


def _check_sizes(candidate: _Candidate, files: Sequence[File]) -> None:
    total, names = sum(file.size for file in files), {file.name for file in files}
    if not files:
        raise StoreError(f"no file lies under {candidate.folder}")
    if len(files) > _MAX_FILES or total > _MAX_BYTES:
        raise StoreError(
            f"a model must have {_MAX_FILES} files and {_MAX_BYTES} bytes at most,"
            f" got {len(files)} files and {total} bytes"
        )
    if "config.json" not in names or not any(
        _is_weights(name) for name in names if "/" not in name
    ):
        raise StoreError(f"a model must hold config.json and safetensors, got {sorted(names)}")


def _check(candidate: _Candidate, file: File) -> None:
    """Raise ValueError for a file that an endpoint must not load."""
    check_name(file.name)
    if _is_weights(file.name):
        start = store_content.PREFIX_BYTES
        length = store_content.header_length(_read(candidate, file, 0, start), file.size)
        header = _read(candidate, file, start, length)
        store_content.check_header(header, file.size - start - length)
    elif file.size > store_content.MAX_TEXT_BYTES:
        raise ValueError(f"must have {store_content.MAX_TEXT_BYTES} bytes at most, got {file.size}")
    elif file.name.endswith(_SETTINGS):
        store_content.check_settings(_read(candidate, file, 0, file.size))


def _is_weights(name: str) -> bool:
    return name.endswith(".safetensors")


def _read(candidate: _Candidate, file: File, first: int, count: int) -> bytes:
    """Read a part of the content that was listed: S3 refuses any other."""
    if file.size < first + count or not count:
        return b""
    answer = s3().get_object(
        Bucket=candidate.bucket,
        Key=candidate.folder + file.name,
        IfMatch=f'"{file.etag}"',
        Range=f"bytes={first}-{first + count - 1}",
    )
    content: bytes = answer["Body"].read()
    return content


def _copy(candidate: _Candidate, file: File) -> None:
    """Copy the content that was checked: S3 refuses any other."""
    try:
        s3().copy(
            {"Bucket": candidate.bucket, "Key": candidate.folder + file.name},
            candidate.bucket,
            candidate.target + file.name,
            ExtraArgs={
                "CopySourceIfMatch": f'"{file.etag}"',
                "Metadata": {_SOURCE_ETAG: file.etag},
                "MetadataDirective": "REPLACE",
                "TaggingDirective": "REPLACE",  # with none: copying tags would take rights for them
            },
            Config=_PARTS,
        )
    except ClientError as error:
        raise StoreError(f"{file.name} cannot be copied: {error}") from error
