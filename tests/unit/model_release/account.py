"""An account in which one package waits for its release, and the function that releases it."""

import json
from typing import Any

from model_release.handler import Releases
from model_release.inventory import File, digest, to_bytes
from model_release.settings import Settings
from tests.unit.model_release.aws_double import (
    BUCKET,
    ENDPOINT,
    EXECUTION,
    PACKAGES,
    S3,
    STACK,
    CloudFormation,
    SageMaker,
    etag,
)

PACKAGE = f"{PACKAGES}3"
IMAGE = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/tgi:1.1.0"
ENVIRONMENT = {"HF_MODEL_ID": "/opt/ml/model", "SM_NUM_GPUS": "1"}
JOB = "pipelines-abc-FineTune-xyz"
FOLDER, INVENTORY = f"models/{JOB}/", f"inventories/{JOB}.json"
WEIGHTS = {"config.json": b"{}", "model.safetensors": b"weights"}
TOKEN = "abcDEF0123"  # noqa: S105 - names a step, and opens nothing
SERVICE_ROLE = "arn:aws:iam::111111111111:role/Prod-Training-ReleaseServiceRole"
SETTINGS = Settings(
    stack_name=STACK,
    parameter="ModelPackageArn",
    unguarded="Unguarded",
    endpoint_name=ENDPOINT,
    service_role_arn=SERVICE_ROLE,
    package_arn_prefix=PACKAGES,
    image=IMAGE,
    container_environment=ENVIRONMENT,
    artifact_bucket=BUCKET,
    max_attempts=3,
)


class Account:
    """The services, and the function with real clients of theirs."""

    def __init__(self) -> None:
        self.cloudformation, self.sagemaker, self.s3 = CloudFormation(), SageMaker(), S3()
        self.cloudformation.deploy = self.sagemaker.serve
        self._releases = Releases(
            SETTINGS, self.cloudformation.client, self.sagemaker.client, self.s3.client
        )
        self.sagemaker.waiting.add(TOKEN)
        self.store(WEIGHTS)

    def store(self, weights: dict[str, bytes]) -> None:
        """Keep a model, with an inventory of it."""
        self.s3.objects = {f"{FOLDER}{name}": content for name, content in weights.items()}
        self.s3.objects[INVENTORY] = inventory(weights)

    def register(self, status: str = "Approved", *, by_pipeline: str = "", **metadata: str) -> None:
        """Register the package; `by_pipeline` is the approval that a pipeline gave it."""
        if by_pipeline:
            metadata["approval_at_registration"] = by_pipeline
        self.sagemaker.packages[PACKAGE] = package(status, **metadata)

    def serves_package(self) -> None:
        """Let the stack say the package, and the endpoint serve it."""
        self.cloudformation.parameters["ModelPackageArn"] = PACKAGE
        self.sagemaker.serve(PACKAGE)

    @property
    def package(self) -> dict[str, Any]:
        """The package as the registry holds it now."""
        return self.sagemaker.packages[PACKAGE]

    def handle(self, message: dict[str, Any] | str, *, attempt: int = 1) -> list[dict[str, str]]:
        """Deliver a message, and return those that go back to the queue."""
        body = message if isinstance(message, str) else json.dumps(message)
        attributes = {"ApproximateReceiveCount": str(attempt)}
        record = {"messageId": "m-1", "body": body, "attributes": attributes}
        failures: list[dict[str, str]] = self._releases.handle([record])["batchItemFailures"]
        return failures


def package(status: str = "Approved", **metadata: str) -> dict[str, Any]:
    """Return a package as the pipeline registers it."""
    source = {
        "S3Uri": f"s3://{BUCKET}/{FOLDER}",
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
    container = {
        "Image": IMAGE,
        "Environment": dict(ENVIRONMENT),
        "ModelDataSource": {"S3DataSource": source},
    }
    kept = {
        "inventory": f"s3://{BUCKET}/{INVENTORY}",
        "inventory_sha256": digest(inventory(WEIGHTS)),
    }
    return {
        "ModelPackageName": "prod-training-mistral-7b/3",
        "ModelPackageArn": PACKAGE,
        "ModelPackageVersion": 3,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "CreationTime": "2026-11-22T00:00:00Z",
        "ModelApprovalStatus": status,
        "InferenceSpecification": {"Containers": [container]},
        "CustomerMetadataProperties": {**kept, **metadata},
    }


def inventory(weights: dict[str, bytes]) -> bytes:
    """Return the inventory that the store writes of a model."""
    return to_bytes([File(name, len(data), etag(data)) for name, data in weights.items()])


def request(status: str = "Executing") -> dict[str, Any]:
    """Return the message of a pipeline's callback step."""
    return {
        "token": TOKEN,
        "pipelineExecutionArn": EXECUTION,
        "arguments": {"model_package_arn": PACKAGE},
        "status": status,
    }


def approval(changed: list[str] | None = None) -> dict[str, Any]:
    """Return the registry's event for an approved package."""
    detail: dict[str, Any] = {"ModelPackageArn": PACKAGE, "ModelApprovalStatus": "Approved"}
    if changed is not None:
        detail["UpdatedModelPackageFields"] = changed
    return {
        "detail-type": "SageMaker Model Package State Change",
        "time": "2026-11-22T10:00:00Z",
        "detail": detail,
    }
