"""Under load: the stack's own alarms undo a broken and a slow model, its policy scales.

An alarm that rings undoes the return from what makes it ring, too, unless nothing watches that.

Five minutes of waiting pass in seconds. A request that reaches the broken model fails, as it must:
the proxy does not hide it by asking again, or no alarm would see it. No other request fails.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest

from embedded_aws.core import circumstances
from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.account import until
from embedded_aws.tests.model_server.test_adapter import write_model
from operate.api.deployment import Deployment
from tests.embedded import served
from tests.embedded.conftest import LocalStage

Json = dict[str, Any]
_STACK = "Local-Serving"
_TIME_SCALE = 20  # an alarm's minute is 3 s, in which each client has an answer even if it is slow
_BAKING_SECONDS = 1800  # no rehearsal needs all of it
_DELAY_SECONDS, _MAX_SECONDS = 5, 4  # to the first token: what the slow model takes, and may take
_CLIENTS, _PAUSE_SECONDS = 3, 0.5
_SETTLED_SECONDS = 300


class Answer(NamedTuple):
    """What became of a request; `error` is its code, empty for a good answer."""

    asked_at: float
    seconds: float
    error: str


class Load:
    """Clients that ask one after the other, whatever becomes of their requests."""

    def __init__(self, deployment: Deployment, clients: int = _CLIENTS) -> None:
        self._clients = clients
        self.answers: list[Answer] = []
        self._over = threading.Event()
        self._client = httpx.Client(
            base_url=deployment.base_url,
            headers={"Authorization": f"Bearer {deployment.api_key}"},
            timeout=120,
        )

    def errors(self, since: float = 0) -> Counter[str]:
        """The errors of the requests since then, by code."""
        return Counter(answer.error for answer in self.answers if answer.asked_at >= since)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        clients = [threading.Thread(target=self._keep_asking) for _ in range(self._clients)]
        for client in clients:
            client.start()
        try:
            yield
        finally:
            self._over.set()
            for client in clients:
                client.join()
            self._client.close()

    def _keep_asking(self) -> None:
        while not self._over.wait(_PAUSE_SECONDS):
            at = time.monotonic()
            try:
                error = self._ask()
            except httpx.HTTPError as broken:
                error = type(broken).__name__
            self.answers.append(Answer(at, time.monotonic() - at, error))

    def _ask(self) -> str:
        sampled = {"max_new_tokens": 2, "do_sample": True}
        answer = self._client.post("/generate", json={"inputs": "The sea", "parameters": sampled})
        if answer.is_success:
            return ""
        refused = answer.json()  # the proxy's own as TGI's, API Gateway's as OpenAI's
        return str(refused.get("code") or refused["error"]["code"])


@pytest.fixture
def load(deployed: Deployment) -> Iterator[Load]:
    load = Load(deployed)
    with load.flowing():
        yield load


@pytest.fixture
def accelerated(embedded_aws: LocalStage) -> Iterator[Path]:
    """The circumstances of a rehearsal."""
    file = embedded_aws.home / "circumstances.json"
    circumstances.write(file, {"time_scale": _TIME_SCALE})
    yield file
    file.unlink()


def test_a_broken_model_is_rolled_back_by_the_alarm_on_failed_requests(
    embedded_aws: LocalStage, accelerated: Path, load: Load, tmp_path: Path
) -> None:
    assert accelerated.exists()
    before = _served(embedded_aws)
    # A fine-tuning that diverged: the model loads, is healthy, and fails each request.
    write_model(tmp_path, scale=np.nan)
    uri = _upload(embedded_aws, tmp_path, "diverged")
    reason = _release(embedded_aws, _with_model(embedded_aws, uri))
    assert "ErrorShare" in reason
    assert _served(embedded_aws) == before
    _assert_only_good_answers_now(load)
    assert set(load.errors()) == {"", "model_error"}  # of the update itself, nobody noticed
    assert _went_off(embedded_aws, "ErrorShare")


def test_a_slow_model_is_rolled_back_by_the_alarm_on_the_first_token_and_no_request_fails(
    embedded_aws: LocalStage, accelerated: Path, load: Load, tmp_path: Path
) -> None:
    before = _served(embedded_aws)
    write_model(tmp_path, scale=0)
    uri = _upload(embedded_aws, tmp_path, "slow")
    slow = {"time_scale": _TIME_SCALE, "slow_models": {uri: _DELAY_SECONDS}}
    circumstances.write(accelerated, slow)
    template = _with_model(embedded_aws, uri)
    (alarm,) = (p for p in _properties(template) if p.get("MetricName") == "TimeToFirstToken")
    alarm["Threshold"] = 1000 * _MAX_SECONDS  # a laptop's model would take long for the stack's
    reason = _release(embedded_aws, template)
    assert "TimeToFirstToken" in reason
    assert _served(embedded_aws) == before
    _assert_only_good_answers_now(load)
    assert set(load.errors()) == {""}
    assert max(answer.seconds for answer in load.answers) > _DELAY_SECONDS
    assert _went_off(embedded_aws, "TimeToFirstToken")


def test_a_return_under_load_ends_the_alarm_that_undoes_one_which_watches_it(
    embedded_aws: LocalStage, accelerated: Path, load: Load, tmp_path: Path
) -> None:
    assert accelerated.exists()
    before, good = _served(embedded_aws), _template(embedded_aws)
    write_model(tmp_path, scale=np.nan)
    bad = _with_model(embedded_aws, _upload(embedded_aws, tmp_path, "failing"))
    _policy(bad)["TerminationWaitInSeconds"] = 1
    digest = str(good["Outputs"]["EndpointDigest"]["Value"])
    # The alarm may ring before the fleet is gone. CloudFormation only compares the parameter.
    assert _update(embedded_aws, bad, unguarded=digest) == "UPDATE_COMPLETE"
    until(lambda: _alarming(embedded_aws), _SETTLED_SECONDS)
    try:
        assert _update(embedded_aws, good) == "UPDATE_ROLLBACK_COMPLETE"
        assert "ErrorShare" in _failure(embedded_aws)
        assert _alarming(embedded_aws)
    finally:
        assert _update(embedded_aws, good, unguarded=digest) == "UPDATE_COMPLETE"
    assert _served(embedded_aws)[0] == before[0]
    _assert_only_good_answers_now(load)
    until(lambda: not _alarming(embedded_aws), _SETTLED_SECONDS)
    # Not what a deployment does: for the other tests.
    assert _update(embedded_aws, good, unguarded="") == "UPDATE_COMPLETE"


def test_the_endpoint_scales_out_under_load_and_in_after_it(
    embedded_aws: LocalStage, accelerated: Path, deployed: Deployment
) -> None:
    slow = {"time_scale": 3 * _TIME_SCALE, "slow_models": {MODEL_ID: _DELAY_SECONDS}}
    circumstances.write(accelerated, slow)  # so that many requests are in flight on one laptop
    scaling = embedded_aws.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    bounded = ("ServiceNamespace", "ResourceId", "ScalableDimension", "MaxCapacity")
    before = {name: target[name] for name in bounded}
    scaling.register_scalable_target(**before | {"MaxCapacity": 2})
    try:
        load = Load(deployed, clients=12)  # the stack's target is 8 for each instance
        with load.flowing():
            until(lambda: _instances(embedded_aws) == 2, _SETTLED_SECONDS)
        assert set(load.errors()) == {""}
        until(lambda: _instances(embedded_aws) == 1, _SETTLED_SECONDS)
        activities = scaling.describe_scaling_activities(ServiceNamespace="sagemaker")
    finally:
        scaling.register_scalable_target(**before)
    told = [each["Description"] for each in activities["ScalingActivities"]]
    assert told == [f"Setting desired instance count to {count}." for count in (1, 2)]


def _assert_only_good_answers_now(load: Load) -> None:
    now = time.monotonic()
    until(lambda: sum(load.errors(now).values()) >= _CLIENTS)
    assert set(load.errors(now)) == {""}


def _served(aws: LocalStage) -> tuple[str, str]:
    """The endpoint's status and its model."""
    return served.endpoint(aws)["EndpointStatus"], served.variant(aws)["ModelName"]


