"""The change of the instance type: its two deployments, and what a failure leaves behind."""

from types import SimpleNamespace
from typing import Any

import pytest

from operate.releases.deployer import deployer
from operate.releases.instance_type import InstanceTypeChange
from stacks.accounts import bootstrap_role
from tests.unit.operate.doubles import Stacks, environment, refusal

_ROLE = "arn:aws:iam::1:role/exec"
_OLD, _NEW = "ml.g5.2xlarge", "ml.g5.4xlarge"
_COMMIT = "0123abc"


class _Account(Stacks):
    """The serving stack, and its endpoint, which scales at first; `cdk` deploys as it is told."""

    def __init__(
        self, *, fails_with: str = "", scaling: str = "on", has_adapters: bool = False
    ) -> None:
        change = {} if has_adapters else {"InstanceType": _OLD, "Scaling": scaling}
        super().__init__(
            {"Serving": {"EndpointName": "e"}}, ModelPackageArn="arn:package/2", **change
        )
        self._variant = {} if has_adapters else {"ModelName": "m"}
        self.fails_with, self._status, self._token = fails_with, "UPDATE_COMPLETE", ""
        self._scaled = [(1, 2), (2, 2)]
        self.made: list[str] = []
        self.endpoint_status = "InService"

    def update_stack(self, **request: Any) -> None:
        assert request["UsePreviousTemplate"]
        assert request["RoleARN"] == _ROLE
        given = [p for p in request["Parameters"] if not p.get("UsePreviousValue")]
        (scaling,) = given
        if scaling["ParameterValue"] == self._parameters["Scaling"]:
            raise refusal("ValidationError", "No updates are to be performed.")
        self._set(Scaling=scaling["ParameterValue"])
        self._token = request["ClientRequestToken"]
        self.made.append(f"scaling {scaling['ParameterValue']}")

    def describe_stack_events(self, **_: str) -> dict[str, Any]:
        event = {
            "ClientRequestToken": self._token,
            "ResourceType": "AWS::CloudFormation::Stack",
            "ResourceStatus": "UPDATE_COMPLETE",
        }
        return {"StackEvents": [event]}

    def describe_endpoint(self, **_: str) -> dict[str, Any]:
        current, desired = self._scaled.pop(0) if len(self._scaled) > 1 else self._scaled[0]
        variant = {"CurrentInstanceCount": current, "DesiredInstanceCount": desired}
        return {
            "EndpointStatus": self.endpoint_status,
            "FailureReason": "no image",
            "EndpointConfigName": "c",
            "ProductionVariants": [variant],
        }

    def describe_endpoint_config(self, **_: str) -> dict[str, Any]:
        return {"ProductionVariants": [self._variant]}

    def cdk(self, *arguments: str) -> None:
        assert arguments[:3] == ("deploy", "Prod/Serving", "Prod/Training")
        # Without it the stacks would lose the commit that CI returns to.
        assert f"commit={_COMMIT}" in arguments
        if self._parameters.get("InstanceType", _NEW) != _NEW:
            # As AWS: no other type while the variant is registered, or while it scales.
            assert self._parameters["Scaling"] == "off"
            assert len(self._scaled) == 1
        if self.fails_with:
            self._status = self.fails_with
            raise SystemExit("`cdk deploy` failed: see above")
        prefix = "Prod-Serving:"
        values = (w.removeprefix(prefix).split("=") for w in arguments if w.startswith(prefix))
        self._set(**dict(values))
        self.made.append("deployed")

    def _set(self, **parameters: str) -> None:
        self._parameters = {**self._parameters, **parameters}


def _change(account: _Account) -> None:
    prod = environment(cloudformation=account, sagemaker=account)
    InstanceTypeChange(
        prod, account.cdk, _COMMIT, deployer=lambda _: (account, _ROLE), every=0
    ).make(_NEW)


def _parameters(account: _Account) -> dict[str, str]:
    (stack,) = account.describe_stacks(StackName="Prod-Serving")["Stacks"]
    return {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}


def test_type_changes_without_scaling_which_returns_with_it() -> None:
    account = _Account()
    _change(account)
    assert account.made == ["scaling off", "deployed"]
    changed = {"ModelPackageArn": "arn:package/2", "InstanceType": _NEW, "Scaling": "on"}
    assert _parameters(account) == changed


def test_change_that_is_made_already_is_only_deployed() -> None:
    account = _Account()
    _change(account)
    account.made.clear()
    _change(account)
    assert account.made == ["deployed"]


def test_change_that_was_interrupted_is_completed() -> None:
    account = _Account(scaling="off")
    _change(account)
    assert account.made == ["deployed"]
    assert _parameters(account)["Scaling"] == "on"


def test_endpoint_scales_again_after_a_failed_deployment_and_the_change_can_be_repeated() -> None:
    account = _Account(fails_with="UPDATE_ROLLBACK_COMPLETE")
    said = f"failed: see above\nProd-Serving has {_OLD} and scales: fix what failed, then run `make"
    with pytest.raises(SystemExit, match=said):
        _change(account)
    assert account.made == ["scaling off", "scaling on"]
    assert _parameters(account)["InstanceType"] == _OLD
    account.fails_with = ""
    _change(account)
    assert _parameters(account)["InstanceType"] == _NEW


@pytest.mark.parametrize("status", ["Failed", "UpdateRollbackFailed"])
def test_an_endpoint_that_is_stuck_is_not_waited_for(status: str) -> None:
    account = _Account()
    account.endpoint_status = status
    with pytest.raises(SystemExit, match=f"e is {status}: no image"):
        _change(account)


def test_failure_that_could_not_be_rolled_back_names_the_repair_that_comes_first() -> None:
    account = _Account(fails_with="UPDATE_ROLLBACK_FAILED")
    said = (
        "Prod-Serving is UPDATE_ROLLBACK_FAILED and does not scale: `make repair ENV=prod`, then"
        " `make instance-type ENV=prod`"
    )
    with pytest.raises(SystemExit, match=said):
        _change(account)


def test_type_of_an_endpoint_with_adapters_is_not_changed_and_what_to_do_is_said() -> None:
    account = _Account(has_adapters=True)
    said = "`cdk destroy --exclusively Prod/Serving` and `cdk deploy 'Prod/\\*'` at a quiet time"
    with pytest.raises(SystemExit, match=said):
        _change(account)
    assert account.made == []


class _Sts:
    """STS, which lets nobody have the role that deploys."""

    meta = SimpleNamespace(region_name="eu-west-1")

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::111111111111:user/anna", "Account": "111111111111"}

    def assume_role(self, *, RoleArn: str, **_: str) -> None:  # noqa: N803 - boto3's name
        assert RoleArn == "arn:aws:iam::111111111111:role/" + bootstrap_role(
            "prod", "deploy", "111111111111", "eu-west-1"
        )
        raise refusal("AccessDenied", "not authorized to perform sts:AssumeRole")


def test_whoever_may_not_deploy_is_told_who_makes_the_role() -> None:
    with pytest.raises(SystemExit, match=r"AssumeRole\n`make bootstrap ENV=prod`, as an admin"):
        deployer(environment(sts=_Sts()))
