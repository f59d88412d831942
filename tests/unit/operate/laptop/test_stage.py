"""What `make up` does to a deployed stage before it deploys another model."""

from typing import Any, NamedTuple, cast

import pytest

from embedded_aws.host import contents
from operate.laptop import stage
from tests.unit.operate.doubles import Stacks, environment

_TGI, _VLLM = "tgi:1", "vllm:1"
_WITH_MODEL, _WITHOUT = {"ModelName": "m"}, dict[str, str]()
_VARIANT = {"InstanceType": {"Default": "ml.g5.2xlarge"}, "ModelPackageArn": {}}
_COMPONENTS: dict[str, Any] = {"ModelPackageArn": {}}
_DESTROYED = ("destroy", "Local/Serving", "--exclusively", "--force", *stage.SYNTHESIZED)


class _Account(Stacks):
    """The deployed serving stack, and the configuration of its endpoint."""

    def __init__(self, server: str, variant: dict[str, str]) -> None:
        super().__init__({"Serving": {"EndpointName": "e", "ServingImageTag": server}})
        self._variant = variant

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return super().describe_stacks(StackName=StackName.replace("Local", "Prod"))

    def describe_endpoint(self, **_: str) -> dict[str, Any]:
        return {"EndpointConfigName": "c"}

    def describe_endpoint_config(self, **_: str) -> dict[str, Any]:
        return {"ProductionVariants": [self._variant]}


class _Cli:
    """The CDK CLI, which notes what it is asked for."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []

    def cdk(self, *arguments: str) -> None:
        self.ran.append(arguments)


class _Case(NamedTuple):
    """What is deployed, what is wanted, and what the CDK CLI is asked for in between."""

    deployed: str
    variant: dict[str, str]
    wanted: str
    parameters: dict[str, Any]
    ran: list[tuple[str, ...]]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(_Case(_TGI, _WITH_MODEL, _TGI, _VARIANT, []), id="same"),
        pytest.param(_Case(_VLLM, _WITHOUT, _VLLM, _COMPONENTS, []), id="other adapters"),
        pytest.param(_Case(_TGI, _WITH_MODEL, _VLLM, _COMPONENTS, [_DESTROYED]), id="and a server"),
        pytest.param(_Case(_VLLM, _WITH_MODEL, _VLLM, _COMPONENTS, [_DESTROYED]), id="the first"),
        pytest.param(_Case(_VLLM, _WITHOUT, _VLLM, _VARIANT, [_DESTROYED]), id="none any more"),
        pytest.param(_Case(_VLLM, _WITHOUT, _TGI, _VARIANT, [_DESTROYED]), id="nor their server"),
    ],
)
def test_the_first_adapters_and_the_end_of_the_last_are_another_endpoint(
    monkeypatch: pytest.MonkeyPatch, case: _Case
) -> None:
    account, cli = _Account(case.deployed, case.variant), _Cli()
    local = environment("local", cloudformation=account, sagemaker=account)
    outputs = {"ServingImageTag": {"Value": case.wanted}}
    wanted = {"Local-Serving": {"Parameters": case.parameters, "Outputs": outputs}}
    monkeypatch.setattr(contents, "stacks", lambda: [("Local-Serving", "UPDATE_COMPLETE")])
    monkeypatch.setattr(stage, "_synthesized", lambda: wanted)
    assert stage._changes(cast("Any", cli), local) == {}
    assert cli.ran == case.ran
