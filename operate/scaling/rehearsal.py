"""The rehearsal: deploys the plan, sends the ramp, and watches what the plan's parts do."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
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
from simulation.engine.inputs import Policy

_STEPS_A_TOKEN = 100  # of a token that the stand-in sends
_SAMPLE_SECONDS = 10  # of AWS's
_SETTLED_SECONDS = 60
Json = dict[str, Any]


@dataclass(frozen=True)
class Rehearsal:
    """A plan, and how many seconds of AWS's pass in one."""

    sizing: Sizing
    time_scale: int

    def deploy(self) -> Deployment:
        """Deploy the plan into this process's embedded AWS, with the fleet that it begins with."""
        home.enter_environment()
        self._set(ramp.midnight())
        with only_cli() as cli, cli.synthesis(stage.STAGE) as synthesis:
            commands.start()
            local = local_environment()
            if synthesis.wait():
                raise SystemExit("the synth failed: see above")
            stage.bootstrap(cli, local, stage.policies_of_synthesized())
            stage.deploy(cli, local)
        deployment = find_deployment(local)
        self._begin(deployment.sagemaker_endpoint)
        # The authorizer's first answer is kept; without it, as many would start as clients come.
        first = ramp.Request(at=0, words=10, tokens=_STEPS_A_TOKEN)
        asyncio.run(self._clients(deployment).send([first]))
        return deployment

    def run(self, deployment: Deployment) -> Seen:
        """Send the ramp, and return what was seen; instances take as long to start as on AWS."""
        policy = Policy()
        self._set(ramp.clock(), start_seconds=(policy.start_least, policy.start_most))
        began = time.time()
        seen = asyncio.run(self._send(deployment))
        seen.activities = _activities(began, self.time_scale)
        seen.alarms = _alarms(began, self.time_scale)
        return seen

    async def _send(self, deployment: Deployment) -> Seen:
        seen, clients = Seen(), self._clients(deployment)
        sending = asyncio.create_task(clients.send(ramp.requests(self.sizing.load.workload)))
        await asyncio.sleep(0)
        while not sending.done():
            described = await asyncio.to_thread(_described, deployment.sagemaker_endpoint)
            variant = described["ProductionVariants"][0]
            counts = variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]
            seen.samples.append(Sample(clients.now, *counts, clients.in_flight))
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(sending), _SAMPLE_SECONDS / self.time_scale)
        seen.outcomes = await sending
        return seen

    def _clients(self, deployment: Deployment) -> Clients:
        return Clients(deployment, self.time_scale, _STEPS_A_TOKEN)

    def _begin(self, endpoint: str) -> None:
        """Let the day pass until the ramp begins, and wait for the fleet of that hour's minimum.

        Then time hardly passes: the ramp must not begin after the next scheduled minimum.
        """
        first = first_instances(self.sizing)
        for at in (ramp.midnight(), ramp.clock()):  # a deployment sets the minimum back
            self._set(at)
            time.sleep(2 * _SAMPLE_SECONDS / self.time_scale)
        for described in polled(lambda: _described(endpoint), every=0.5, within=_SETTLED_SECONDS):
            if described["ProductionVariants"][0]["CurrentInstanceCount"] == first:
                self._set(ramp.clock(), time_scale=1)
                return
        raise SystemExit(f"the endpoint must begin with {first} instances, got {described}")

    def _set(
        self,
        at: datetime,
        *,
        start_seconds: tuple[float, float] = (0, 0),
        time_scale: int | None = None,
    ) -> None:
        """Let time fly, a stand-in answer as fast as the profile says, and the day begin."""
        service = self.sizing.demand.service
        settings = {
            "time_scale": time_scale or self.time_scale,
            "clock": at.isoformat(),
            "instance_start_seconds": start_seconds,
            "service_model": {
                "step": service.step,
                "per_request": service.per_request,
                "per_word": service.per_word,
                "per_word_squared": service.per_word_squared,
                "admission_steps": service.admission_steps,
                "steps_a_token": _STEPS_A_TOKEN,
            },
        }
        circumstances.FILE.parent.mkdir(parents=True, exist_ok=True)
        circumstances.write(circumstances.FILE, settings)


def first_instances(sizing: Sizing) -> int:
    """Return the instances that the ramp begins with."""
    return minimum_at(sizing.schedule, ramp.START_MINUTE, sizing.min_instances)


def _described(endpoint: str) -> Json:
    found: Json = contents.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    return found


def _activities(began: float, time_scale: float) -> list[str]:
    """Return what was scaled, why and when, oldest first."""
    scaling = contents.client("application-autoscaling")
    found = scaling.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    return [
        f"{_time(each['StartTime'], began, time_scale)} {each['Description']} {each['Cause']}"
        for each in reversed(found)
        if each["StartTime"].timestamp() >= began
    ]


def _alarms(began: float, time_scale: float) -> list[str]:
    """Return which alarms rang and ended, oldest first."""
    history = contents.client("cloudwatch").describe_alarm_history(HistoryItemType="StateUpdate")
    return [
        f"{_time(each['Timestamp'], began, time_scale)} {each['AlarmName']}:"
        f" {each['HistorySummary']}"
        for each in reversed(history["AlarmHistoryItems"])
        if each["Timestamp"].timestamp() >= began and "INSUFFICIENT" not in each["HistorySummary"]
    ]


def _time(at: datetime, began: float, time_scale: float) -> str:
    return ramp.named((at.timestamp() - began) * time_scale / 60)
