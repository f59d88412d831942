"""What CI sees of an environment: its alarms, its drift, its cost."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operate import polling
from operate.command_line import parser
from operate.delivery.observation import deployed_cost, stack_drift, watch
from tests.unit.operate.doubles import environment

_GOLDEN = Path(__file__).parents[4] / "tests/infrastructure/golden/prod"


class _Aws:
    """The stacks of `prod` with two alarms, whose states come one after the other."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.asked: list[list[str]] = []

    def get_paginator(self, operation: str) -> Any:
        pages = {
            "describe_stacks": [{"Stacks": [{"StackName": "Prod-Serving"}]}],
            "list_stack_resources": [
                {
                    "StackResourceSummaries": [
                        {"ResourceType": "AWS::CloudWatch::Alarm", "PhysicalResourceId": "a"},
                        {"ResourceType": "AWS::SageMaker::Model", "PhysicalResourceId": "m"},
                    ]
                },
                {
                    "StackResourceSummaries": [
                        {"ResourceType": "AWS::CloudWatch::Alarm", "PhysicalResourceId": "b"}
                    ]
                },
            ],
        }[operation]
        return type("Pages", (), {"paginate": lambda _self, **_request: pages})()

    def describe_alarms(self, *, AlarmNames: list[str]) -> Any:  # noqa: N803 - boto3's name
        self.asked.append(AlarmNames)
        state = self.states.pop(0)
        return {
            "MetricAlarms": [
                {"AlarmName": "a", "StateValue": "OK", "StateReason": ""},
                {"AlarmName": "b", "StateValue": state, "StateReason": "5 errors"},
            ]
        }

    def get_template(self, *, StackName: str) -> Any:  # noqa: N803 - likewise
        assert StackName == "Prod-Serving"
        return {"TemplateBody": json.loads((_GOLDEN / "serving.json").read_text())}


def test_an_alarm_that_rings_ends_the_watch_at_once() -> None:
    aws = _Aws("OK", "INSUFFICIENT_DATA", "ALARM", "OK")
    with pytest.raises(SystemExit, match="prod is in alarm: b, 5 errors"):
        watch(environment(cloudformation=aws, cloudwatch=aws), minutes=60, every=0)
    assert aws.asked == [["a", "b"]] * 3


def test_a_watch_without_an_alarm_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    aws = _Aws("OK")
    watch(environment(cloudformation=aws, cloudwatch=aws), minutes=0)
    assert capsys.readouterr().out.endswith("no alarm rang\n")


def test_an_environment_without_alarms_is_not_watched() -> None:
    aws = _Aws("OK")
    with pytest.raises(SystemExit, match="dev has no alarm: deploy it first"):
        watch(environment("dev", cloudformation=aws, cloudwatch=aws), minutes=0)


def test_the_cost_is_that_of_what_is_deployed(capsys: pytest.CaptureFixture[str]) -> None:
    deployed_cost(environment(cloudformation=_Aws()))
    assert capsys.readouterr().out.startswith("prod: 2,212.10 to 4,424.00 USD a month")


def test_this_machine_costs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    deployed_cost(environment("local", cloudformation=_Aws()))
    assert capsys.readouterr().out.startswith("local costs nothing on this machine; on AWS")


def test_drift_of_the_stacks_fails_by_the_clis_own_word() -> None:
    ran: list[tuple[str, ...]] = []
    stack_drift(environment("prod"), lambda *words: ran.append(words))
    assert ran == [("drift", "Prod/*", "--fail", "--context", "environments=prod")]


@pytest.mark.parametrize(("given", "minutes"), [("15", 15), ("0.25", 0.25), ("0", 0)])
def test_a_watch_takes_parts_of_a_minute(given: str, minutes: float) -> None:
    assert parser().parse_args(["watch", "prod", f"--minutes={given}"]).minutes == minutes


@pytest.mark.parametrize("given", ["-1", "nan", "inf", "soon", "99999"])
def test_a_watch_without_a_number_of_minutes_is_refused(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["watch", "prod", f"--minutes={given}"])
    assert f"give minutes, such as 15 or 0.5, got '{given}'" in capsys.readouterr().err


def test_a_short_watch_looks_often_enough_to_see_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = [0.0]
    clock = SimpleNamespace(sleep=slept.append, monotonic=lambda: sum(slept))
    monkeypatch.setattr(polling, "time", clock)
    aws = _Aws("OK", "OK", "ALARM", *["OK"] * 100)
    with pytest.raises(SystemExit, match="prod is in alarm"):
        watch(environment(cloudformation=aws, cloudwatch=aws), minutes=0.01)
