"""What a stack's service role needs beyond the calls of its own types."""

import pytest

from embedded_aws.core.emulator import scope
from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker.cloudformation import permissions


@pytest.mark.parametrize("scaled", ["endpoint/e/variant/AllTraffic", "inference-component/base"])
def test_scaling_makes_alarms_as_the_stacks_role_that_are_named_after_what_it_scales(
    monkeypatch: pytest.MonkeyPatch, scaled: str
) -> None:
    def refusal(action: str, resource: str) -> str:
        return f"may not {action} on {resource}"

    monkeypatch.setattr("embedded_aws.cloudformation.stacks.refusal", refusal)
    said = (
        "may not cloudwatch:PutMetricAlarm on arn:aws:cloudwatch:us-east-1:000000000000:alarm:"
        f"TargetTracking-{scaled}-AlarmHigh-"
    )
    with scope("000000000000", "us-east-1"), pytest.raises(ServiceError, match=said):
        permissions.check_alarms(scaled)
