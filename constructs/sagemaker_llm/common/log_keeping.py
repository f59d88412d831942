"""How long logs are kept, and whether they outlive their stack."""

from dataclasses import dataclass

import aws_cdk as cdk
import aws_cdk.aws_logs as logs
from constructs import Construct

from allowed_values.rules import refused
from sagemaker_llm.models.checked import Checked

from .acknowledge import acknowledge_scan


def check_removal_policy(name: str, policy: cdk.RemovalPolicy) -> None:
    """Raise ValueError for a policy that CloudFormation has not for log groups, buckets, keys."""
    if policy is cdk.RemovalPolicy.SNAPSHOT:
        raise refused(name, "RETAIN or DESTROY: there are no snapshots of these", policy)


@dataclass(frozen=True, kw_only=True)
class LogKeeping(Checked):
    """Creates log groups with one retention; CloudWatch encrypts them with its own key."""

    retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR
    removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN

    def __post_init__(self) -> None:
        super().__post_init__()
        check_removal_policy("removal_policy", self.removal_policy)

    def log_group(
        self, scope: Construct, construct_id: str, *, name: str | None = None
    ) -> logs.LogGroup:
        """Create a log group, with a name only where the service that writes it dictates one."""
        log_group = logs.LogGroup(
            scope,
            construct_id,
            log_group_name=name,
            retention=self.retention,
            removal_policy=self.removal_policy,
        )
        acknowledge_scan(
            log_group,
            "Checkov::CKV_AWS_158",
            reason="no log holds a prompt, an answer or a key, so it is encrypted by CloudWatch's"
            " key: one of ours would cost by the month, and stop the logs when it is disabled",
        )
        return log_group


KEPT_FOR_A_YEAR = LogKeeping()
