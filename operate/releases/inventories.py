"""A package's weights, compared with the inventory written when they were stored."""

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

from operate.environment import Client, Environment

Files = dict[str, list[object]]  # Size and ETag by name.


def check_weights(environment: Environment, package_arn: str) -> None:
    """Raise SystemExit unless S3 holds a package's weights as they were stored."""
    package = environment.client("sagemaker").describe_model_package(ModelPackageName=package_arn)
    said, found = package_weights(environment.client("s3"), package)
    if said != found:
        raise SystemExit(f"the weights of {package_arn} are not as they were stored: {found}")


def package_weights(s3: Client, package: dict[str, Any]) -> tuple[str, str]:
    """Return what was registered of a package's weights and what S3 holds, in words."""
    (container,) = package["InferenceSpecification"]["Containers"]
    registered = registered_files(s3, package.get("CustomerMetadataProperties", {}))
    return described(registered, stored_files(s3, weights_uri(container)))


def weights_uri(container: dict[str, Any]) -> str:
    """Return the URI of a container's weights, empty for a container without any."""
    return str(container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri", ""))


def registered_files(s3: Client, metadata: dict[str, str]) -> Files | str:
    """Return the files as they were stored, or a sentence that says why they are unknown."""
    uri = metadata.get("inventory")
    if not uri:
        return "the package names no inventory"
    place = urlsplit(uri)
    try:
        answer = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
    except s3.exceptions.NoSuchKey:
        return f"the inventory {uri} is gone"
    content = answer["Body"].read()
    if hashlib.sha256(content).hexdigest() != metadata.get("inventory_sha256"):
        return f"the inventory {uri} is not the one that the package names"
    try:
        files = json.loads(content)["files"]
        return {str(file["name"]): [file["size"], file["etag"]] for file in files}
    except (LookupError, RecursionError, TypeError, ValueError) as error:
        return f"{uri} must be an inventory of files, got {error!r}: release another package"


def stored_files(s3: Client, uri: str) -> Files:
    """Return the files that are under a URI now."""
    place = urlsplit(uri)
    folder = place.path.lstrip("/")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=folder)
    return {
        item["Key"].removeprefix(folder): [item["Size"], item["ETag"].strip('"')]
        for page in pages
        for item in page.get("Contents", [])
    }


def described(registered: Files | str, stored: Files) -> tuple[str, str]:
    """Return what was registered and what is stored, in words; only differing files are named."""
    if isinstance(registered, str):
        return "as registered", registered
    names = sorted(registered.keys() | stored.keys())
    changed = [name for name in names if registered.get(name) != stored.get(name)]
    said = f"{len(registered)} files as registered"
    if not changed:
        return said, said
    return said, f"{len(stored)} files, of which differ: {', '.join(changed)}"