def _instances(aws: LocalStage) -> int:
    return int(served.endpoint(aws)["ProductionVariants"][0]["CurrentInstanceCount"])


def _upload(aws: LocalStage, folder: Path, name: str) -> str:
    """Put a model where the pipeline stores those that may be served; returns its S3 URI."""
    resources = aws.client("cloudformation").describe_stack_resources(StackName="Local-Training")
    (bucket,) = (
        found["PhysicalResourceId"]
        for found in resources["StackResources"]
        if found["ResourceType"] == "AWS::S3::Bucket" and "Artifacts" in found["LogicalResourceId"]
    )
    for file in folder.rglob("*.*"):
        key = f"models/{name}/{file.relative_to(folder)}"
        aws.client("s3").upload_file(str(file), bucket, key)
    return f"s3://{bucket}/models/{name}/"


def _release(aws: LocalStage, template: Json) -> str:
    """Update the stack; returns why it failed, when it is rolled back."""
    # An alarm of the update before would undo this one too.
    until(lambda: not _alarming(aws), _SETTLED_SECONDS)
    assert _update(aws, template) == "UPDATE_ROLLBACK_COMPLETE"
    return _failure(aws)


def _update(aws: LocalStage, template: Json, unguarded: str = "") -> str:
    """Update the stack; returns the status that it ends with."""
    aws.client("cloudformation").update_stack(
        StackName=_STACK,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Unguarded", "ParameterValue": unguarded}],
        Capabilities=["CAPABILITY_IAM"],
    )
    return str(until(lambda: _settled(aws), _SETTLED_SECONDS))


