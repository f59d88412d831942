"""The serving stack: its update to a package, and why an update failed."""

from typing import Any

from botocore.exceptions import ClientError

from model_release.messages import ReleaseRefusedError
from model_release.settings import Settings

_UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
_FINAL = ("ValidationError", "AccessDenied", "AccessDeniedException")  # a retry changes nothing
_CANCELLED = ("Resource update cancelled", "Resource creation cancelled")


class StackBusyError(Exception):
    """A stack that something else is changing: retry later."""


class ServingStack:
    """The stack that owns the endpoint."""

    def __init__(self, cloudformation: Any, settings: Settings) -> None:  # noqa: ANN401 - boto3 has no types
        self._cloudformation = cloudformation
        self._name = settings.stack_name
        self._parameter = settings.parameter
        self._service_role_arn = settings.service_role_arn

    def release(self, package_arn: str, token: str) -> bool:
        """Start the update to a package; return False where the stack serves it already.

        Raise StackBusyError, or ReleaseRefusedError where a retry changes nothing.
        """
        try:
            found = self._cloudformation.describe_stacks(StackName=self._name)["Stacks"][0]
            if self._is_busy(found["StackStatus"]):
                if self.has_begun(token):
                    return True  # the same message once more
                raise StackBusyError(f"stack {self._name} is in {found['StackStatus']}")
            self._cloudformation.update_stack(
                StackName=self._name,
                UsePreviousTemplate=True,
                Parameters=[
                    self._value(p["ParameterKey"], package_arn) for p in found["Parameters"]
                ],
                Capabilities=["CAPABILITY_IAM"],
                RoleARN=self._service_role_arn,
                ClientRequestToken=token,
            )
        except ClientError as error:
            return self._has_begun_despite(error)
        return True

    def has_begun(self, token: str) -> bool:
        """Return whether an update with this token was started."""
        return any(event.get("ClientRequestToken") == token for event in self._events(self._name))

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

    def _value(self, parameter: str, package_arn: str) -> dict[str, Any]:
        if parameter == self._parameter:
            return {"ParameterKey": parameter, "ParameterValue": package_arn}
        return {"ParameterKey": parameter, "UsePreviousValue": True}

    def _is_busy(self, status: str) -> bool:
        if status.endswith("_IN_PROGRESS"):
            return True
        if status not in _UPDATABLE:
            raise ReleaseRefusedError(
                f"stack {self._name} must be repaired before a release, it is {status}"
            )
        return False

    def _has_begun_despite(self, error: ClientError) -> bool:
        """Tell apart the refusals that CloudFormation distinguishes by their text only."""
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code == "TokenAlreadyExistsException":
            return True  # the same message once more
        if "No updates are to be performed" in message:
            return False
        if "_IN_PROGRESS state" in message:
            raise StackBusyError(f"stack {self._name}: {message}") from error
        if code in _FINAL:
            raise ReleaseRefusedError(f"stack {self._name}: {message}") from error
        raise error

    def _events(self, stack: str) -> list[dict[str, Any]]:
        """Return the newest page of events, which holds more than one update of this stack."""
        answer = self._cloudformation.describe_stack_events(StackName=stack)
        events: list[dict[str, Any]] = answer["StackEvents"]
        return events
