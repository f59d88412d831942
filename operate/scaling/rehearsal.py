"""The rehearsal: deploys the plan, sends the ramp, and watches what the plan's parts do."""

import asyncio
import json
import time
from contextlib import suppress
from datetime import datetime
from typing import Any

from embedded_aws import commands
from embedded_aws.core import circumstances
from embedded_aws.host import contents, home
from operate.api.deployment import Deployment, find_deployment
from operate.laptop import stage
from operate.laptop.account import local_environment
from operate.laptop.cdk_cli import only_cli
from operate.polling import polled
from operate.scaling import ramp
from operate.scaling.clients import Clients
from operate.scaling.timeline import Sample, Seen
from sagemaker_llm.sizing.schedule import minimum_at
from sagemaker_llm.sizing.sizing import Sizing
from simulation.inputs import Policy

TIME_SCALE = 20
STEPS_A_TOKEN = 100  # of a token that the stand-in sends
_SAMPLE_SECONDS = 10  # of AWS's
_SETTLED_SECONDS = 60
Json = dict[str, Any]


def deploy(sizing: Sizing) -> Deployment:
    """Deploy the plan into this process's embedded AWS, with the fleet that it begins with."""
    home.enter_environment()
    set_circumstances(sizing, ramp.midnight(), start_seconds=(0, 0))
    with only_cli() as cli, cli.synthesis(stage.STAGE) as synthesis:
        commands.start()
        local = local_environment()
        if synthesis.wait():
            raise SystemExit("the synth failed: see above")
        stage.bootstrap(cli, local, stage.policies_of_synthesized())
        stage.deploy(cli, local)
    deployment = find_deployment(local)
    _begin(sizing, deployment.sagemaker_endpoint)
    # The authorizer's first answer is kept; without it, as many would start as clients come.
    first = ramp.Request(at=0, words=10, tokens=STEPS_A_TOKEN)
    asyncio.run(Clients(deployment, TIME_SCALE, STEPS_A_TOKEN).send([first]))
    return deployment


def set_circumstances(sizing: Sizing, at: datetime, *, start_seconds: tuple[float, float]) -> None:
    """Let time fly, a stand-in answer as fast as the profile says, and the day begin."""
    service = sizing.demand.service
    settings = {
        "time_scale": TIME_SCALE,
        "clock": at.isoformat(),
        "instance_start_seconds": start_seconds,
        "service_model": {
            "step": service.step,
            "per_request": service.per_request,
            "per_word": service.per_word,
            "per_word_squared": service.per_word_squared,
            "admission_steps": service.admission_steps,
            "steps_a_token": STEPS_A_TOKEN,
        },
    }
    circumstances.FILE.parent.mkdir(parents=True, exist_ok=True)
    circumstances.FILE.write_text(json.dumps(settings))


def run(sizing: Sizing, deployment: Deployment) -> Seen:
    """Send the ramp, and return what was seen; instances take as long to start as the plan says."""
    policy = Policy()
    set_circumstances(sizing, ramp.clock(), start_seconds=(policy.start_least, policy.start_most))
    began = time.time()
    seen = asyncio.run(_run(sizing, deployment))
    seen.activities, seen.alarms = _activities(began), _alarms(began)
    return seen


async def _run(sizing: Sizing, deployment: Deployment) -> Seen:
    seen = Seen()
    clients = Clients(deployment, TIME_SCALE, STEPS_A_TOKEN)
    requests = ramp.requests(sizing.load.workload)
    sending = asyncio.create_task(clients.send(requests))
    await asyncio.sleep(0)
    while not sending.done():
        described = await asyncio.to_thread(_described, deployment.sagemaker_endpoint)
        variant = described["ProductionVariants"][0]
        counts = variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]
        seen.samples.append(Sample(clients.now, *counts, clients.in_flight))
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(sending), _SAMPLE_SECONDS / TIME_SCALE)
    seen.outcomes = await sending
    return seen


def _begin(sizing: Sizing, endpoint: str) -> None:
    """Let the day pass until the ramp begins, and wait for the fleet of that hour's minimum."""
    first = first_instances(sizing)
    for at in (ramp.midnight(), ramp.clock()):  # a deployment sets the minimum back
        set_circumstances(sizing, at, start_seconds=(0, 0))
        time.sleep(2 * _SAMPLE_SECONDS / TIME_SCALE)
    for described in polled(lambda: _described(endpoint), every=0.5, within=_SETTLED_SECONDS):
        if described["ProductionVariants"][0]["CurrentInstanceCount"] == first:
            return
    raise SystemExit(f"the endpoint must begin with {first} instances, got {described}")


def first_instances(sizing: Sizing) -> int:
    """Return the instances that the ramp begins with."""
    return minimum_at(sizing.schedule, ramp.START_MINUTE, sizing.min_instances)


def _described(endpoint: str) -> Json:
    found: Json = contents.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    return found


def _activities(began: float) -> list[str]:
    """Return what was scaled, why and when, the first first."""
    scaling = contents.client("application-autoscaling")
    found = scaling.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    return [
        f"{_minute(each['StartTime'].timestamp(), began)} {each['Description']} {each['Cause']}"
        for each in reversed(found)
        if each["StartTime"].timestamp() >= began
    ]


def _alarms(began: float) -> list[str]:
    """Return which alarms went off and on again, the first first."""
    history = contents.client("cloudwatch").describe_alarm_history(HistoryItemType="StateUpdate")
    return [
        f"{_minute(each['Timestamp'].timestamp(), began)} {each['AlarmName']}:"
        f" {each['HistorySummary']}"
        for each in reversed(history["AlarmHistoryItems"])
        if each["Timestamp"].timestamp() >= began and "INSUFFICIENT" not in each["HistorySummary"]
    ]


def _minute(at: float, began: float) -> str:
    minute = ramp.START_MINUTE + (at - began) * TIME_SCALE / 60
    return f"{int(minute // 60):02}:{int(minute % 60):02}"
