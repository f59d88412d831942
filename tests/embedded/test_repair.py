"""Updates of a stack whose endpoint SageMaker takes back, and the verbs that find and mend it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from embedded_aws.core.circumstances import write
from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.account import TGI_IMAGE, Account, until
from operate.environment import Environment
from operate.releases.drift import drift
from operate.releases.repair import repair

Json = dict[str, Any]

_STACK = "Taken-Serving"
_BROKEN_MODEL = "no-such/model"


def _template(role: str) -> str:
    """The parts of a serving stack that an update changes; a parameter chooses the model."""
    container = {
        "Image": TGI_IMAGE,
        "Environment": {"HF_MODEL_ID": {"Ref": "ModelPackageArn"}},
    }
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": {"Ref": "InstanceType"},
        "InitialInstanceCount": 1,
    }
    properties: dict[str, Json] = {
        "Model": {"PrimaryContainer": container, "ExecutionRoleArn": role},
        "EndpointConfig": {"ProductionVariants": [variant]},
        "Endpoint": {
            "EndpointConfigName": {"Fn::GetAtt": ["EndpointConfig", "EndpointConfigName"]}
        },
    }
    name = {"Fn::GetAtt": ["Endpoint", "EndpointName"]}
    return json.dumps(
        {
            "Parameters": {
                "ModelPackageArn": {"Type": "String", "Default": MODEL_ID},
                "InstanceType": {"Type": "String", "Default": "ml.g5.2xlarge"},
            },
            "Resources": {
                kind: {"Type": f"AWS::SageMaker::{kind}", "Properties": given}
                for kind, given in properties.items()
            },
            "Outputs": {"EndpointName": {"Value": name}},
        }
    )


@pytest.fixture(name="stack", scope="module")
def _stack(account: Account) -> Iterator["_Stack"]:
    stack = _Stack(account)
    cloudformation = account.aws.client("cloudformation")
    cloudformation.create_stack(StackName=_STACK, TemplateBody=_template(account.role()))
    assert stack.settled() == "CREATE_COMPLETE"
    yield stack
    stack.set()
    endpoint = stack.endpoint
    cloudformation.delete_stack(StackName=_STACK)
    until(lambda: not account.sagemaker.list_endpoints(NameContains=endpoint)["Endpoints"])


class _Stack:
    """The deployed stack, and the circumstances that it is updated in."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.environment = Environment("taken", account.aws.client)

    def set(self, **circumstances: Any) -> None:
        write(self._account.aws.home / "circumstances.json", circumstances)

    def update(self, model: str) -> str:
        """Update the stack to a model; returns the status that it ends with."""
        self._account.aws.client("cloudformation").update_stack(
            StackName=_STACK,
            UsePreviousTemplate=True,
            Parameters=[
                {"ParameterKey": "ModelPackageArn", "ParameterValue": model},
                {"ParameterKey": "InstanceType", "UsePreviousValue": True},
            ],
        )
        return self.settled()

    def settled(self) -> str:
        def status() -> str | None:
            found = str(self.environment.describe("Serving")["StackStatus"])
            return None if found.endswith("_IN_PROGRESS") else found

        return str(until(status, 120))

    @property
    def endpoint(self) -> str:
        return self.environment.outputs("Serving")["EndpointName"]

    def serves(self) -> bool:
        body = json.dumps({"inputs": "The sea is", "parameters": {"max_new_tokens": 2}})
        answer = self._account.aws.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.endpoint, ContentType="application/json", Body=body
        )
        return "generated_text" in answer["Body"].read().decode()


def test_a_rollback_that_is_refused_is_repaired_by_leaving_the_endpoint_out(
    stack: _Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.set(in_use_configuration="refused")
    assert stack.update(_BROKEN_MODEL) == "UPDATE_ROLLBACK_FAILED"
    assert stack.serves()
    repair(stack.environment, lambda _: "skip", every=0.1)
    said = capsys.readouterr().out
    assert "currently in use endpoint configuration" in said
    assert "it can leave out Endpoint" in said
    assert f"{_STACK} says that {MODEL_ID} is served" in said
    assert stack.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.serves()


def test_an_update_that_sagemaker_takes_back_without_a_reason_is_found_as_drift(
    stack: _Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.set(failure_reasons=False)
    assert stack.update(_BROKEN_MODEL) == "UPDATE_COMPLETE"
    assert stack.serves()
    with pytest.raises(SystemExit, match="taken does not serve what its stack says"):
        drift(stack.environment)
    assert "DRIFTED endpoint config: deleted" in capsys.readouterr().out
    assert stack.update(MODEL_ID) == "UPDATE_COMPLETE"
    assert stack.serves()
