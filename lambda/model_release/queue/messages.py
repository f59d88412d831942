"""The queue's three messages: a pipeline's request, an approval, and news of a stack update."""

import json
import re
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"(callback|approval)-([0-9]+)-([A-Za-z0-9]+)")


@dataclass(frozen=True)
class Release:
    """A package on its way to the endpoint.

    CloudFormation takes the token with the update and returns it in that update's events, so the
    function stores nothing.
    """

    kind: str  # `callback` of a pipeline, or `approval` by a person
    version: str  # of the package in its group
    mark: str  # the callback's token, or the time of the approval

    @classmethod
    def of_token(cls, token: str) -> "Release | None":
        """Return the release that an update carries out, or None for anybody else's update."""
        match = _TOKEN.fullmatch(token)
        return cls(*match.groups()) if match else None

    @property
    def token(self) -> str:
        """The client request token, the same for each message about this release."""
        return f"{self.kind}-{self.version}-{self.mark}"

    @property
    def callback(self) -> str | None:
        """The token of the pipeline step that waits, or None where none does."""
        return self.mark if self.kind == "callback" else None


@dataclass(frozen=True)
class PipelineRequest:
    """A callback step that waits for a release."""

    release: Release
    execution_arn: str
    is_stopping: bool


@dataclass(frozen=True)
class Approval:
    """The registry's event for an approved package; a second delivery is the same release."""

    release: Release
    changed_fields: frozenset[str]  # empty for a package that was registered as approved

    @property
    def is_edit(self) -> bool:
        """Whether something other than the approval changed, such as the description."""
        return bool(self.changed_fields) and "ModelApprovalStatus" not in self.changed_fields


@dataclass(frozen=True)
class StackNews:
    """The end of a stack update; the release is None when the update is not the function's."""

    release: Release | None
    stack_id: str
    status: str
    reason: str


Message = PipelineRequest | Approval | StackNews


def read_message(body: str) -> Message:
    """Return what a message of the queue says; raise ValueError or KeyError for any other."""
    match json.loads(body):
        case {"detail-type": "CloudFormation Stack Status Change", "detail": detail}:
            return _news(detail)
        case {"token": token, "pipelineExecutionArn": execution, "arguments": arguments} as request:
            release = Release("callback", _version(arguments["model_package_arn"]), token)
            return PipelineRequest(release, execution, request.get("status") == "Stopping")
        case {"time": time, "detail": {"ModelPackageArn": package} as detail}:
            release = Release("approval", _version(package), re.sub("[^0-9]", "", time))
            return Approval(release, frozenset(detail.get("UpdatedModelPackageFields") or ()))
        case _:
            raise ValueError("a message must be a release request, an approval or stack news")


def _news(detail: dict[str, Any]) -> StackNews:
    details = detail["status-details"]
    return StackNews(
        Release.of_token(detail.get("client-request-token") or ""),
        detail["stack-id"],
        details["status"],
        details.get("status-reason", ""),
    )


def _version(package_arn: str) -> str:
    return package_arn.rpartition("/")[2]
