"""A release: a package on its way to the endpoint, and the pipeline's step that waits for it."""

import os
import re
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"(callback|approval)-([0-9]+)-([A-Za-z0-9]+)")


class ReleaseRefusedError(Exception):
    """A package is not released; the text says why."""


@dataclass(frozen=True)
class Release:
    """What a message asks for.

    Its token goes to CloudFormation with the update and comes back in the events of that update,
    so that nothing need be stored.
    """

    kind: str  # `callback` of a pipeline, or `approval` by a person
    version: str  # of the package in its group
    mark: str  # the callback's token, or the time of the approval

    @classmethod
    def of_callback(cls, message: dict[str, Any]) -> "Release":
        """Return what a callback step asks for."""
        return cls(
            "callback", _version(message["arguments"]["model_package_arn"]), message["token"]
        )

    @classmethod
    def of_approval(cls, event: dict[str, Any]) -> "Release":
        """Return what the registry's event asks for: the same when it comes twice."""
        time = re.sub("[^0-9]", "", event["time"])
        return cls("approval", _version(event["detail"]["ModelPackageArn"]), time)

    @classmethod
    def of_token(cls, token: str) -> "Release | None":
        """Return the release that an update was for, or None for an update of another's."""
        match = _TOKEN.fullmatch(token)
        return cls(*match.groups()) if match else None

    @property
    def token(self) -> str:
        """The same for each message about this release."""
        return f"{self.kind}-{self.version}-{self.mark}"

    @property
    def package_arn(self) -> str:
        """The package, of the one group that is released from."""
        return f"{os.environ['PACKAGES']}{self.version}"

    @property
    def callback(self) -> str | None:
        """The token of the step that waits, if one does."""
        return self.mark if self.kind == "callback" else None


def _version(package_arn: str) -> str:
    return package_arn.rpartition("/")[2]
