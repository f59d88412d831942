"""Log groups that services made themselves: of no stack, and with lines that never expire."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from operate.account.job_logs import GROUPS
from operate.environment import Client

_ENDPOINTS = "/aws/sagemaker/Endpoints/"
_STACK_PART = 8  # Characters of a stack's id, which its endpoint's name ends with.


class LogGroup(NamedTuple):
    """A group, and how much is in it."""

    name: str
    stored_bytes: int


def of_endpoints(logs: Client, stack_ids: Iterable[str]) -> Iterator[str]:
    """Yield the groups of endpoints of these stacks: SageMaker makes one again that was deleted."""
    ends = tuple(f"-{stack_id.rpartition('/')[2][:_STACK_PART]}" for stack_id in stack_ids)
    yield from (group.name for group in _groups(logs, _ENDPOINTS) if group.name.endswith(ends))


def of_the_account(logs: Client) -> list[LogGroup]:
    """Return the groups that hold the lines of all projects in the account."""
    found = (
        group
        for prefix in ("/aws/apigateway/", "/aws/sagemaker/")
        for group in _groups(logs, prefix)
    )
    return sorted(group for group in found if group.name in GROUPS)


def _groups(logs: Client, prefix: str) -> Iterator[LogGroup]:
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
        for group in page["logGroups"]:
            yield LogGroup(group["logGroupName"], group.get("storedBytes", 0))
