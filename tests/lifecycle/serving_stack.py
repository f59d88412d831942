"""Updates of the serving stack by their templates, and the alarms that undo them."""

import json
from pathlib import Path
from typing import Any

from embedded_aws.tests.account import settled, until
from tests.embedded.conftest import LocalStage

Json = dict[str, Any]
STACK = "Local-Serving"
SETTLED_SECONDS = 300


def template(aws: LocalStage) -> Json:
    """What is deployed."""
    found: Json = aws.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    return found


def properties(of: Json) -> list[Json]:
    """The properties of each of a template's resources."""
    return [resource["Properties"] for resource in of["Resources"].values()]


def begin_update(aws: LocalStage, body: Json, unguarded: str = "") -> None:
    """Update the stack behind the caller's back."""
    aws.client("cloudformation").update_stack(
        StackName=STACK,
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": "Unguarded", "ParameterValue": unguarded}],
        Capabilities=["CAPABILITY_IAM"],
    )


def ended(aws: LocalStage) -> str:
    """The status that the update ends with."""
    return str(settled(aws.client("cloudformation"), STACK)["StackStatus"])


def update(aws: LocalStage, body: Json, unguarded: str = "") -> str:
    """Update the stack; returns the status that it ends with."""
    begin_update(aws, body, unguarded)
    return ended(aws)


def failure(aws: LocalStage) -> str:
    """Why the newest update failed."""
    events = aws.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    reasons = (e["ResourceStatusReason"] for e in events if e["ResourceStatus"] == "UPDATE_FAILED")
    return str(next(reasons))


def alarming(aws: LocalStage) -> list[Json]:
    """The stack's alarms that ring."""
    found = aws.client("cloudwatch").describe_alarms(StateValue="ALARM", AlarmNamePrefix=STACK)
    alarms: list[Json] = found["MetricAlarms"]
    return alarms


def wait_for_silence(aws: LocalStage) -> None:
    """Wait until no alarm rings: it would undo the next update too."""
    until(lambda: not alarming(aws), SETTLED_SECONDS)


def went_off(aws: LocalStage, alarm: str) -> bool:
    """Whether an alarm has rung."""
    items = aws.client("cloudwatch").describe_alarm_history(HistoryItemType="StateUpdate")
    return any(
        alarm in item["AlarmName"] and item["HistorySummary"] == "Alarm updated from OK to ALARM"
        for item in items["AlarmHistoryItems"]
    )


def upload(aws: LocalStage, folder: Path, bucket: str, prefix: str) -> None:
    """Put a folder's files under a prefix."""
    for file in folder.rglob("*.*"):
        aws.client("s3").upload_file(str(file), bucket, f"{prefix}{file.relative_to(folder)}")
