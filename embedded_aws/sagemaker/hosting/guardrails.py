"""Deployment guardrails: how an update shifts the traffic to its new fleet, and what stops it."""

import math
import time
from typing import NamedTuple

from embedded_aws.core import circumstances, clients
from embedded_aws.core.emulator import Json, arn
from embedded_aws.core.rpc import invalid
from embedded_aws.iam.permissions import role_may

_POLL_SECONDS = 0.05
# The bounds of a policy's sizes, in percent of the fleet's capacity.
_BOUNDS = {"CanarySize": (1, 50), "LinearStepSize": (10, 50), "MaximumBatchSize": (5, 50)}
_PERCENT = "CAPACITY_PERCENT"  # other sizes are counts, of instances or of copies


class RollbackError(Exception):
    """Why an update is rolled back."""


class Plan(NamedTuple):
    """The new fleet's share of the traffic, step by step; a rolling update replaces a `batch`."""

    shares: tuple[float, ...] = (1.0,)
    wait_seconds: int = 0
    termination_wait_seconds: int = 0
    alarms: tuple[str, ...] = ()
    batch: int | None = None  # all at once, beside the old fleet


def check(config: Json, capacity: int) -> None:
    """Raise ServiceError for a deployment configuration that SageMaker would refuse.

    `capacity` is the number of the instances, or of the copies of an inference component.
    """
    if {"BlueGreenUpdatePolicy", "RollingUpdatePolicy"} <= config.keys():
        raise invalid("specify a BlueGreenUpdatePolicy or a RollingUpdatePolicy, got both")
    for name, size in _sizes(config).items():
        low, high = _BOUNDS[name]
        is_share = size["Type"] == _PERCENT
        percent = size["Value"] if is_share else math.ceil(100 * size["Value"] / max(capacity, 1))
        if (is_share or capacity > 1) and not low <= percent <= high:
            of = "" if is_share else f" of {capacity}"
            raise invalid(f"{name} must be {low} to {high} percent{of}, got {size['Value']}")
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    needed = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}.get(routing.get("Type"))
    if needed and needed not in routing:
        raise invalid(f"specify {needed} with the traffic routing type {routing['Type']}")


def _sizes(config: Json) -> Json:
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    given = {**routing, **config.get("RollingUpdatePolicy", {})}
    return {name: given[name] for name in _BOUNDS if name in given}


def plan(config: Json, instances: int) -> Plan:
    """Return how an update goes; what does not qualify goes all at once, without baking.

    Unverified: that SageMaker also ignores the alarms of an update that does not qualify; look at
    LastDeploymentConfig of `aws sagemaker describe-endpoint` after an update of one instance.
    """
    names = (a["AlarmName"] for a in config.get("AutoRollbackConfiguration", {}).get("Alarms", []))
    if rolling := config.get("RollingUpdatePolicy"):
        if instances == 1:
            return Plan()
        batch = _count(rolling["MaximumBatchSize"], instances)
        return Plan(_steps(batch, instances), rolling["WaitIntervalInSeconds"], 0, (*names,), batch)
    policy = config.get("BlueGreenUpdatePolicy", {})
    routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE"})
    if routing["Type"] != "ALL_AT_ONCE" and instances == 1:
        return Plan()
    shares: tuple[float, ...] = (1.0,)
    if routing["Type"] == "CANARY":
        shares = (_count(routing["CanarySize"], instances) / instances, 1.0)
    elif routing["Type"] == "LINEAR":
        shares = _steps(_count(routing["LinearStepSize"], instances), instances)
    wait = routing.get("WaitIntervalInSeconds", 0)
    return Plan(shares, wait, policy.get("TerminationWaitInSeconds", 0), (*names,))


def _count(size: Json, of: int) -> int:
    wanted: int = size["Value"]
    count = math.ceil(of * wanted / 100) if size["Type"] == _PERCENT else wanted
    return min(max(count, 1), of)


def _steps(step: int, of: int) -> tuple[float, ...]:
    return (*(done / of for done in range(step, of, step)), 1.0)


def bake(seconds: float, alarms: tuple[str, ...], role_arn: str) -> None:
    """Let time pass while the alarms are watched; raises RollbackError when one rings.

    The circumstances may change meanwhile, and the pace of the time with them.
    """
    began = time.monotonic()
    while True:
        _check_alarms(alarms, role_arn)
        left = began + circumstances.accelerated(seconds) - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, _POLL_SECONDS))


def _check_alarms(names: tuple[str, ...], role_arn: str) -> None:
    if not names:
        return
    for name in names:
        if not role_may(role_arn, "cloudwatch:DescribeAlarms", arn("cloudwatch", f"alarm:{name}")):
            raise RollbackError(f"{role_arn} may not cloudwatch:DescribeAlarms on alarm {name}")
    answer = clients.client("cloudwatch").describe_alarms(AlarmNames=list(names))
    found = {a["AlarmName"]: a["StateValue"] for a in answer["MetricAlarms"]}
    found |= {a["AlarmName"]: a["StateValue"] for a in answer.get("CompositeAlarms", [])}
    for name in names:
        if name not in found:
            raise RollbackError(f"the alarm {name} does not exist")
        if found[name] == "ALARM":
            raise RollbackError(f"the alarm {name} is in the state ALARM")
