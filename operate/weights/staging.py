"""Staging of a model's base weights: from the hub, or a folder, into the account's bucket."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from operate.environment import Client, Environment
from operate.weights.files import WeightFile, of_folder, of_hub
from operate.weights.one_gguf import WantedFile

_PERCENT = 100


def stage_weights(environment: Environment, source: Path | None) -> None:
    """Upload the files that are not staged yet, then their inventory; raises SystemExit."""
    s3, found = environment.client("s3"), environment.outputs("Weights")
    bucket, prefix = found["WeightsBucketName"], found["WeightsPrefix"]
    repository, revision = found["WeightsRepository"], found["WeightsRevision"]
    print(f"{repository} at {revision} to s3://{bucket}/{prefix}")
    files = _files(found, source)
    _refuse_others(s3, bucket, prefix, files)
    for file in files:
        if _is_staged(s3, bucket, prefix + file.name, file):
            print(f"{file.name}: already staged")
        else:
            _upload(s3, bucket, prefix + file.name, file)
    origin = {"path": source.name} if source else {"repository": repository, "revision": revision}
    _write_inventory(s3, bucket, f"inventories/{prefix.rstrip('/')}.json", files, origin)


def _files(found: Mapping[str, str], source: Path | None) -> list[WeightFile]:
    if wanted := WantedFile.of(found):
        return wanted.of_file(source) if source else wanted.of_hub()
    if source:
        return of_folder(source)
    return of_hub(found["WeightsRepository"], found["WeightsRevision"])


def _refuse_others(s3: Client, bucket: str, prefix: str, files: list[WeightFile]) -> None:
    """Raise SystemExit for what the endpoint would load beside these files."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    there = {
        item["Key"].removeprefix(prefix) for page in pages for item in page.get("Contents", [])
    }
    if others := sorted(there - {file.name for file in files}):
        raise SystemExit(f"delete what does not belong to the model first: {', '.join(others)}")


def _is_staged(s3: Client, bucket: str, key: str, file: WeightFile) -> bool:
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return False
        raise SystemExit(f"s3://{bucket}/{key} cannot be read: {error}") from error
    staged: str = head["Metadata"].get("sha256", "")
    return bool(head["ContentLength"] == file.size) and staged == file.sha256


def _upload(s3: Client, bucket: str, key: str, file: WeightFile) -> None:
    sent = 0

    def show(count: int) -> None:
        nonlocal sent
        before, sent = sent, sent + count
        percent = sent * _PERCENT // max(file.size, 1)
        if percent > before * _PERCENT // max(file.size, 1):
            print(f"\r{file.name}: {percent} %", end="", flush=True)

    s3.upload_file(
        str(file.path),
        bucket,
        key,
        # S3 refuses parts that change on the way; the metadata identifies a staged file's content.
        ExtraArgs={"Metadata": {"sha256": file.sha256}, "ChecksumAlgorithm": "SHA256"},
        Callback=show,
    )
    print(f"\r{file.name}: {file.size} bytes, sha256 {file.sha256}")


def _write_inventory(
    s3: Client, bucket: str, key: str, files: list[WeightFile], origin: dict[str, Any]
) -> None:
    listed = [{k: v for k, v in asdict(file).items() if k != "path"} for file in files]
    body = json.dumps({"origin": origin, "files": listed}, indent=2)
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    print(f"inventory: s3://{bucket}/{key}")
