"""What a package must be before it is served: the catalog's container, around weights as stored."""

import json
import os
import re
from typing import Any
from urllib.parse import urlsplit

from model_release.clients import s3
from model_release.inventory import INVENTORIES, MODELS, File, check_name, digest, list_files
from model_release.release import ReleaseRefusedError

# What SageMaker may add to a container that was registered: digests of the image and of the data.
# Unverified: that it adds nothing else; a release that is refused names the member.
_CONTAINER = {"Image", "ImageDigest", "Environment", "ModelDataSource", "ModelDataETag"}
_SOURCE = {"S3Uri", "S3DataType", "CompressionType", "ETag"}
_FOLDER = re.compile(rf"{MODELS}([A-Za-z0-9][A-Za-z0-9-]*)/")
_MAX_INVENTORY_BYTES = 2**20
_MAX_NAMED = 3  # files in a refusal


def check_package(package: dict[str, Any]) -> None:
    """Raise ReleaseRefusedError for a package that brings anything but weights as stored."""
    container = _container(package)
    _check_equal("image", os.environ["IMAGE"], container.get("Image"))
    expected = json.loads(os.environ["CONTAINER_ENVIRONMENT"])
    _check_equal("environment", expected, container.get("Environment", {}))
    key = _weights_key(container.get("ModelDataSource", {}))
    inventory = _inventory(package.get("CustomerMetadataProperties", {}), key)
    _check_files(inventory, list_files(s3(), os.environ["ARTIFACTS"], key))


def _container(package: dict[str, Any]) -> dict[str, Any]:
    for member in ("AdditionalInferenceSpecifications", "SourceAlgorithmSpecification"):
        if package.get(member):
            raise ReleaseRefusedError(f"a package must have no {member}")
    containers: list[dict[str, Any]] = package["InferenceSpecification"]["Containers"]
    if len(containers) != 1:
        raise ReleaseRefusedError(f"a package must have one container, got {len(containers)}")
    _check_members("container", _CONTAINER, containers[0])
    return containers[0]


def _check_members(what: str, known: set[str], found: dict[str, Any]) -> None:
    if unknown := sorted(name for name, value in found.items() if value and name not in known):
        raise ReleaseRefusedError(f"the package's {what} must have no {', '.join(unknown)}")


def _check_equal(what: str, expected: object, found: object) -> None:
    if found != expected:
        raise ReleaseRefusedError(
            f"the package's {what} must be the catalog's, {expected}, got {found}"
        )


def _weights_key(source: dict[str, Any]) -> str:
    """Return the key of the folder in the artefact bucket that the weights lie in."""
    place: dict[str, Any] = source.get("S3DataSource", {})
    _check_members("S3DataSource", _SOURCE, place)
    _check_equal("S3DataType", "S3Prefix", place.get("S3DataType"))
    _check_equal("CompressionType", "None", place.get("CompressionType"))
    return _key(place.get("S3Uri", ""), _FOLDER, f"{MODELS}<job>/", "weights")


def _key(uri: str, pattern: re.Pattern[str], form: str, what: str) -> str:
    bucket, parts = os.environ["ARTIFACTS"], urlsplit(uri)
    key = uri.removeprefix(f"s3://{bucket}/")
    if parts.netloc != bucket or not pattern.fullmatch(key):
        raise ReleaseRefusedError(f"the package's {what} must be s3://{bucket}/{form}, got {uri!r}")
    return key


def _inventory(metadata: dict[str, str], weights: str) -> list[File]:
    """Return what the store wrote of the weights, as the package was registered with it."""
    expected = f"{INVENTORIES}{weights.removeprefix(MODELS).rstrip('/')}.json"
    key = _key(
        metadata.get("inventory", ""), re.compile(re.escape(expected)), expected, "inventory"
    )
    try:
        answer = s3().get_object(Bucket=os.environ["ARTIFACTS"], Key=key)
    except s3().exceptions.NoSuchKey as error:
        raise ReleaseRefusedError(f"the package's inventory {key} is gone") from error
    content = answer["Body"].read(_MAX_INVENTORY_BYTES)
    if digest(content) != metadata.get("inventory_sha256"):
        raise ReleaseRefusedError(f"the inventory {key} is not the one the package names")
    return [File(**file) for file in json.loads(content)["files"]]


def _check_files(inventory: list[File], found: list[File]) -> None:
    for file in found:
        try:
            check_name(file.name)
        except ValueError as error:
            raise ReleaseRefusedError(str(error)) from error
    if inventory != found or not found:
        names = sorted({file.name for file in set(inventory) ^ set(found)})
        named = ", ".join(names[:_MAX_NAMED]) or "no file"
        raise ReleaseRefusedError(f"the weights are not as they were stored: {named}")
