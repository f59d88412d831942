"""What each type of a pipeline's steps does, with the permissions of the pipeline's role."""

import json
import queue
import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.core.emulator import Json
from embedded_aws.sagemaker.pipelines import callbacks
from embedded_aws.sagemaker.pipelines.definition import Step
from embedded_aws.sagemaker.pipelines.expressions import Scope
from embedded_aws.sagemaker.pipelines.parameters import typed
from embedded_aws.sagemaker.pipelines.retries import StepFailed, failed_call, failed_job

_POLL_SECONDS = 0.2
_MAX_JOB_NAME = 63
_SUFFIX_LENGTH = 10


class StepStopped(Exception):  # noqa: N818 - what it says: no error
    """The step ended because the execution is being stopped."""


@dataclass(frozen=True)
class Run:
    """One attempt at a step; `record` is what ListPipelineExecutionSteps shows of it."""

    step: Step
    record: Json
    execution: Json
    scope: Scope
    stopping: threading.Event
    client: Callable[[str], Any]  # of the pipeline's role

    def call(self, operation: str, arguments: Json) -> Json:
        """Call SageMaker; raises StepFailed when it refuses."""
        sagemaker = self.client("sagemaker")
        method = sagemaker.meta.method_to_api_mapping
        (name,) = (python for python, api in method.items() if api == operation)
        try:
            answer = getattr(sagemaker, name)(**arguments)
        except (BotoCoreError, ClientError) as error:
            raise failed_call(f"sagemaker:{operation}", error) from error
        del answer["ResponseMetadata"]
        plain: Json = json.loads(json.dumps(answer, default=datetime.timestamp))
        return plain

    def note(self, kind: str, **members: Any) -> None:  # noqa: ANN401 - JSON
        """Show the step's metadata, like the ARN of its job."""
        self.record["Metadata"] = {kind: members}

    def tags(self) -> list[Json]:
        """Return how SageMaker marks what a pipeline creates."""
        return [
            {"Key": "sagemaker:pipeline-step-name", "Value": self.step.name},
            {
                "Key": "sagemaker:pipeline-execution-arn",
                "Value": self.execution["PipelineExecutionArn"],
            },
        ]


def _run_job(run: Run, arguments: Json) -> Json:
    kind = f"{run.step.type}Job"
    name = {f"{kind}Name": _job_name(run)}
    tags = [*arguments.get("Tags", []), *run.tags()]
    created = run.call(f"Create{kind}", {**arguments, **name, "Tags": tags})
    run.note(kind, Arn=created[f"{kind}Arn"])
    while True:
        stopped = run.stopping.wait(_POLL_SECONDS)
        described = run.call(f"Describe{kind}", name)
        status = described[f"{kind}Status"]
        if status == "Completed":
            return described
        if status == "Failed":
            raise failed_job(described.get("FailureReason", ""))
        if status == "Stopped":
            if stopped:
                raise StepStopped
            why = described.get("SecondaryStatus", status)
            raise StepFailed(f"ClientError: {kind} {name[f'{kind}Name']} was stopped: {why}")
        if stopped and status == "InProgress":
            run.call(f"Stop{kind}", name)


def _job_name(run: Run) -> str:
    execution = run.execution["PipelineExecutionArn"].rpartition("/")[2]
    letters = string.ascii_letters + string.digits
    suffix = "".join(secrets.choice(letters) for _ in range(_SUFFIX_LENGTH))
    longest = _MAX_JOB_NAME - _SUFFIX_LENGTH - 1
    return f"{f'pipelines-{execution}-{run.step.name}'[:longest].rstrip('-')}-{suffix}"


def _register(run: Run, arguments: Json) -> Json:
    generated = {"GeneratedBy": run.execution["PipelineExecutionArn"]}
    request = {
        **arguments,
        "MetadataProperties": {**generated, **arguments.get("MetadataProperties", {})},
    }
    created = run.call("CreateModelPackage", request)
    run.note("RegisterModel", Arn=created["ModelPackageArn"])
    return run.call("DescribeModelPackage", {"ModelPackageName": created["ModelPackageArn"]})


