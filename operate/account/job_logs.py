"""Retention of the logs that services write for all projects of an account.

SageMaker creates two log groups for all jobs of an account and region, API Gateway one for a line
that it writes when the account's role is set; both keep their logs for ever. No stack can own the
groups, because they may already hold other projects' logs: a person decides.
"""

from botocore.exceptions import ClientError

from operate.environment import Client, Environment

GROUPS = (
    "/aws/apigateway/welcome",
    "/aws/sagemaker/ProcessingJobs",
    "/aws/sagemaker/TrainingJobs",
)


def keep_job_logs(environment: Environment, days: int) -> None:
    """Set how many days the account keeps its own logs; raises SystemExit."""
    for group in GROUPS:
        try:
            _limit(environment.client("logs"), group, days)
        except ClientError as error:
            raise SystemExit(f"the retention of {group} cannot be {days} days: {error}") from error
        print(f"{group} keeps its logs for {days} days")


def _limit(logs: Client, group: str, days: int) -> None:
    try:
        logs.create_log_group(logGroupName=group)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
    logs.put_retention_policy(logGroupName=group, retentionInDays=days)
