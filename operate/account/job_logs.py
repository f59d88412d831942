"""How long the logs of SageMaker's jobs are kept.

SageMaker makes two log groups for all jobs of an account and region, and keeps them for ever. No
stack can own them: they may be there already, with the logs of other projects. So a person decides.
"""

from botocore.exceptions import BotoCoreError, ClientError

from operate.environment import Client

GROUPS = ("/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs")


def keep_job_logs(logs: Client, days: int) -> None:
    """Keep the account's job logs for so many days; raises SystemExit."""
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
