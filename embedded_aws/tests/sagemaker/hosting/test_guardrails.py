"""Deployment guardrails: traffic shifts by the policy, alarms roll back, no request is dropped."""

from collections import Counter
from typing import Any

import pytest

from embedded_aws.core import circumstances, clients
from embedded_aws.core.emulator import scope
from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker.hosting import deployments, guardrails, traffic
from embedded_aws.sagemaker.hosting.guardrails import Plan
from embedded_aws.tests.account import until
from embedded_aws.tests.sagemaker.hosting.conftest import FakeContainer, Hosting

Json = dict[str, Any]
_ALARM = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}


def _blue_green(kind: str, TerminationWaitInSeconds: int = 120, **more: Any) -> Json:  # noqa: N803 - SageMaker's
    routing = {"Type": kind, "WaitIntervalInSeconds": 600, **more}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": TerminationWaitInSeconds,
        }
    }


def _batch(kind: str, value: int) -> Json:
    size = {"Type": kind, "Value": value}
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 300}}


def _percent(value: int) -> Json:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def _rolling(percent: int) -> Json:
    return _batch("CAPACITY_PERCENT", percent)


@pytest.mark.parametrize(
    ("config", "instances", "plan"),
    [
        ({}, 4, Plan()),
        (_blue_green("ALL_AT_ONCE"), 1, Plan((1.0,), 600, 120)),
        (_blue_green("CANARY", CanarySize=_percent(25)), 4, Plan((0.25, 1.0), 600, 120)),
        (_blue_green("CANARY", CanarySize=_percent(25)), 1, Plan()),
        (_blue_green("LINEAR", LinearStepSize=_percent(50)), 4, Plan((0.5, 1.0), 600, 120)),
        (_rolling(25), 4, Plan((0.25, 0.5, 0.75, 1.0), 300, batch=1)),
        (_rolling(50), 1, Plan()),
        (_batch("INSTANCE_COUNT", 2), 4, Plan((0.5, 1.0), 300, batch=2)),
        (_batch("COPY_COUNT", 2), 4, Plan((0.5, 1.0), 300, batch=2)),
        ({**_blue_green("ALL_AT_ONCE"), **_ALARM}, 1, Plan((1.0,), 600, 120, ("errors",))),
    ],
)
def test_an_update_goes_by_its_policy(config: Json, instances: int, plan: Plan) -> None:
    assert guardrails.plan(config, instances) == plan


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        (_blue_green("CANARY", CanarySize=_percent(60)), "CanarySize must be 1 to 50 percent"),
        (_blue_green("LINEAR", LinearStepSize=_percent(5)), "LinearStepSize must be 10 to 50"),
        (_rolling(60), "MaximumBatchSize must be 5 to 50 percent, got 60"),
        (_batch("INSTANCE_COUNT", 3), "MaximumBatchSize must be 5 to 50 percent of 4, got 3"),
        (_blue_green("CANARY"), "specify CanarySize"),
        ({**_blue_green("ALL_AT_ONCE"), **_rolling(50)}, "got both"),
    ],
)
def test_a_policy_that_sagemaker_refuses_is_refused(
    hosting: Hosting, config: Json, refused: str
) -> None:
    hosting.create()
    hosting.config("Next", InitialInstanceCount=4)
    with pytest.raises(ServiceError, match=refused):
        hosting.update("Next", DeploymentConfig=config)


class _Alarms:
    """CloudWatch with one alarm."""

    state = "OK"

    def describe_alarms(self, AlarmNames: list[str]) -> Json:  # noqa: N803 - boto3's
        return {
            "MetricAlarms": [{"AlarmName": name, "StateValue": self.state} for name in AlarmNames]
        }


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> _Alarms:
    alarms = _Alarms()
    monkeypatch.setattr(clients, "client", lambda _service: alarms)
    monkeypatch.setattr(guardrails, "role_may", lambda *_asked: True)
    return alarms