def _create_model(run: Run, arguments: Json) -> Json:
    name = {"ModelName": _job_name(run)}
    created = run.call("CreateModel", {**arguments, **name})
    run.note("Model", Arn=created["ModelArn"])
    return run.call("DescribeModel", name)


def _decide(run: Run, _arguments: Json) -> Json:
    conditions = run.step.arguments["Conditions"]
    outcome = all(run.scope.holds(condition) for condition in conditions)
    run.note("Condition", Outcome=str(outcome))
    return {"Outcome": str(outcome)}


def _invoke(run: Run, arguments: Json) -> Json:
    function = run.scope.value(run.step.body["FunctionArn"])
    run.note("Lambda", Arn=function)
    try:
        answer = run.client("lambda").invoke(FunctionName=function, Payload=json.dumps(arguments))
    except (BotoCoreError, ClientError) as error:
        raise failed_call("lambda:InvokeFunction", error) from error
    result = json.loads(answer["Payload"].read() or "null")
    if "FunctionError" in answer:
        raise StepFailed(f"ClientError: {function}: {result.get('errorMessage', result)}")
    if run.stopping.is_set():
        raise StepStopped
    outputs = _outputs(run.step.body.get("OutputParameters", []), result)
    texts = [{"Name": name, "Value": str(value)} for name, value in outputs.items()]
    run.note("Lambda", Arn=function, OutputParameters=texts)
    return {"OutputParameters": outputs}


def _outputs(declared: list[Json], result: Any) -> Json:  # noqa: ANN401 - JSON
    """Return the declared outputs of a function; raises StepFailed if one is missing."""
    given = result if isinstance(result, dict) else {}
    names = {output["OutputName"]: output["OutputType"] for output in declared}
    if missing := names.keys() - given.keys():
        raise StepFailed(f"ClientError: the function returned no {', '.join(sorted(missing))}")
    return {name: typed(name, kind, str(given[name])) for name, kind in names.items()}


def _fail(run: Run, arguments: Json) -> Json:
    message = str(arguments.get("ErrorMessage", ""))
    run.note("Fail", ErrorMessage=message)
    raise StepFailed(message)


def _call_back(run: Run, arguments: Json) -> Json:
    url = run.scope.value(run.step.body["SqsQueueUrl"])
    outputs = run.step.body.get("OutputParameters", [])
    callback = callbacks.open_callback(run.execution["PipelineExecutionArn"], outputs)
    run.note("Callback", CallbackToken=callback.token, SqsQueueUrl=url)
    try:
        _send(run, callback.token, url, arguments, "Executing")
        answer = _answer(
            run, callback, lambda: _send(run, callback.token, url, arguments, "Stopping")
        )
    finally:
        callback.close()
    if run.stopping.is_set():
        raise StepStopped
    if isinstance(answer, str):
        raise StepFailed(answer)
    texts = [{"Name": name, "Value": str(value)} for name, value in answer.items()]
    run.note("Callback", CallbackToken=callback.token, SqsQueueUrl=url, OutputParameters=texts)
    return {"OutputParameters": answer}


def _answer(
    run: Run, callback: callbacks.Callback, tell_stopping: Callable[[], None]
) -> Json | str:
    """Wait for the answer, as long as it takes: a stop is told and waits for it too."""
    told = False
    while True:
        if run.stopping.is_set() and not told:
            tell_stopping()
            told = True
        try:
            return callback.answers.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue


def _send(run: Run, token: str, url: str, arguments: Json, status: str) -> None:
    message = {
        "token": token,
        "pipelineExecutionArn": run.execution["PipelineExecutionArn"],
        "arguments": arguments,
        "status": status,
    }
    try:
        run.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(message))
    except (BotoCoreError, ClientError) as error:
        raise failed_call("sqs:SendMessage", error) from error


RUNNERS: dict[str, Callable[[Run, Json], Json]] = {
    "Processing": _run_job,
    "Training": _run_job,
    "RegisterModel": _register,
    "Model": _create_model,
    "Condition": _decide,
    "Callback": _call_back,
    "Lambda": _invoke,
    "Fail": _fail,
}
