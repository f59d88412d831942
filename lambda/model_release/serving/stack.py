"""The serving stack: its update to a package, and why an update failed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from model_release.errors import ReleaseBlockedError, ReleaseRefusedError, ReleaseWaitsError
from model_release.settings import Settings

_UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
_FINAL = ("ValidationError", "AccessDenied", "AccessDeniedException")  # a retry changes nothing
BROKEN = "UPDATE_ROLLBACK_FAILED"  # CloudFormation takes no update until it is repaired
_CANCELLED = ("Resource update cancelled", "Resource creation cancelled")


class _NothingToUpdateError(Exception):
    """CloudFormation has nothing to do: the stack says what it is to say."""


class ServingStack:
    """The stack that owns the endpoint."""

    def __init__(self, cloudformation: Any, settings: Settings) -> None:  # noqa: ANN401 - boto3 has no types
        self._cloudformation = cloudformation
        self._name = settings.stack_name
        self._parameter, self._unguarded = settings.parameter, settings.unguarded
        self._service_role_arn = settings.service_role_arn

    @property
    def repair(self) -> str:
        """What to do about a stack that CloudFormation could not roll back, in words."""
        return (
            f"stack {self._name} is {BROKEN}: `make repair`, or aws cloudformation"
            f" continue-update-rollback --stack-name {self._name}, must come before any release"
        )

    def release(self, package_arn: str, token: str) -> bool:
        """Start the update to a package; return False where the stack says it already.

        Raise ReleaseWaitsError, or another ReleaseError where a retry changes nothing.
        """
        found = self._describe()
        self._check_updatable(found["StackStatus"])
        values = {self._parameter: package_arn}
        if self._package_of(found) != package_arn:
            values[self._unguarded] = ""  # Alarms undo a release, also one of what was rolled back.
        try:
            with self._refusals():
                self._cloudformation.update_stack(
                    StackName=self._name,
                    UsePreviousTemplate=True,
                    Parameters=[_value(p["ParameterKey"], values) for p in found["Parameters"]],
                    Capabilities=["CAPABILITY_IAM"],
                    RoleARN=self._service_role_arn,
                    ClientRequestToken=token,
                )
        except _NothingToUpdateError:
            return False
        return True

    def package(self) -> str:
        """Return the ARN of the package that the stack says, empty for the base weights."""
        return self._package_of(self._describe())

    def _package_of(self, found: dict[str, Any]) -> str:
        return next(
            str(p["ParameterValue"])
            for p in found["Parameters"]
            if p["ParameterKey"] == self._parameter
        )

    def has_begun(self, token: str) -> bool:
        """Return whether an update with this token was started."""
        with self._refusals():
            events = self._events(self._name)
        return any(event.get("ClientRequestToken") == token for event in events)

    def failure_reason(self, stack_id: str, token: str) -> str:
        """Return what CloudFormation says of the first resource that it could not update."""
        causes = [
            f"{event['LogicalResourceId']}: {reason}"
            for event in self._events(stack_id)
            if event.get("ClientRequestToken") == token
            and event["ResourceStatus"].endswith("_FAILED")
            and (reason := event.get("ResourceStatusReason", ""))
            and not reason.startswith(_CANCELLED)
        ]
        return causes[-1] if causes else ""  # events come newest first

    def _check_updatable(self, status: str) -> None:
        if status.endswith("_IN_PROGRESS"):
            raise ReleaseWaitsError(f"stack {self._name} is in {status}")
        if status == BROKEN:
            raise ReleaseBlockedError(self.repair)
        if status not in _UPDATABLE:
            raise ReleaseBlockedError(
                f"stack {self._name} must be repaired before a release, it is {status}"
            )

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Tell apart the refusals that CloudFormation distinguishes by their text only."""
        try:
            yield
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            if code == "TokenAlreadyExistsException":
                return  # the same message once more
            if "No updates are to be performed" in message:
                raise _NothingToUpdateError from error
            if "_IN_PROGRESS state" in message:
                raise ReleaseWaitsError(f"stack {self._name}: {message}") from error
            if code in _FINAL:
                raise ReleaseRefusedError(f"stack {self._name}: {message}") from error
            raise

    def _describe(self) -> dict[str, Any]:
        with self._refusals():
            found = self._cloudformation.describe_stacks(StackName=self._name)
        stack: dict[str, Any] = found["Stacks"][0]
        return stack

    def _events(self, stack: str) -> list[dict[str, Any]]:
        """Return the newest page of events, which holds more than one update of this stack."""
        answer = self._cloudformation.describe_stack_events(StackName=stack)
        events: list[dict[str, Any]] = answer["StackEvents"]
        return events


def _value(parameter: str, values: Mapping[str, str]) -> dict[str, Any]:
    if parameter in values:
        return {"ParameterKey": parameter, "ParameterValue": values[parameter]}
    return {"ParameterKey": parameter, "UsePreviousValue": True}