def _failure(aws: LocalStage) -> str:
    """Why the newest update failed."""
    events = aws.client("cloudformation").describe_stack_events(StackName=_STACK)["StackEvents"]
    reasons = (e["ResourceStatusReason"] for e in events if e["ResourceStatus"] == "UPDATE_FAILED")
    return str(next(reasons))


def _settled(aws: LocalStage) -> str:
    stacks = aws.client("cloudformation").describe_stacks(StackName=_STACK)
    status = str(stacks["Stacks"][0]["StackStatus"])
    return "" if status.endswith("_IN_PROGRESS") else status


def _with_model(aws: LocalStage, uri: str) -> Json:
    """The stack's own template with another model, and with AWS's time to bake."""
    template = _template(aws)
    (model,) = (p for p in _properties(template) if "PrimaryContainer" in p)
    _condition, *branches = model["PrimaryContainer"]["Fn::If"]
    package, base = sorted(branches, key=lambda branch: "Image" in branch)
    source = {"S3Uri": uri, "S3DataType": "S3Prefix", "CompressionType": "None"}
    model["PrimaryContainer"] = {
        "Image": base["Image"],
        "Environment": package["Environment"],
        "ModelDataSource": {"S3DataSource": source},
    }
    _policy(template)["TerminationWaitInSeconds"] = _BAKING_SECONDS
    return template


def _template(aws: LocalStage) -> Json:
    template: Json = aws.client("cloudformation").get_template(StackName=_STACK)["TemplateBody"]
    return template


def _policy(template: Json) -> Json:
    """How the endpoint is updated."""
    (endpoint,) = (p for p in _properties(template) if "DeploymentConfig" in p)
    policy: Json = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    return policy


def _properties(template: Json) -> list[Json]:
    return [resource["Properties"] for resource in template["Resources"].values()]


def _alarming(aws: LocalStage) -> list[Json]:
    found = aws.client("cloudwatch").describe_alarms(StateValue="ALARM", AlarmNamePrefix=_STACK)
    alarms: list[Json] = found["MetricAlarms"]
    return alarms


def _went_off(aws: LocalStage, alarm: str) -> bool:
    items = aws.client("cloudwatch").describe_alarm_history(HistoryItemType="StateUpdate")
    return any(
        alarm in item["AlarmName"] and item["HistorySummary"] == "Alarm updated from OK to ALARM"
        for item in items["AlarmHistoryItems"]
    )
