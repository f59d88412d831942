"""The function of the pipeline's Store step: keeps a trained model where no job can write.

It copies within S3. Unverified: 14.5 GB in 16 parallel parts should take about a minute, and a
Lambda step may last ten; read the duration in the function's log after the first fine-tuning.
"""

import json
import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from model_release.candidates.candidate import Candidate, StoreError, check_candidate
from model_release.inventory import File, digest, has_object, list_files, to_bytes

_PARALLEL = 16
_PARTS = TransferConfig(
    multipart_threshold=256 * 2**20, multipart_chunksize=256 * 2**20, max_concurrency=_PARALLEL
)
_SOURCE_ETAG = "candidate-etag"  # in a copy's metadata: the content that it was copied from


def handle(event: dict[str, Any], context: object) -> dict[str, str]:
    """Keep a candidate, or find it kept already; raise StoreError for one that is refused."""
    del context
    return _store().keep(event["candidate"])


@cache
def _store() -> "ModelStore":
    config = Config(max_pool_connections=_PARALLEL, read_timeout=120)
    return ModelStore(boto3.client("s3", config=config), os.environ["BUCKET"])


class ModelStore:
    """The kept models of an artefact bucket, and their inventories."""

    def __init__(self, s3: Any, bucket: str, parts: TransferConfig = _PARTS) -> None:  # noqa: ANN401 - boto3 has no types
        self._s3 = s3
        self._bucket = bucket
        self._parts = parts

    def keep(self, uri: str) -> dict[str, str]:
        """Copy a candidate once, and return where the copy and its inventory lie."""
        candidate = Candidate.at(uri, self._bucket)
        files = list_files(self._s3, self._bucket, candidate.folder)
        inventory = self._kept(candidate, files) or self._keep(candidate, files)
        return {
            "model_uri": f"s3://{self._bucket}/{candidate.target}",
            "inventory": f"s3://{self._bucket}/{candidate.inventory}",
            "inventory_sha256": digest(inventory),
        }

    def _kept(self, candidate: Candidate, files: Sequence[File]) -> bytes | None:
        """Return the inventory of an earlier call for the same content, or None before any."""
        if not has_object(self._s3, self._bucket, candidate.inventory):
            return None
        answer = self._s3.get_object(Bucket=self._bucket, Key=candidate.inventory)
        inventory: bytes = answer["Body"].read()
        copies = list_files(self._s3, self._bucket, candidate.target)
        kept = {copy.name: self._source_etag(candidate, copy) for copy in copies}
        if to_bytes(copies) != inventory or kept != {file.name: file.etag for file in files}:
            raise StoreError(
                f"{candidate.target} is not this candidate as {candidate.inventory} says: to keep"
                " it anew, delete both"
            )
        return inventory

    def _source_etag(self, candidate: Candidate, copy: File) -> str | None:
        head = self._s3.head_object(Bucket=self._bucket, Key=candidate.target + copy.name)
        etag: str | None = head["Metadata"].get(_SOURCE_ETAG)
        return etag

    def _keep(self, candidate: Candidate, files: Sequence[File]) -> bytes:
        check_candidate(self._s3, candidate, files)
        for file in files:
            self._copy(candidate, file)
        copies = list_files(self._s3, self._bucket, candidate.target)
        if [(each.name, each.size) for each in copies] != [(f.name, f.size) for f in files]:
            raise StoreError(
                f"{candidate.target} holds files of another candidate: delete them first"
            )
        inventory = to_bytes(copies)
        self._s3.put_object(
            Bucket=self._bucket,
            Key=candidate.inventory,
            Body=inventory,
            ContentType="application/json",
            IfNoneMatch="*",  # of two concurrent calls one fails; its retry finds the model kept
        )
        print(json.dumps({"kept": candidate.target, "bytes": sum(copy.size for copy in copies)}))
        return inventory

    def _copy(self, candidate: Candidate, file: File) -> None:
        """Copy the content that was checked: S3 refuses any other content."""
        try:
            self._s3.copy(
                {"Bucket": self._bucket, "Key": candidate.folder + file.name},
                self._bucket,
                candidate.target + file.name,
                ExtraArgs={
                    "CopySourceIfMatch": f'"{file.etag}"',
                    "Metadata": {_SOURCE_ETAG: file.etag},
                    "MetadataDirective": "REPLACE",
                    "TaggingDirective": "REPLACE",  # copying tags would take rights to read them
                },
                Config=self._parts,
            )
        except ClientError as error:
            raise StoreError(f"{file.name} cannot be copied: {error}") from error
