"""Fine-tuning of an environment's model on data from this machine, up to its first answer."""

import json
import time
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from operate.api.answers import AnswerError, Request, connect, print_answer
from operate.api.deployment import find_deployment
from operate.api.keys import client_names
from operate.environment import Client, Environment
from operate.failures import watching
from operate.releases.origins import origin
from operate.tuning.base_model import ensure_base_model
from operate.tuning.datasets import Data, read_data, upload
from operate.tuning.executions import follow, steps
from operate.tuning.parameters import (
    check_lengths,
    check_values,
    declared_parameters,
    job_arguments,
    pipeline_definition,
    registered_image,
)

_EXAMPLES = Path(__file__).parents[2] / "examples"
_MODES = {"instruction": "True", "domain": "False"}
_ANSWER_TOKENS = 64

_CUT_OFF = ("Failed", "Stopped")
# A day of training may have ended it, or two days of waiting for spot instances.
_RESUMES = (
    "\nthe same command resumes the training from its newest checkpoint; if the job ended with"
    " MaxWaitTimeExceeded, AWS had no spot instances: retry later, or deploy managed_spot=False"
)

# Values that no model can reach: the gate refuses whatever is trained.
_FAILURES = {"gate": {"MinLossReduction": "0.99"}}


def finetune(
    environment: Environment,
    *,
    data: Path | None,
    mode: str,
    fail: str | None,
    values: Collection[tuple[str, str]] = (),
    watch: str = "",
) -> None:
    """Run the pipeline to its end and ask the tuned model; raises SystemExit if there is none.

    With the ARN of an execution in `watch`, follow that one instead of starting another.
    """
    began = time.monotonic()
    folder = data or _EXAMPLES / mode
    if watch:
        if values or fail:
            raise SystemExit("SET and FAIL are for a new execution: leave them out with WATCH")
        execution_arn, found = watch, read_data(folder, [f"--mode={mode}"])
    else:
        execution_arn, found = _start(environment, folder, mode, fail, dict(values))
    _wait(environment, execution_arn)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"took {minutes} min {seconds} s")
    if is_released(environment, execution_arn):
        _ask(environment, found.first_request)


def _start(
    environment: Environment, folder: Path, mode: str, fail: str | None, values: Mapping[str, str]
) -> tuple[str, Data]:
    """Check all that the pipeline takes, upload the data, and start; return the execution's ARN."""
    sagemaker, s3 = environment.client("sagemaker"), environment.client("s3")
    found = environment.outputs("Training")
    pipeline, bucket = found["PipelineName"], found["DataBucketName"]
    definition = pipeline_definition(sagemaker, pipeline)
    _check_server(environment, definition)
    declared = declared_parameters(definition)
    check_values(values, declared)
    parameters = {
        "Mode": mode,
        "instruction_tuned": _MODES[mode],
        **(_FAILURES[fail] if fail else {}),
        **values,
    }
    data = read_data(folder, job_arguments(definition, parameters))
    parameters = {"InputDataUri": data.uri(bucket), **parameters}
    check_lengths(parameters)
    upload(s3, data, bucket)
    ensure_base_model(s3, declared, bucket)
    answer = sagemaker.start_pipeline_execution(
        PipelineName=pipeline,
        PipelineParameters=[{"Name": k, "Value": v} for k, v in parameters.items()],
        ClientRequestToken=uuid.uuid4().hex,
    )
    return str(answer["PipelineExecutionArn"]), data


def _check_server(environment: Environment, definition: dict[str, Any]) -> None:
    """Raise SystemExit where the endpoint's server is not the one that the pipeline tunes for."""
    served = environment.outputs("Serving")["ServingImageTag"].partition(":")[0]
    tuned_for = registered_image(definition)
    if tuned_for != served:
        raise SystemExit(
            f"the pipeline of {environment.name} tunes models for {tuned_for}, but the endpoint"
            f" runs {served}: deploy the Training stack again or, if `make up` serves a MODEL of"
            " your own, run `make up` without it"
        )


def _wait(environment: Environment, execution_arn: str) -> None:
    """Show an execution to its end; raise SystemExit if it failed."""
    print(f"execution {execution_arn}")
    rejoin = f"`make finetune ENV={environment.name} WATCH={execution_arn}` goes on watching"
    sagemaker = environment.client("sagemaker")
    with watching("the execution", rejoin):
        execution = follow(sagemaker, execution_arn)
        cut_off = any(
            step["StepName"] == "FineTune" and step["StepStatus"] in _CUT_OFF
            for step in steps(sagemaker, execution_arn)
        )
    status = execution["PipelineExecutionStatus"]
    if status != "Succeeded":
        reason = execution.get("FailureReason", "no reason was given")
        raise SystemExit(f"{status}: {reason}{_RESUMES if cut_off else ''}")


def is_released(environment: Environment, execution_arn: str) -> bool:
    """Print what became of the model; return whether it is served, or waits for approval."""
    sagemaker = environment.client("sagemaker")
    made = {step["StepName"]: step.get("Metadata", {}) for step in steps(sagemaker, execution_arn)}
    package_arn = made["Register"]["RegisterModel"]["Arn"]
    package = sagemaker.describe_model_package(ModelPackageName=package_arn)
    for name, metric in _metrics(environment.client("s3"), package).items():
        print(f"{name:<26} {metric['value']:.4g}")
    if package["ModelApprovalStatus"] == "Approved":
        print(f"{environment.name} serves {package_arn}")
        return True
    for line in origin(sagemaker, package):
        print(line)
    print(
        f"{package_arn} is {package['ModelApprovalStatus']}: read its report"
        f" {package['CustomerMetadataProperties']['report']}; somebody who may approve it, and did"
        " not start it, releases it with\n"
        f"aws sagemaker update-model-package --model-package-arn {package_arn}"
        " --model-approval-status Approved"
    )
    return False


def _metrics(s3: Client, package: dict[str, Any]) -> dict[str, dict[str, float]]:
    place = urlsplit(package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"])
    body = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
    metrics: dict[str, dict[str, float]] = json.loads(body)["text_generation_metrics"]
    return metrics


def _ask(environment: Environment, request: Request) -> None:
    print(f"asking for the first example: {json.dumps(request, ensure_ascii=False)}")
    if not client_names(environment):
        url = environment.outputs("Api")["ApiUrl"]
        print(f"{url} takes signed requests: ask it with your own credentials")
        return
    deployment = find_deployment(environment)
    asked = {"model": deployment.model, "max_tokens": _ANSWER_TOKENS, **request}
    try:
        print_answer(connect(deployment), asked)
    except AnswerError as error:
        raise SystemExit(str(error)) from error