def _shares() -> Counter[str]:
    """Which models answered a hundred requests."""
    served: Counter[str] = Counter()
    for _ in range(100):
        with traffic.request("E") as taken:
            turn: Any = taken
            served[turn.container.model_name] += 1
    return served


def _until_shared(shares: dict[str, int]) -> None:
    def is_shared() -> bool:
        with scope("000000000000", "us-east-1"):
            return _shares() == shares

    until(is_shared)


@pytest.mark.usefixtures("alarms")
def test_both_fleets_serve_while_a_canary_bakes(hosting: Hosting) -> None:
    hosting.set(time_scale=1)
    hosting.config("Four", InitialInstanceCount=4)
    hosting.create("Four")
    hosting.call("CreateModel", ModelName="Better", PrimaryContainer={})
    hosting.config("Next", model="Better", InitialInstanceCount=4)
    hosting.update(
        "Next", DeploymentConfig={**_blue_green("CANARY", CanarySize=_percent(25)), **_ALARM}
    )
    _until_shared({"M": 75, "Better": 25})
    assert hosting.described()["EndpointStatus"] == "Updating"
    hosting.set()
    assert hosting.settled()["EndpointConfigName"] == "Next"
    assert _shares() == {"Better": 100}


@pytest.mark.parametrize("wait", ["WaitIntervalInSeconds", "TerminationWaitInSeconds"])
def test_an_alarm_rolls_an_update_back_and_every_request_is_answered(
    hosting: Hosting, alarms: _Alarms, wait: str
) -> None:
    hosting.set(time_scale=1)
    hosting.create()
    hosting.call("CreateModel", ModelName="Slow", PrimaryContainer={})
    waits = {"WaitIntervalInSeconds": 0, "TerminationWaitInSeconds": 0, wait: 600}
    config = {**_blue_green("ALL_AT_ONCE", **waits), **_ALARM}
    hosting.update(hosting.config("Next", model="Slow"), DeploymentConfig=config)
    _until_shared({"Slow": 100})
    with traffic.request("E") as taken:
        turn: Any = taken
        alarms.state = "ALARM"
        settled = hosting.settled()
        assert not turn.container.stopped  # it still works on this request
    assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", "C")
    assert settled["FailureReason"] == "the alarm errors is in the state ALARM"
    assert settled["LastDeploymentConfig"] == config
    assert _shares() == {"M": 100}
    until(lambda: turn.container.stopped)


@pytest.mark.usefixtures("alarms")
def test_circumstances_that_cannot_be_read_roll_an_update_back(
    hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeContainer, "grace_seconds", 0)
    hosting.set(time_scale=1)
    hosting.create()
    hosting.call("CreateModel", ModelName="Better", PrimaryContainer={})
    waits = {"WaitIntervalInSeconds": 600, "TerminationWaitInSeconds": 0}
    config = {**_blue_green("ALL_AT_ONCE", **waits), **_ALARM}
    hosting.update(hosting.config("Next", model="Better"), DeploymentConfig=config)
    _until_shared({"Better": 100})
    circumstances.FILE.write_text("{")
    deployments.wait_until_settled("E")
    hosting.set()
    settled = hosting.described()
    assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", "C")
    assert settled["FailureReason"].startswith("CircumstancesError: correct ")


def test_an_alarm_that_rings_already_undoes_an_update_that_watches_it(
    hosting: Hosting, alarms: _Alarms
) -> None:
    # AWS's guide: where the old fleet is what makes an alarm ring, the deployment ends.
    alarms.state = "ALARM"
    hosting.create()
    hosting.call("CreateModel", ModelName="Better", PrimaryContainer={})
    hosting.config("Next", model="Better")
    watched = _blue_green("ALL_AT_ONCE", TerminationWaitInSeconds=0, WaitIntervalInSeconds=0)
    hosting.update("Next", DeploymentConfig={**watched, **_ALARM})
    assert hosting.settled()["EndpointConfigName"] == "C"
    assert _shares() == {"M": 100}
    hosting.update("Next", DeploymentConfig=watched)
    assert hosting.settled()["EndpointConfigName"] == "Next"
    assert _shares() == {"Better": 100}


