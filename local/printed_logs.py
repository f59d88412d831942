"""What the functions, the endpoints and the jobs printed, as CloudWatch Logs has it."""

from collections.abc import Iterator
from typing import Any

Line = tuple[int, str, str]  # milliseconds since the epoch, log group, message


def lines(logs: Any) -> list[Line]:  # noqa: ANN401 - boto3 has no types
    """The newest lines of every log stream (CloudWatch's limit: 10,000), oldest first."""
    return sorted(line for group in _names(logs, "log_groups") for line in _lines(logs, group))


def _lines(logs: Any, group: str) -> Iterator[Line]:  # noqa: ANN401 - likewise
    # not by FilterLogEvents: ministack's answers the group's oldest 10,000, and no next page
    for stream in _names(logs, "log_streams", logGroupName=group):
        found = logs.get_log_events(logGroupName=group, logStreamName=stream)
        for event in found["events"]:
            yield event["timestamp"], group, event["message"].rstrip()


def _names(logs: Any, kind: str, **request: str) -> list[str]:  # noqa: ANN401 - likewise
    member = "logGroup" if kind == "log_groups" else "logStream"
    pages = logs.get_paginator(f"describe_{kind}").paginate(**request)
    return [found[f"{member}Name"] for page in pages for found in page[f"{member}s"]]
