"""Doubles of AWS that the verbs' tests hand in."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from operate.environment import Environment


def refusal(code: str, message: str = "no", operation: str = "Operation") -> ClientError:
    """Return an error as AWS answers it."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Stacks:
    """CloudFormation with the stacks of `prod`, each with its outputs; all share the parameters."""

    _status = "UPDATE_COMPLETE"

    def __init__(self, outputs: Mapping[str, Mapping[str, str]], **parameters: str) -> None:
        self._outputs, self._parameters = outputs, parameters

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        environment, _, stack = StackName.partition("-")
        if environment != "Prod" or stack not in self._outputs:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        outputs = self._outputs[stack].items()
        parameters = self._parameters.items()
        found = {
            "StackName": StackName,
            "StackStatus": self._status,
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs],
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters],
        }
        return {"Stacks": [found]}


def environment(name: str = "prod", **clients: Any) -> Environment:
    """Return an environment whose AWS clients are these."""
    return Environment(name, lambda service, *_region: clients[service])
