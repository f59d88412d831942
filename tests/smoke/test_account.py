"""What an answered request leaves in the account: a line, metrics, no prompt; and its limits."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from operate.environment import Environment
from operate.polling import polled
from tests.smoke.conftest import Stage, usage_plan

_STACKS = ("Api", "Serving")
_SECONDS, _EVERY = 180, 1  # until CloudWatch shows a line, and between two looks


@pytest.fixture(scope="module")
def environment(stage: Stage) -> Environment:
    """The environment, where credentials are at hand."""
    if stage.environment is None:
        pytest.skip("a URL and a key are no credentials: give ENV instead")
    return stage.environment


@pytest.fixture(scope="module")
def asked(stage: Stage, model: str) -> tuple[str, str, int]:
    """A word that only one prompt has, the request's id, and when it was asked."""
    word, began = f"xq{uuid.uuid4().hex}", int(time.time())
    body = {"model": model, "max_tokens": 2, "messages": [{"role": "user", "content": word}]}
    answer = stage.ask("POST", "/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return word, answer.headers["x-request-id"], began


def _resources(environment: Environment, kind: str) -> Iterator[str]:
    pages = environment.client("cloudformation").get_paginator("list_stack_resources")
    for stack in _STACKS:
        for page in pages.paginate(StackName=environment.stack_name(stack)):
            for resource in page["StackResourceSummaries"]:
                if resource["ResourceType"] == kind:
                    yield resource["PhysicalResourceId"]


def _lines(environment: Environment, word: str, since: int) -> list[str]:
    """Return the lines with a word, of every log group of the stacks."""
    logs = environment.client("logs")
    pages = logs.get_paginator("filter_log_events")
    return [
        event["message"]
        for group in _resources(environment, "AWS::Logs::LogGroup")
        for page in pages.paginate(
            logGroupName=group, startTime=since * 1000, filterPattern=f'"{word}"'
        )
        for event in page["events"]
    ]


def test_a_request_has_its_line_and_no_log_has_its_prompt(
    environment: Environment, asked: tuple[str, str, int]
) -> None:
    word, request_id, began = asked
    looks = polled(lambda: _lines(environment, request_id, began), every=_EVERY, within=_SECONDS)
    assert any(looks), "the request has no line in any log group"
    assert _lines(environment, word, began) == []


def _alarms(environment: Environment) -> list[dict[str, Any]]:
    names = list(_resources(environment, "AWS::CloudWatch::Alarm"))
    answer = environment.client("cloudwatch").describe_alarms(AlarmNames=names)
    return list(answer["MetricAlarms"])


def _metrics(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the metrics that an alarm is about, whether one or computed of several."""
    if "MetricName" in alarm:
        yield {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")}
    for each in alarm.get("Metrics", []):
        if "MetricStat" in each:
            yield each["MetricStat"]["Metric"]


def _points(environment: Environment, metric: dict[str, Any]) -> int:
    now = datetime.now(UTC)
    answer = environment.client("cloudwatch").get_metric_statistics(
        **metric,
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["SampleCount"],
    )
    return len(answer["Datapoints"])


def test_metrics_that_alarms_are_about_arrive(
    environment: Environment, asked: tuple[str, str, int]
) -> None:
    assert asked
    metrics = [metric for alarm in _alarms(environment) for metric in _metrics(alarm)]
    assert metrics
    looks = polled(
        lambda: sum(_points(environment, each) for each in metrics), every=_EVERY, within=_SECONDS
    )
    assert any(looks), "no metric of the alarms has a value"


def test_the_key_is_throttled_and_has_a_quota(stage: Stage, environment: Environment) -> None:
    plan = usage_plan(stage, environment)
    assert plan["throttle"]["rateLimit"] > 0
    assert plan["quota"]["limit"] > 0
    assert plan["apiStages"]
