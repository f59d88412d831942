"""Other weights by a rolling update: good ones take over, bad ones go back to those before.

They are in S3, where the endpoint reads them with its role. All the while requests flow.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedded_aws.core import circumstances
from embedded_aws.tests.account import until
from embedded_aws.tests.model_server.test_adapter import write_model
from operate.delivery.report.templates import templates_of
from tests.embedded import served
from tests.embedded.conftest import LocalStage
from tests.lifecycle import serving_stack
from tests.lifecycle.load import Load
from tests.lifecycle.stage import bootstrap

Json = dict[str, Any]
_APP = "tests/lifecycle/rolling_app.py"
_BUCKET = "jumpstart-cache-prod-us-east-1"
# The scales of their adapters: the first changes no answer, the last lets each request fail.
_WEIGHTS = {"plain": 0.0, "tuned": 0.2, "diverged": np.nan}
# How many seconds pass in one: an alarm's minute in 3 s and an instance's hour in three minutes, or
# each hour in a second.
_WATCHED, _PAST = 20, 3600


class Rolling:
    """A stage on two instances, and its deployments of one set of weights after the other."""

    def __init__(self, aws: LocalStage, folder: Path) -> None:
        self.aws = aws
        bootstrap(aws, folder / "plain", _APP, str(folder), *_WEIGHTS)
        self._templates = {
            name: templates_of(folder / name)[serving_stack.STACK] for name in _WEIGHTS
        }
        aws.client("s3").create_bucket(Bucket=_BUCKET)
        for name, scale in _WEIGHTS.items():
            write_model(folder / "weights" / name, scale=scale)
            serving_stack.upload(aws, folder / "weights" / name, _BUCKET, f"{name}/")

    def pace(self, time_scale: float) -> None:
        """Let so many seconds of AWS's pass in one."""
        circumstances.write(self.aws.home / "circumstances.json", {"time_scale": time_scale})

    def begin(self, name: str) -> None:
        """Deploy these weights behind the caller's back, at AWS's pace.

        One instance serves them for an hour before the other does.
        """
        self.pace(1)
        serving_stack.begin_update(self.aws, self._templates[name])

    def deploy(self, name: str) -> str:
        """Deploy these weights, at any pace; returns the status that the stack ends with."""
        return serving_stack.update(self.aws, self._templates[name])

    def readable(self) -> set[str]:
        """The weights that the endpoint's role may read."""
        return {
            statement["Resource"].removeprefix(f"arn:aws:s3:::{_BUCKET}/").removesuffix("/*")
            for statement in self.rights()
            if statement["Action"] == "s3:GetObject"
        }

    def rights(self) -> list[Json]:
        """The statements of the role's policies."""
        iam, role = self.aws.client("iam"), served.model(self.aws)["ExecutionRoleArn"]
        name = {"RoleName": role.rpartition("/")[2]}
        assert iam.list_attached_role_policies(**name)["AttachedPolicies"] == []
        policies = [
            iam.get_role_policy(**name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(**name)["PolicyNames"]
        ]
        return [statement for policy in policies for statement in policy["Statement"]]

    def containers(self) -> int:
        """How many containers have started: each has a log stream."""
        group = f"/aws/sagemaker/Endpoints/{served.endpoint(self.aws)['EndpointName']}"
        return len(self.aws.client("logs").describe_log_streams(logGroupName=group)["logStreams"])


@pytest.fixture
def rolling(stage: LocalStage, tmp_path: Path) -> Rolling:
    rolling = Rolling(stage, tmp_path)
    rolling.pace(_PAST)
    assert rolling.deploy("plain") == "UPDATE_COMPLETE"
    until(lambda: _instances(stage) == ("InService", 2), serving_stack.SETTLED_SECONDS)
    return rolling


@pytest.fixture
def load(rolling: Rolling) -> Iterator[Load]:
    load = Load(rolling.aws.deployment())
    with load.flowing():
        yield load


def test_good_weights_take_over_and_bad_ones_go_back_to_those_before(
    rolling: Rolling, load: Load
) -> None:
    (plain,) = load.texts(load.settle())
    assert rolling.readable() == {"plain"}
    rolling.begin("tuned")
    until(lambda: len(load.texts()) == 2, serving_stack.SETTLED_SECONDS)
    (tuned,) = load.texts() - {plain}
    assert load.texts(load.settle()) == {plain, tuned}
    assert rolling.readable() == {"plain", "tuned"}
    rolling.pace(_PAST)
    assert serving_stack.ended(rolling.aws) == "UPDATE_COMPLETE"
    assert load.texts(load.settle()) == {tuned}
    assert set(load.errors()) == {""}
    assert rolling.readable() == {"tuned"}

    rights = rolling.rights()
    _is_undone_by_the_alarm(rolling, load, "diverged")
    assert load.texts(load.settle()) == {tuned}
    assert set(load.errors()) == {"", "model_error"}
    assert rolling.rights() == rights
    rolling.aws.run("drift", "local")

    rolling.pace(_PAST)
    serving_stack.wait_for_silence(rolling.aws)
    again = time.monotonic()
    assert rolling.deploy("plain") == "UPDATE_COMPLETE"
    assert load.texts(load.settle()) == {plain}
    assert set(load.errors(again)) == {""}
    assert rolling.readable() == {"plain"}


def _is_undone_by_the_alarm(rolling: Rolling, load: Load, name: str) -> None:
    containers = rolling.containers()
    rolling.begin(name)
    until(lambda: load.errors()["model_error"], serving_stack.SETTLED_SECONDS)
    failed = time.monotonic()
    until(lambda: load.errors(failed)[""])  # by the instance whose turn has not come
    rolling.pace(_WATCHED)
    assert serving_stack.ended(rolling.aws) == "UPDATE_ROLLBACK_COMPLETE"
    assert set(load.errors(load.settle())) == {""}
    assert "ErrorShare" in serving_stack.failure(rolling.aws)
    assert serving_stack.went_off(rolling.aws, "ErrorShare")
    assert rolling.containers() == containers + 2  # the bad one, and the one before again


def _instances(aws: LocalStage) -> tuple[str, int]:
    found = served.endpoint(aws)
    return found["EndpointStatus"], found["ProductionVariants"][0]["CurrentInstanceCount"]