@pytest.mark.parametrize(("wait_seconds", "is_cut"), [(0, True), (480, False)])
def test_an_old_container_ends_half_a_minute_after_the_last_wait(
    hosting: Hosting, wait_seconds: int, *, is_cut: bool
) -> None:
    hosting.set(time_scale=1000 if is_cut else 1)
    hosting.create()
    hosting.call("CreateModel", ModelName="Better", PrimaryContainer={})
    config = _blue_green("ALL_AT_ONCE", TerminationWaitInSeconds=wait_seconds)
    with traffic.request("E") as taken:
        assert taken
        old: Any = taken.container
        hosting.update(hosting.config("Next", model="Better"), DeploymentConfig=config)
        if is_cut:
            until(lambda: old.stopped)
        else:
            _until_shared({"Better": 100})
            assert not old.stopped
    hosting.set()
    assert hosting.settled()["EndpointConfigName"] == "Next"
    until(lambda: old.stopped)


def test_an_update_without_the_right_to_its_alarms_rolls_back(
    hosting: Hosting, alarms: _Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert alarms.state == "OK"
    monkeypatch.setattr(guardrails, "role_may", lambda *_asked: False)
    hosting.create()
    config = {**_blue_green("ALL_AT_ONCE"), **_ALARM}
    hosting.update(hosting.config("Next"), DeploymentConfig=config)
    assert "may not cloudwatch:DescribeAlarms" in hosting.settled()["FailureReason"]


@pytest.mark.usefixtures("alarms")
def test_a_rolling_update_needs_the_quota_of_its_fleet_and_a_batch(hosting: Hosting) -> None:
    hosting.set(account="new")
    hosting.config("Four", InitialInstanceCount=4)
    hosting.grant(5)
    hosting.create("Four")
    hosting.config("Next", InitialInstanceCount=4)
    with pytest.raises(ServiceError, match="request delta of 4 Instances"):
        hosting.update("Next")
    hosting.update("Next", DeploymentConfig=_rolling(25))
    settled = hosting.settled()
    assert settled["EndpointConfigName"] == "Next"
    assert settled["ProductionVariants"][0]["CurrentInstanceCount"] == 4


@pytest.fixture
def rolling(hosting: Hosting, alarms: _Alarms) -> Any:  # noqa: ARG001 - the update asks for them
    """The container before of an endpoint that has rolled a quarter of its fleet."""
    hosting.set(time_scale=1)
    hosting.config("Four", InitialInstanceCount=4)
    hosting.create("Four")
    with traffic.request("E") as taken:
        turn: Any = taken
    hosting.call("CreateModel", ModelName="Worse", PrimaryContainer={})
    hosting.config("Next", model="Worse", InitialInstanceCount=4)
    hosting.update("Next", DeploymentConfig={**_rolling(25), **_ALARM})
    _until_shared({"M": 75, "Worse": 25})
    return turn.container


def test_a_rolling_update_that_goes_back_starts_the_model_before_again(
    hosting: Hosting, rolling: Any, alarms: _Alarms
) -> None:
    alarms.state = "ALARM"
    settled = hosting.settled()
    assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", "Four")
    assert _shares() == {"M": 100}
    until(lambda: rolling.stopped)


def test_an_endpoint_whose_model_before_starts_no_more_is_stuck(
    hosting: Hosting,
    rolling: Any,
    alarms: _Alarms,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeContainer, "broken", {"M"})
    alarms.state = "ALARM"
    settled = hosting.settled()
    assert settled["EndpointStatus"] == "UpdateRollbackFailed"
    assert settled["FailureReason"] == "the rollback failed: it is broken"
    assert not rolling.stopped
    alarms.state = "OK"
    hosting.set()
    hosting.update("Four")
    assert hosting.settled()["EndpointStatus"] == "UpdateRollbackFailed"
    hosting.update("Next")
    assert hosting.settled()["EndpointStatus"] == "InService"
    assert _shares() == {"Worse": 100}
