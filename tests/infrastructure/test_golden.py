"""Shows every change of a template in review: `make golden` accepts the changes."""

import json

import pytest

from bootstrap.stage import Stage
from bootstrap.template import template
from tests.infrastructure.assembly import ENVIRONMENTS, ROOT, Assembly
from tests.infrastructure.differences import differences
from tests.infrastructure.reviewed import check_reviewed

_STACKS = ("Serving", "Api", "Training")

# Staging is held against Prod instead.
_REVIEWED = [
    *((environment, stack) for environment in ("Local", "Dev", "Prod") for stack in _STACKS),
    *(("Cpu", stack) for stack in ("Weights", *_STACKS)),
]

_LOGS = (365, 30)
_ROLLING = "LlmEndpoint#.Properties.DeploymentConfig.RollingUpdatePolicy"
_BLUE_GREEN = "LlmEndpoint#.Properties.DeploymentConfig.BlueGreenUpdatePolicy"
_SCHEDULED = "LlmScalingTarget#.Properties.ScheduledActions"
_OF_STAGING = {
    "Serving": {
        "LlmConfig#.Properties.ProductionVariants[0].InitialInstanceCount": (2, 1),
        # Two instances at least are updated in batches, one all at once.
        f"{_ROLLING}.MaximumBatchSize.Type": ("INSTANCE_COUNT", None),
        f"{_ROLLING}.MaximumBatchSize.Value": (1, None),
        f"{_ROLLING}.MaximumExecutionTimeoutInSeconds": (10_800, None),
        f"{_ROLLING}.RollbackMaximumBatchSize.Type": ("INSTANCE_COUNT", None),
        f"{_ROLLING}.RollbackMaximumBatchSize.Value": (1, None),
        f"{_ROLLING}.WaitIntervalInSeconds": (480, None),
        f"{_BLUE_GREEN}.MaximumExecutionTimeoutInSeconds": (None, 10_800),
        f"{_BLUE_GREEN}.TerminationWaitInSeconds": (None, 480),
        f"{_BLUE_GREEN}.TrafficRoutingConfiguration.Type": (None, "ALL_AT_ONCE"),
        f"{_BLUE_GREEN}.TrafficRoutingConfiguration.WaitIntervalInSeconds": (None, 0),
        "LlmScalingTarget#.Properties.MaxCapacity": (4, 2),
        "LlmScalingTarget#.Properties.MinCapacity": (2, 1),
        "LlmScalingPolicy#.Properties.TargetTrackingScalingPolicyConfiguration.TargetValue": (
            17.6,
            15.2,
        ),
        **{
            f"{_SCHEDULED}[{number}].{name}": (value, None)
            for number, (instances, time, cron) in enumerate(
                ((3, "0710", "cron(10 7 * * ? *)"), (2, "1640", "cron(40 16 * * ? *)"))
            )
            for name, value in {
                "ScalableTargetAction.MinCapacity": instances,
                "Schedule": cron,
                "ScheduledActionName": f"Minimum{time}",
                "Timezone": "Etc/UTC",
            }.items()
        },
        "LlmLogs#.Properties.RetentionInDays": _LOGS,
    },
    "Api": {
        "InvokeClientsDemoPlan#.Properties.Quota.Limit": (388_800, 93_312),
        "InvokeClientsDemoPlan#.Properties.Throttle.BurstLimit": (50, 25),
        "InvokeClientsDemoPlan#.Properties.Throttle.RateLimit": (7.57, 3.34),
        "InvokeFirewallAcl#": ("AWS::WAFv2::WebACL", None),
        "InvokeFirewallAssociation#": ("AWS::WAFv2::WebACLAssociation", None),
        "InvokeKeyAuthorizerFunction#.Properties.ReservedConcurrentExecutions": (50, 25),
        "InvokeProxyFunction#.Properties.ReservedConcurrentExecutions": (120, 70),
        "OverloadInFlight#.Properties.Threshold": (16.4, 12.2),
        "OverloadAtMaximum#.Properties.Metrics[0].Expression": (
            "IF(asked / each > 3.5, inflight, 0)",
            "IF(asked / each > 1.5, inflight, 0)",
        ),
        "OverloadAtMaximum#.Properties.Threshold": (14.2, 12.1),
        "InvokeDrainingLogs#.Properties.RetentionInDays": _LOGS,
        "InvokeKeyAuthorizerLogs#.Properties.RetentionInDays": _LOGS,
        "InvokeProxyLogs#.Properties.RetentionInDays": _LOGS,
        "InvokeRestApiAccessLogs#.Properties.RetentionInDays": _LOGS,
    },
    "Training": {
        "ReleaseLogs#.Properties.RetentionInDays": _LOGS,
        "StoreLogs#.Properties.RetentionInDays": _LOGS,
    },
}


@pytest.mark.parametrize(("environment", "stack"), _REVIEWED)
def test_template_is_as_reviewed(
    assembly: Assembly, environment: str, stack: str, pytestconfig: pytest.Config
) -> None:
    body = assembly.template(f"{environment}/{stack}").body
    check_reviewed(environment, stack, body, pytestconfig)


def test_every_stack_is_reviewed(assembly: Assembly) -> None:
    stacks = {f"{environment}/{stack}" for environment in ENVIRONMENTS for stack in _STACKS}
    assert {template.stack for template in assembly.templates()} == {*stacks, "Cpu/Weights"}


@pytest.mark.parametrize("stack", _STACKS)
def test_staging_is_prod_at_its_smallest(assembly: Assembly, stack: str) -> None:
    assert differences(assembly, stack, "Prod", "Staging") == _OF_STAGING[stack]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_bootstrap_is_as_reviewed(
    assembly: Assembly, environment: str, pytestconfig: pytest.Config
) -> None:
    """What deployments may do follows from the templates, and is reviewed with them."""
    file = ROOT / "bootstrap" / f"{environment.lower()}.json"
    written = json.dumps(template(Stage(environment, assembly.stacks(environment))), indent=1)
    if pytestconfig.getoption("--update-golden"):
        file.write_text(f"{written}\n")
    assert written.splitlines() == file.read_text().splitlines(), "see `make golden`"
