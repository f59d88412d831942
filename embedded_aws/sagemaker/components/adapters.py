"""The archives of LoRA adapters, and the routes by which a container learns of them."""

import io
import tarfile
from http import HTTPStatus
from pathlib import Path

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import ServiceError
from embedded_aws.host import archives
from embedded_aws.sagemaker import roles, s3_folders
from embedded_aws.sagemaker.hosting.containers import Container, ContainerError

# What a container without routes for adapters answers, as FastAPI does.
NO_ROUTE = '{"detail":"Not Found"}'
UNKNOWN = "_Unknown"  # of the record of an adapter that its container has not learned of
_LOAD_SECONDS = 120


def load(container: Container, record: Json, role_arn: str) -> None:
    """Hand an adapter's archive to the container; raises ContainerError.

    SageMaker does not take a container without the routes for a failure: the component becomes
    InService, and its requests fail.
    """
    name, url = (
        record["InferenceComponentName"],
        record["Specification"]["Container"]["ArtifactUrl"],
    )
    folder = container.adapter_folder(name)
    _extract(url, role_arn, folder)
    unload(container, name)
    answer = _call(container, "POST", "/adapters", {"name": name, "src": str(folder)})
    record[UNKNOWN] = _has_no_route(answer)
    if not (answer.is_success or record[UNKNOWN]):
        raise ContainerError(f"the container refused the adapter {name}: {answer.text}")


def _extract(url: str, role_arn: str, folder: Path) -> None:
    bucket, key = s3_folders.location(url)
    try:
        archive = roles.client(role_arn, "s3").get_object(Bucket=bucket, Key=key)["Body"]
        with tarfile.open(fileobj=io.BytesIO(archive.read()), mode="r:gz") as files:
            archives.unpack(files, folder)
    except (ServiceError, BotoCoreError, ClientError, *archives.BROKEN) as error:
        raise ContainerError(
            f"Could not access the adapter at {url} with {role_arn}: {error}"
        ) from error


def unload(container: Container, name: str) -> None:
    """Let the container forget an adapter, if it knows it."""
    _call(container, "DELETE", f"/adapters/{name}")


def _call(container: Container, method: str, path: str, body: Json | None = None) -> httpx.Response:
    transport = httpx.HTTPTransport(uds=str(container.socket))
    try:
        with httpx.Client(transport=transport, timeout=_LOAD_SECONDS) as client:
            return client.request(method, f"http://localhost{path}", json=body)
    except httpx.HTTPError as error:
        raise ContainerError(f"the container does not answer {method} {path}: {error}") from error


def _has_no_route(answer: httpx.Response) -> bool:
    # A container's own refusals have other bodies.
    return answer.status_code == HTTPStatus.NOT_FOUND and answer.text in (NO_ROUTE, "Not Found")
