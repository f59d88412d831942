"""Scheduled actions: a target's bounds change at a time of each day, by this machine's clock.

An action's start and end bound the days on which it is due.
"""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from embedded_aws.core.emulator import Json, arn, scope
from embedded_aws.core.rpc import invalid, now
from embedded_aws.sagemaker.hosting.scalable import scheduled, targets

_EVERY_DAY = re.compile(r"cron\((\d{1,2}) (\d{1,2}) \* \* \? \*\)")
_MAX_ACTIONS = 200  # of a target
_CAPACITIES = ("MinCapacity", "MaxCapacity")
_BOUNDS = ("StartTime", "EndTime")


def put(target_key: str, request: Json) -> Json:
    """Add an action to a target, or change it."""
    if target_key not in targets:
        raise invalid(f"no scalable target {target_key}: register it before its scheduled actions")
    key = f"{target_key}|{request['ScheduledActionName']}"
    kept = {k: v for k, v in scheduled.get(key, {}).items() if k not in _BOUNDS}
    given = {**kept, **request, **{k: _seconds(request[k]) for k in _BOUNDS if k in request}}
    _check(given)
    of_target = [each for each in scheduled if each.startswith(f"{target_key}|")]
    if key not in scheduled and len(of_target) >= _MAX_ACTIONS:
        raise invalid(f"a scalable target has at most {_MAX_ACTIONS} scheduled actions")
    action_arn = arn("autoscaling", f"scheduledAction:{key}")
    scheduled[key] = {"CreationTime": now(), **given, "ScheduledActionARN": action_arn}
    return {}


def delete(target_key: str, request: Json) -> Json:
    """Delete an action."""
    if scheduled.pop(f"{target_key}|{request['ScheduledActionName']}", None) is None:
        raise invalid(f"no scheduled action {request['ScheduledActionName']}")
    return {}


def run_between(before: datetime, until: datetime) -> None:
    """Do what was due after one time and not after the other; times are aware."""
    due = []
    for key, action in scheduled.all_items():
        start, end = _bounds(action)
        at = _last(action, min(until, end))
        if at > before and at >= start:
            due.append((at, key, action))
    for _, (account, region, key), action in sorted(due, key=lambda each: each[0]):
        with scope(account, region):
            target_key = key.rpartition("|")[0]
            targets[target_key] = {**targets[target_key], **action["ScalableTargetAction"]}


def _check(action: Json) -> None:
    found = _EVERY_DAY.fullmatch(action.get("Schedule", ""))
    if not found or int(found[1]) > 59 or int(found[2]) > 23:  # noqa: PLR2004 - of a clock
        raise invalid(
            "the embedded AWS runs schedules like cron(30 7 * * ? *) only,"
            f" got {action.get('Schedule')}"
        )
    if not set(_CAPACITIES) & action.get("ScalableTargetAction", {}).keys():
        raise invalid("ScalableTargetAction must have a MinCapacity or a MaxCapacity")
    start, end = _bounds(action)
    if end <= start:
        raise invalid(f"EndTime must be after StartTime, got {end} and {start}")
    try:
        ZoneInfo(action.get("Timezone", "Etc/UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        raise invalid(f"invalid timezone: {action['Timezone']}") from None


def _bounds(action: Json) -> tuple[datetime, datetime]:
    """Return the first and the last time at which an action may be due."""
    start, end = (action.get(name) for name in _BOUNDS)
    return (
        datetime.min.replace(tzinfo=UTC) if start is None else datetime.fromtimestamp(start, UTC),
        datetime.max.replace(tzinfo=UTC) if end is None else datetime.fromtimestamp(end, UTC),
    )


def _seconds(given: str | float) -> float:
    """Return a time as AWS JSON carries it; templates have it in words, in UTC."""
    if not isinstance(given, str):
        return given
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise invalid(f"times must be like 2026-11-27T07:30:00Z, got {given}") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _last(action: Json, until: datetime) -> datetime:
    """Return the last time before or at another at which an action is due."""
    found = _EVERY_DAY.fullmatch(action["Schedule"])
    assert found  # noqa: S101 - it was checked when it was put
    local = until.astimezone(ZoneInfo(action.get("Timezone", "Etc/UTC")))
    at = local.replace(minute=int(found[1]), hour=int(found[2]), second=0, microsecond=0)
    return at if at <= local else at - timedelta(days=1)
