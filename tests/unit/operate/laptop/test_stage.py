"""What `make up` does to a deployed stage before it deploys another model."""

from typing import Any

import pytest

from embedded_aws.host import contents
from operate.account import bootstrap as account_bootstrap
from operate.laptop import stage
from operate.laptop.cdk_cli import Cli
from tests.unit.operate.doubles import Stacks, environment

_SERVER = "vllm:1"
_WITH_MODEL, _WITHOUT = {"ModelName": "m"}, dict[str, str]()
_PLAIN = {"Action": ["sagemaker:CreateEndpoint"]}
_ADAPTERS = {"Action": ["sagemaker:CreateEndpoint", "sagemaker:CreateInferenceComponent"]}


class _Account(Stacks):
    """A deployed serving stack, the configuration of its endpoint, and what becomes of it."""

    def __init__(self, variant: dict[str, str]) -> None:
        super().__init__({"Serving": {"EndpointName": "e", "ServingImageTag": _SERVER}})
        self._variant = variant
        self.done: list[str] = []

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return super().describe_stacks(StackName=StackName.replace("Local", "Prod"))

    def describe_endpoint(self, **_: str) -> dict[str, Any]:
        return {"EndpointConfigName": "c"}

    def describe_endpoint_config(self, **_: str) -> dict[str, Any]:
        return {"ProductionVariants": [self._variant]}

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803 - boto3's name
        self.done.append(f"delete {StackName}")


@pytest.fixture(name="deploy")
def _deploy(monkeypatch: pytest.MonkeyPatch) -> Any:
    def deploy(variant: dict[str, str]) -> _Account:
        account = _Account(variant)
        monkeypatch.setattr(contents, "stacks", lambda: [("Local-Serving", "UPDATE_COMPLETE")])
        monkeypatch.setattr(contents, "client", lambda _service: account)
        monkeypatch.setattr(
            account_bootstrap, "bootstrap", lambda *_: account.done.append("bootstrap")
        )
        return account

    return deploy


@pytest.mark.parametrize(
    ("variant", "policies", "done"),
    [
        pytest.param(_WITH_MODEL, _PLAIN, ["bootstrap"], id="as before"),
        pytest.param(_WITHOUT, _ADAPTERS, ["bootstrap"], id="other adapters"),
        pytest.param(
            _WITH_MODEL, _ADAPTERS, ["delete Local-Serving", "bootstrap"], id="the first adapters"
        ),
        pytest.param(_WITHOUT, _PLAIN, ["delete Local-Serving", "bootstrap"], id="none any more"),
    ],
)
def test_another_endpoint_makes_way_before_nobody_may_delete_the_old_one(
    deploy: Any, variant: dict[str, str], policies: Any, done: list[str]
) -> None:
    account = deploy(variant)
    local = environment("local", cloudformation=account, sagemaker=account)
    stage.bootstrap(Cli(lock=0), local, policies)
    assert account.done == done


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [(_WITH_MODEL, {}), (_WITHOUT, {"InstanceType": {"Default": "ml.g5.2xlarge"}})],
    ids=["the first adapters", "none any more"],
)
def test_another_endpoint_needs_the_rights_that_make_golden_writes(
    monkeypatch: pytest.MonkeyPatch, deploy: Any, variant: dict[str, str], parameters: Any
) -> None:
    account = deploy(variant)
    local = environment("local", cloudformation=account, sagemaker=account)
    outputs = {"ServingImageTag": {"Value": _SERVER}}
    wanted = {"Local-Serving": {"Parameters": parameters, "Outputs": outputs}}
    monkeypatch.setattr(stage, "_synthesized", lambda: wanted)
    with pytest.raises(SystemExit, match="needs other permissions: run `make golden`"):
        stage._changes(Cli(lock=0), local)
