"""What is deployed, as CI sees it: its alarms, its drift and its cost."""

from collections.abc import Callable, Iterator

from operate.account.leftovers import standing
from operate.cdk_cli import cdk
from operate.environment import Environment
from operate.laptop.cdk_cli import cdk_of
from operate.polling import polled

_ALARM = "AWS::CloudWatch::Alarm"
_POLL_SECONDS, _MIN_LOOKS = 30, 10
_AT_ONCE = 100  # the alarms of one call


def watch(environment: Environment, minutes: float, every: float = _POLL_SECONDS) -> None:
    """Look at the alarms for a while; raises SystemExit as soon as one of them rings."""
    names = list(_alarms(environment))
    if not names:
        raise SystemExit(f"{environment.name} has no alarm: deploy it first")
    print(f"watching for {minutes:g} minutes: {', '.join(names)}", flush=True)
    seconds = 60 * minutes
    every = min(every, seconds / _MIN_LOOKS)
    for ringing in polled(lambda: _ringing(environment, names), every=every, within=seconds):
        if ringing:
            raise SystemExit(f"{environment.name} is in alarm: {'; '.join(ringing)}")
    print("no alarm rang")


def _alarms(environment: Environment) -> Iterator[str]:
    pages = environment.client("cloudformation").get_paginator("list_stack_resources")
    for stack in standing(environment):
        for page in pages.paginate(StackName=stack):
            for resource in page["StackResourceSummaries"]:
                if resource["ResourceType"] == _ALARM:
                    yield resource["PhysicalResourceId"]


def _ringing(environment: Environment, names: list[str]) -> list[str]:
    cloudwatch = environment.client("cloudwatch")
    return [
        f"{alarm['AlarmName']}, {alarm['StateReason']}"
        for first in range(0, len(names), _AT_ONCE)
        for alarm in cloudwatch.describe_alarms(AlarmNames=names[first : first + _AT_ONCE])[
            "MetricAlarms"
        ]
        if alarm["StateValue"] == "ALARM"
    ]


def stack_drift(environment: Environment, cdk: Callable[..., None] = cdk) -> None:
    """Let CloudFormation compare its stacks with what is there; raises SystemExit if it differs."""
    words = ("drift", f"{environment.name.capitalize()}/*", "--fail")
    context = ("--context", f"environments={environment.name}")
    with cdk_of(environment, cdk) as run:
        run(*words, *context)


def deployed_cost(environment: Environment) -> None:
    """Print what the deployed stacks cost a month before the first request comes."""
    from operate.delivery.report.costs import month  # noqa: PLC0415 - prices load the CDK

    cloudformation = environment.client("cloudformation")
    templates = [
        cloudformation.get_template(StackName=stack)["TemplateBody"]
        for stack in standing(environment)
    ]
    least, most, unknown = month(templates)
    cost = f"{least:,.2f} USD" if least == most else f"{least:,.2f} to {most:,.2f} USD"
    if environment.name == "local":
        print(f"local costs nothing on this machine; on AWS it would be {cost} a month")
    else:
        print(f"{environment.name}: {cost} a month, and what requests cost")
    if unknown:
        raise SystemExit(f"without {', '.join(unknown)}: add their prices to sizing/prices.py")
