"""What the embedded AWS is killed in: a deploy, a release, a fine-tuning."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.embedded.conftest import ROOT, LocalStage

_SERVING = "Local-Serving"


def begin(operation: str, aws: LocalStage, log: Path) -> subprocess.Popen[bytes] | None:
    """Begin an operation; returns the program that makes it, if there is one."""
    match operation:
        case "deploy":
            return _program(aws.environment, log, "operate", "up")
        case "finetune":
            environment = {**aws.environment, **aws.exported()}
            return _program(environment, log, "operate", "finetune", "local")
    _release(aws)
    return None


def _program(environment: dict[str, str], log: Path, *words: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", *words],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def _release(aws: LocalStage) -> None:
    """Update the serving stack, so that a new configuration starts a new container."""
    cloudformation = aws.client("cloudformation")
    body: Any = cloudformation.get_template(StackName=_SERVING)["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    (config,) = (
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SageMaker::EndpointConfig"
    )
    (variant,) = config["ProductionVariants"]
    variant["ContainerStartupHealthCheckTimeoutInSeconds"] = 599
    (stack,) = cloudformation.describe_stacks(StackName=_SERVING)["Stacks"]
    cloudformation.update_stack(
        StackName=_SERVING,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": p["ParameterKey"], "UsePreviousValue": True}
            for p in stack.get("Parameters", [])
        ],
    )


def end(program: subprocess.Popen[bytes] | None) -> None:
    """End the program at once, as a closed terminal does."""
    if program and program.poll() is None:
        os.killpg(program.pid, 9)
    if program:
        program.wait()


def going_on(aws: LocalStage) -> str:
    """What changes at this moment."""
    stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
    sagemaker = aws.client("sagemaker")
    endpoints = sagemaker.list_endpoints()["Endpoints"]
    jobs = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    jobs += sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    named = [
        *((s["StackName"], s["StackStatus"]) for s in stacks),
        *(("endpoint", e["EndpointStatus"]) for e in endpoints),
        *(
            (kind, job[f"{kind}JobStatus"])
            for job in jobs
            for kind in ("Training", "Processing")
            if f"{kind}JobStatus" in job
        ),
    ]
    steady = ("COMPLETE", "InService", "Completed", "Failed", "Stopped")
    return ", ".join(f"{name} {status}" for name, status in named if not status.endswith(steady))
