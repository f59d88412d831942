"""What the running embedded AWS holds, as any client of it sees: stacks, endpoints, log lines."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from embedded_aws.host import credentials, home

Line = tuple[int, str, str]  # milliseconds since the epoch, log group, message


@cache
def client(service: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a boto3 client of the embedded AWS, which may do anything."""
    key_id, secret = credentials.ensure(home.HOME)
    return boto3.client(
        service,
        endpoint_url=home.endpoint_url(),
        region_name=home.REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(proxies={}),  # none of the environment's: it would not reach this machine
    )


def stacks() -> list[tuple[str, str]]:
    """Return every stack that was not deleted, with its status."""
    pages = client("cloudformation").get_paginator("describe_stacks").paginate()
    return [(s["StackName"], s["StackStatus"]) for page in pages for s in page["Stacks"]]


def endpoints() -> list[tuple[str, str]]:
    """Return every endpoint, with its status."""
    pages = client("sagemaker").get_paginator("list_endpoints").paginate()
    return [(e["EndpointName"], e["EndpointStatus"]) for page in pages for e in page["Endpoints"]]


def log_lines() -> list[Line]:
    """Return the newest lines of every log stream (CloudWatch's limit: 10,000), oldest first."""
    return sorted(line for group in _names("log_groups") for line in _lines(group))


def _lines(group: str) -> Iterator[Line]:
    # not by FilterLogEvents: ministack's answers the group's oldest 10,000, and no next page
    for stream in _names("log_streams", logGroupName=group):
        found = client("logs").get_log_events(logGroupName=group, logStreamName=stream)
        for event in found["events"]:
            yield event["timestamp"], group, event["message"].rstrip()


def _names(kind: str, **request: str) -> list[str]:
    member = "logGroup" if kind == "log_groups" else "logStream"
    pages = client("logs").get_paginator(f"describe_{kind}").paginate(**request)
    return [found[f"{member}Name"] for page in pages for found in page[f"{member}s"]]
