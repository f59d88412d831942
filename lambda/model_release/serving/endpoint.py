"""The endpoint: whether it may be updated now, and which package it serves."""

from typing import Any

from botocore.exceptions import ClientError

from model_release.errors import ReleaseBlockedError, ReleaseWaitsError

# SageMaker refuses every update meanwhile, so a stack update would fail.
_CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack")


class ServingEndpoint:
    """The endpoint that the stack owns, as SageMaker describes it."""

    def __init__(self, sagemaker: Any, name: str) -> None:  # noqa: ANN401 - boto3 has no types
        self._sagemaker = sagemaker
        self._name = name

    def check_settled(self) -> None:
        """Raise ReleaseWaitsError while the endpoint changes or scales.

        Raise ReleaseBlockedError in a state that it does not leave by itself.
        """
        found = self._describe()
        status = found["EndpointStatus"]
        if status in _CHANGING:
            raise ReleaseWaitsError(f"endpoint {self._name} is {status}")
        if status != "InService":
            raise ReleaseBlockedError(
                f"endpoint {self._name} must be repaired before a release, it is {status}:"
                f" {found.get('FailureReason', 'no reason was given')}"
            )
        if any(_is_scaling(variant) for variant in found.get("ProductionVariants", ())):
            raise ReleaseWaitsError(f"endpoint {self._name} is scaling")

    def served_package(self) -> str | None:
        """Return the ARN of the package behind the endpoint, empty for the base weights.

        None where the endpoint serves what CloudFormation has deleted: after an update that
        SageMaker took back and CloudFormation took for made.
        """
        try:
            config = self._sagemaker.describe_endpoint_config(
                EndpointConfigName=self._describe()["EndpointConfigName"]
            )
            (variant,) = config["ProductionVariants"]
            if "ModelName" not in variant:
                return ""  # adapters have the base weights beneath them
            model = self._sagemaker.describe_model(ModelName=variant["ModelName"])
        except ClientError as error:
            if "Could not find" in error.response["Error"]["Message"]:
                return None
            raise
        return str(model.get("PrimaryContainer", {}).get("ModelPackageName", ""))

    def _describe(self) -> dict[str, Any]:
        found: dict[str, Any] = self._sagemaker.describe_endpoint(EndpointName=self._name)
        return found


def _is_scaling(variant: dict[str, Any]) -> bool:
    desired = variant.get("DesiredInstanceCount")
    return bool(desired != variant.get("CurrentInstanceCount"))
