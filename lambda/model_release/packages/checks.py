"""What a package must be before it is served: the catalog's container around weights as stored."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from model_release.errors import ReleaseRefusedError
from model_release.inventory import (
    INVENTORIES,
    MODELS,
    File,
    check_name,
    digest,
    from_bytes,
    has_object,
    list_files,
)
from model_release.packages.registry import Package
from model_release.settings import Settings

# The members that a pipeline registers, and the digests that SageMaker adds to them.
# Unverified: that SageMaker adds nothing else; a refused release names the member.
_CONTAINER = {"Image", "ImageDigest", "Environment", "ModelDataSource", "ModelDataETag"}
_SOURCE = {"S3Uri", "S3DataType", "CompressionType", "ETag"}
_FOLDER = re.compile(rf"{MODELS}([A-Za-z0-9][A-Za-z0-9-]*)/")
# Of a URI in ECR: each server has a repository of its own.
_REPOSITORY = re.compile(r"[^/]+\.ecr\.[^/]+/([^:@]+)[:@]")
_MAX_INVENTORY_BYTES = 2**20
_MAX_NAMED_FILES = 3  # in a refusal


class PackageChecks:
    """The checks of one endpoint's packages."""

    def __init__(self, settings: Settings, s3: Any) -> None:  # noqa: ANN401 - boto3 has no types
        self._settings = settings
        self._s3 = s3

    def check(self, package: Package) -> None:
        """Raise ReleaseRefusedError for a package that brings anything but weights as stored."""
        container = _container(package.description)
        _check_server(self._settings.image, container.get("Image", ""))
        _check_equal("image", self._settings.image, container.get("Image"))
        _check_equal(
            "environment", self._settings.container_environment, container.get("Environment", {})
        )
        folder = self._weights_folder(container.get("ModelDataSource", {}))
        inventory = self._inventory(package.metadata, folder)
        _check_files(inventory, list_files(self._s3, self._settings.artifact_bucket, folder))

    def _weights_folder(self, source: dict[str, Any]) -> str:
        """Return the key of the weights' folder in the artefact bucket."""
        data: dict[str, Any] = source.get("S3DataSource", {})
        _check_members("S3DataSource", _SOURCE, data)
        _check_equal("S3DataType", "S3Prefix", data.get("S3DataType"))
        _check_equal("CompressionType", "None", data.get("CompressionType"))
        return self._key(data.get("S3Uri", ""), _FOLDER, f"{MODELS}<job>/", "weights")

    def _inventory(self, metadata: Mapping[str, str], folder: str) -> list[File]:
        """Return the inventory that the store wrote of the weights and the package names."""
        expected = f"{INVENTORIES}{folder.removeprefix(MODELS).rstrip('/')}.json"
        pattern = re.compile(re.escape(expected))
        key = self._key(metadata.get("inventory", ""), pattern, expected, "inventory")
        if not has_object(self._s3, self._settings.artifact_bucket, key):
            raise ReleaseRefusedError(f"the package's inventory {key} is gone")
        answer = self._s3.get_object(Bucket=self._settings.artifact_bucket, Key=key)
        content = answer["Body"].read(_MAX_INVENTORY_BYTES)
        if digest(content) != metadata.get("inventory_sha256"):
            raise ReleaseRefusedError(f"the inventory {key} is not the one the package names")
        try:
            return from_bytes(content)
        except ValueError as error:
            raise ReleaseRefusedError(
                f"the inventory {key} {error}: tune the model again"
            ) from error

    def _key(self, uri: str, pattern: re.Pattern[str], form: str, what: str) -> str:
        bucket = self._settings.artifact_bucket
        key = uri.removeprefix(f"s3://{bucket}/")
        if urlsplit(uri).netloc != bucket or not pattern.fullmatch(key):
            raise ReleaseRefusedError(
                f"the package's {what} must be s3://{bucket}/{form}, got {uri!r}"
            )
        return key


def _container(description: Mapping[str, Any]) -> dict[str, Any]:
    for member in ("AdditionalInferenceSpecifications", "SourceAlgorithmSpecification"):
        if description.get(member):
            raise ReleaseRefusedError(f"a package must have no {member}")
    containers: list[dict[str, Any]] = description["InferenceSpecification"]["Containers"]
    if len(containers) != 1:
        raise ReleaseRefusedError(f"a package must have one container, got {len(containers)}")
    _check_members("container", _CONTAINER, containers[0])
    return containers[0]


def _check_members(what: str, known: set[str], found: dict[str, Any]) -> None:
    if unknown := sorted(name for name, value in found.items() if value and name not in known):
        raise ReleaseRefusedError(f"the package's {what} must have no {', '.join(unknown)}")


def _check_server(expected: str, found: str) -> None:
    served, registered = _REPOSITORY.match(expected), _REPOSITORY.match(found)
    if served and registered and served[1] != registered[1]:
        raise ReleaseRefusedError(
            f"the package was registered for another server, {registered[1]}, and the endpoint runs"
            f" {served[1]}: tune the model again in this environment"
        )


def _check_equal(what: str, expected: object, found: object) -> None:
    if found != expected:
        raise ReleaseRefusedError(
            f"the package's {what} must be the catalog's, {expected}, got {found}"
        )


def _check_files(inventory: list[File], found: list[File]) -> None:
    for file in found:
        try:
            check_name(file.name)
        except ValueError as error:
            raise ReleaseRefusedError(str(error)) from error
    if inventory != found or not found:
        names = sorted({file.name for file in set(inventory) ^ set(found)})
        named = ", ".join(names[:_MAX_NAMED_FILES]) or "no file"
        raise ReleaseRefusedError(f"the weights are not as they were stored: {named}")
