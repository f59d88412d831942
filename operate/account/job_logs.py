"""How long the account keeps the logs that services write for all of its projects.

SageMaker makes two log groups for all jobs of an account and region, API Gateway one for a line
that it writes when the account's role is set, and both keep them for ever. No stack can own them:
they may be there already, with the logs of other projects. So a person decides.
"""

from botocore.exceptions import BotoCoreError, ClientError

from operate.environment import Client

GROUPS = (
    "/aws/apigateway/welcome",
    "/aws/sagemaker/ProcessingJobs",
    "/aws/sagemaker/TrainingJobs",
)


def keep_job_logs(logs: Client, days: int) -> None:
    """Keep the account's own logs for so many days; raises SystemExit."""
    for group in GROUPS:
        try:
            _limit(logs, group, days)
        except (BotoCoreError, ClientError) as error:
            raise SystemExit(f"{group} cannot be limited to {days} days: {error}") from error
        print(f"{group} keeps its logs for {days} days")


def _limit(logs: Client, group: str, days: int) -> None:
    try:
        logs.create_log_group(logGroupName=group)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
    logs.put_retention_policy(logGroupName=group, retentionInDays=days)
