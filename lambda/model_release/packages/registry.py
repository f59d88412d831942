"""The model registry: what it says of a package, and the approvals that a release takes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LOWERED = "gate_lowered"  # in a package's metadata: which thresholds were lowered, in words

SERVED = "served_at"  # in a package's metadata: when its last release was confirmed

_THRESHOLDS = ("min_loss_reduction", "min_retrieval_change")
_MAX_METADATA_LENGTH = 256  # SageMaker's limits
_MAX_DESCRIPTION_LENGTH = 1024


@dataclass(frozen=True)
class Package:
    """A package as the registry describes it."""

    description: Mapping[str, Any]

    @property
    def arn(self) -> str:
        """The package's ARN, its version included."""
        return str(self.description["ModelPackageArn"])

    @property
    def status(self) -> str:
        """The approval status as it is now."""
        return str(self.description["ModelApprovalStatus"])

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the pipeline registered beside the package."""
        metadata: Mapping[str, str] = self.description.get("CustomerMetadataProperties", {})
        return metadata

    @property
    def was_registered_as_approved(self) -> bool:
        """Whether the pipeline's registration approved it, and no person."""
        return self.metadata.get("approval_at_registration") == "Approved"

    @property
    def lowered_gate(self) -> str:
        """Which thresholds were below the environment's, in words, or nothing.

        Metadata takes letters, digits, blanks and `_.:/=+-@` only: no comma, no apostrophe.
        A package that no pipeline registered has none, and passed no gate.
        """
        given = self.metadata
        words = " and ".join(
            f"{name} was {given[name]} where the environment has {given[f'default_{name}']}"
            for name in _THRESHOLDS
            if name in given and float(given[name]) < float(given[f"default_{name}"])
        )
        return words[:_MAX_METADATA_LENGTH]


class Registry:
    """The one package group that models are released from."""

    def __init__(self, sagemaker: Any, package_arn_prefix: str) -> None:  # noqa: ANN401 - boto3 has no types
        self._sagemaker = sagemaker
        self._prefix = package_arn_prefix

    def package(self, version: str) -> Package:
        """Return a version of the group as it is now."""
        return Package(self._sagemaker.describe_model_package(ModelPackageName=self.arn(version)))

    def arn(self, version: str) -> str:
        """Return the ARN of a version of the group."""
        return self._prefix + version

    def reject(self, version: str, reason: str) -> None:
        """Take the approval back; approving the package again releases it again."""
        self._describe(self.arn(version), reason, ModelApprovalStatus="Rejected")

    def note(self, version: str, reason: str) -> None:
        """Say at the package why its release failed, and leave its approval as it is."""
        self._describe(self.arn(version), reason)

    def mark_served(self, version: str) -> None:
        """Record when the endpoint began to serve a package: a rollback goes by it."""
        package = self.package(version)
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._sagemaker.update_model_package(
            ModelPackageArn=package.arn,
            CustomerMetadataProperties={**package.metadata, SERVED: moment},
        )

    def hold(self, package: Package, lowered: str) -> None:
        """Leave a package whose gate was lowered to a person, and record what was lowered."""
        self._describe(
            package.arn,
            f"{lowered}: a person must approve",
            ModelApprovalStatus="PendingManualApproval",
            CustomerMetadataProperties={**package.metadata, LOWERED: lowered},
        )

    def _describe(self, arn: str, reason: str, **changes: object) -> None:
        one_line = " ".join(reason.split())  # A description's pattern takes no line feed.
        self._sagemaker.update_model_package(
            ModelPackageArn=arn, ApprovalDescription=one_line[:_MAX_DESCRIPTION_LENGTH], **changes
        )
