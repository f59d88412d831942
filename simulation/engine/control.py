"""AWS's control loop: CloudWatch's datapoints, target tracking's alarms, and what they decide.

A high-resolution datapoint comes every 10 seconds, and three scale out; fifteen of a minute below
nine tenths of the target scale in. An endpoint that is updating refuses every change.
"""

import math
from typing import NamedTuple

import numpy as np

from simulation.engine.compiled import compiled
from simulation.engine.inputs import Floats, Policy

TICK_SECONDS = 10
TICK = 1000.0 * TICK_SECONDS
_MINUTE_TICKS = 6
_IN_MINUTES = 15
_IN_SHARE = 0.9
_OUT, _IN, _UPDATING = 0, 1, 2


class Control(NamedTuple):
    """Datapoints, newest last, and until when nothing may change."""

    concurrent: Floats  # each 10 seconds
    concurrent_minutes: Floats
    invocations: Floats  # each minute, of an instance
    gathered: Floats  # of this minute: greatest concurrency, invocations
    free_from: Floats  # scaling out, scaling in, an update that removes instances


@compiled
def new_control() -> Control:
    """Return a loop that has seen nothing."""
    minutes = _IN_MINUTES + 1
    return Control(np.zeros(4), np.zeros(minutes), np.zeros(minutes), np.zeros(2), np.zeros(3))


@compiled
def observe(control: Control, tick: int, active: int, busiest: float, arrived: float) -> None:
    """Note a datapoint; `arrived` counts since the last one."""
    control.concurrent[:-1] = control.concurrent[1:].copy()
    control.concurrent[-1] = busiest
    control.gathered[0] = max(control.gathered[0], busiest)
    control.gathered[1] += arrived
    if tick % _MINUTE_TICKS == _MINUTE_TICKS - 1:
        control.concurrent_minutes[:-1] = control.concurrent_minutes[1:].copy()
        control.concurrent_minutes[-1] = control.gathered[0]
        control.invocations[:-1] = control.invocations[1:].copy()
        control.invocations[-1] = control.gathered[1] / max(active, 1)
        control.gathered[:] = 0.0


@compiled
def wanted_out(control: Control, active: int, policy: Policy) -> int:
    """Return the instances that the alarms of scaling out ask for; alarms are one period late."""
    wanted, recent, minutes = 0, control.concurrent, control.invocations
    if 0 < policy.target_concurrent < min(recent[-2], recent[-3], recent[-4]):
        wanted = math.ceil(active * recent[-2] / policy.target_concurrent - 1e-9)
    if 0 < policy.target_per_minute < min(minutes[-2], minutes[-3], minutes[-4]):
        more = math.ceil(active * minutes[-2] / policy.target_per_minute - 1e-9)
        wanted = max(wanted, more)
    return wanted


@compiled
def wanted_in(control: Control, active: int, current: int, policy: Policy) -> int:
    """Return the instances to keep: all policies must agree, and none may pass its target."""
    keep = 0
    if policy.target_concurrent > 0:
        seen = control.concurrent_minutes
        if seen[:_IN_MINUTES].max() >= _IN_SHARE * policy.target_concurrent:
            return current
        keep = math.ceil(active * seen[_IN_MINUTES - 1] / policy.target_concurrent - 1e-9)
    if policy.target_per_minute > 0:
        seen = control.invocations
        if seen[:_IN_MINUTES].max() >= _IN_SHARE * policy.target_per_minute:
            return current
        more = math.ceil(active * seen[_IN_MINUTES - 1] / policy.target_per_minute - 1e-9)
        keep = max(keep, more)
    return keep if keep > 0 else current


@compiled
def decide(
    control: Control, tick: int, active: int, starting: int, minimum: float, policy: Policy
) -> int:
    """Return the instances that scaling asks for now."""
    current, now = active + starting, tick * TICK
    if starting > 0 or now < control.free_from[_UPDATING]:
        return current
    wanted = current
    if now >= control.free_from[_OUT]:
        wanted = max(wanted, wanted_out(control, active, policy))
    wanted = min(max(wanted, int(minimum)), int(policy.maximum))
    if wanted > current:
        return wanted
    first = _MINUTE_TICKS * (_IN_MINUTES + 2)
    if now < control.free_from[_IN] or tick % _MINUTE_TICKS != _MINUTE_TICKS - 1 or tick < first:
        return current
    return min(max(wanted_in(control, active, current, policy), int(minimum)), current)


@compiled
def scaled_out(control: Control, ready: float, policy: Policy) -> None:
    """Note that instances start, the last of which is ready then."""
    control.free_from[_OUT] = ready + 1000.0 * policy.scale_out_cooldown
    control.free_from[_IN] = max(control.free_from[_IN], ready)


@compiled
def scaled_in(control: Control, now: float, policy: Policy) -> None:
    """Note that instances go, which takes a minute."""
    control.free_from[_UPDATING] = now + 60000.0
    control.free_from[_IN] = now + 60000.0 + 1000.0 * policy.scale_in_cooldown
