"""A stage whose instance type changes and returns, while requests flow."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from embedded_aws.core.circumstances import write
from operate.api.deployment import Deployment
from tests.embedded import served
from tests.embedded.conftest import LocalStage
from tests.lifecycle.stage import cdk, generates

_OTHER_APP = "tests/lifecycle/other_type_app.py"
_CHANGE = ("instance-type", "local")


def change_the_instance_type(aws: LocalStage, deployment: Deployment) -> None:
    """Change it to another one, fail to change it back, and change it back."""
    _is_refused_by_a_plain_deployment(aws)
    with _requests(deployment):
        _change_on_the_other_app(aws)
        assert (served.variant(aws)["InstanceType"], len(_policies(aws))) == ("ml.g6.2xlarge", 1)

        circumstances = aws.home / "circumstances.json"
        write(circumstances, {"no_capacity": ["ml.g5.2xlarge"]})
        failed = aws.try_verb(*_CHANGE)
        circumstances.unlink()
        assert failed.returncode != 0
        assert "Local-Serving has ml.g6.2xlarge and scales: fix what failed" in failed.stderr
        assert (served.variant(aws)["InstanceType"], len(_policies(aws))) == ("ml.g6.2xlarge", 1)

        aws.run(*_CHANGE)
    assert (served.variant(aws)["InstanceType"], len(_policies(aws))) == ("ml.g5.2xlarge", 1)
    aws.run("drift", "local")


def _is_refused_by_a_plain_deployment(aws: LocalStage) -> None:
    before = aws.client("cloudformation").describe_stacks(StackName="Local-Serving")["Stacks"]
    words = ("-c", "environments=local", "--app", f"python {_OTHER_APP}")
    refused = cdk(aws, "deploy", "Local/*", *words, "--require-approval", "never")
    assert refused.returncode != 0
    assert "must be ml.g6.2xlarge, as in this template: `make instance-type`" in refused.stderr
    after = aws.client("cloudformation").describe_stacks(StackName="Local-Serving")["Stacks"]
    assert after == before
    diff = cdk(aws, "diff", "Local/Serving", "--app", str(aws.home / "cdk.out"))
    assert "`make instance-type`" in diff.stdout + diff.stderr


def _change_on_the_other_app(aws: LocalStage) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CDK_APP", f"python {_OTHER_APP}")
        ended = aws.try_run(_OTHER_APP, *_CHANGE)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def _policies(aws: LocalStage) -> list[Any]:
    scaling = aws.client("application-autoscaling")
    return list(scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"])


@contextmanager
def _requests(deployment: Deployment) -> Iterator[None]:
    """Let requests flow, one after the other; fails if one of them does."""
    enough = Event()

    def flow() -> int:
        count = 0
        while not enough.is_set():
            assert generates(deployment)
            count += 1
        return count

    with ThreadPoolExecutor(1) as pool:
        flowing = pool.submit(flow)
        try:
            yield
        finally:
            enough.set()
        assert flowing.result() > 0
