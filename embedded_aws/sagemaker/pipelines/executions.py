"""The executions of SageMaker's pipelines, and what is asked about them."""

import json
import secrets
import string
import threading

from embedded_aws.core.emulator import Json, account_id, region, scope
from embedded_aws.core.rpc import Operation, ServiceError, invalid, now
from embedded_aws.iam.permissions import user_context
from embedded_aws.sagemaker import listings
from embedded_aws.sagemaker.pipelines import callbacks, parameters
from embedded_aws.sagemaker.pipelines.definition import parse
from embedded_aws.sagemaker.pipelines.engine import Execution
from embedded_aws.sagemaker.pipelines.operations import executions, pipeline
from embedded_aws.state import losses

_INTERRUPTED = "InternalServerError: the embedded AWS was stopped while the step ran"
_UNFINISHED = ("Executing", "Stopping")
_ID_LENGTH = 12
_running: dict[str, Execution] = {}


def _execution(request: Json) -> Json:
    wanted = request["PipelineExecutionArn"]
    if wanted not in executions:
        raise ServiceError("ResourceNotFound", f"Pipeline execution {wanted} does not exist.")
    record: Json = executions[wanted]
    return record


def start(request: Json) -> Json:
    """StartPipelineExecution: answers at once, the steps run behind it."""
    for member in ("SelectiveExecutionConfig", "PipelineVersionId", "MlflowExperimentName"):
        if member in request:
            raise invalid(f"the embedded SageMaker does not emulate {member}")
    for record in executions.values():
        if record["_Token"] == request["ClientRequestToken"]:
            return {"PipelineExecutionArn": record["PipelineExecutionArn"]}
    record = _new(pipeline(request), request)
    executions[record["PipelineExecutionArn"]] = record
    _run(record)
    return {"PipelineExecutionArn": record["PipelineExecutionArn"]}


def _new(of: Json, request: Json) -> Json:
    letters = string.ascii_lowercase + string.digits
    execution_id = "".join(secrets.choice(letters) for _ in range(_ID_LENGTH))
    given = request.get("PipelineParameters", [])
    at = now()
    parallel = "ParallelismConfiguration"
    limit = request.get(parallel) or of.get(parallel)
    of["LastRunTime"] = at
    return {
        "PipelineExecutionDisplayName": f"execution-{round(at * 1000)}",
        **{k: v for k, v in request.items() if k.startswith("PipelineExecution")},
        **({parallel: limit} if limit else {}),
        "PipelineArn": of["PipelineArn"],
        "PipelineExecutionArn": f"{of['PipelineArn']}/execution/{execution_id}",
        "CreationTime": at,
        "LastModifiedTime": at,
        "CreatedBy": user_context(),
        "_PipelineName": of["PipelineName"],
        "_Token": request["ClientRequestToken"],
        "_RoleArn": of["RoleArn"],
        "_Definition": of["PipelineDefinition"],
        "_Parameters": parameters.values(parse(of["PipelineDefinition"]).parameters, given),
        "_Steps": {},
    }


def _run(record: Json) -> None:
    name = record["PipelineExecutionArn"]
    execution = Execution(record, executions)
    _running[name] = execution
    execution.begin()

    def run(account: str, region_name: str) -> None:
        with scope(account, region_name):
            try:
                execution.run()
            finally:
                if _running.get(name) is execution:  # a retry may have begun since its end was told
                    del _running[name]

    threading.Thread(target=run, args=(account_id(), region()), daemon=True).start()


def stop(request: Json) -> Json:
    """StopPipelineExecution: what runs is stopped, and waited for."""
    record = _execution(request)
    if execution := _running.get(record["PipelineExecutionArn"]):
        execution.stop()
    return {"PipelineExecutionArn": record["PipelineExecutionArn"]}


def retry(request: Json) -> Json:
    """RetryPipelineExecution: the steps that did not succeed, once more."""
    record = _execution(request)
    if record["PipelineExecutionStatus"] not in ("Failed", "Stopped"):
        raise ServiceError("ConflictException", "Only a failed or stopped execution is retried.")
    steps = record["_Steps"]
    record["_Steps"] = {k: v for k, v in steps.items() if v["StepStatus"] == "Succeeded"}
    record.pop("FailureReason", None)
    _run(record)
    return {"PipelineExecutionArn": record["PipelineExecutionArn"]}


def describe(request: Json) -> Json:
    """DescribePipelineExecution."""
    return {k: v for k, v in dict(_execution(request)).items() if not k.startswith("_")}


def list_executions(request: Json) -> Json:
    """ListPipelineExecutions."""
    wanted = pipeline(request)["PipelineArn"]
    members = ("Arn", "Status", "Description", "DisplayName", "FailureReason")
    return listings.page(
        "PipelineExecutionSummaries",
        (_summary(record) for record in executions.values() if record["PipelineArn"] == wanted),
        (*(f"PipelineExecution{member}" for member in members), "StartTime"),
        request,
        sort_keys={"PipelineExecutionArn": "PipelineExecutionArn", "CreationTime": "CreationTime"},
        handled=("PipelineName",),
        newest_first=True,
    )


def _summary(record: Json) -> Json:
    summary = {**record, "StartTime": record["CreationTime"]}
    if "FailureReason" in record:
        summary["PipelineExecutionFailureReason"] = record["FailureReason"]
    return summary


def list_steps(request: Json) -> Json:
    """ListPipelineExecutionSteps: those that have begun."""
    # copies: the engine writes into the records as the steps run
    steps = [dict(step) for step in list(_execution(request)["_Steps"].values())]
    members = tuple({member for step in steps for member in step if not member.startswith("_")})
    return listings.page(
        "PipelineExecutionSteps",
        steps,
        members,
        request,
        sort_keys={"CreationTime": "StartTime"},
        handled=("PipelineExecutionArn",),
        newest_first=True,
    )


def list_parameters(request: Json) -> Json:
    """ListPipelineParametersForExecution."""
    values = _execution(request)["_Parameters"].items()
    texts = {name: v if isinstance(v, str) else json.dumps(v) for name, v in values}
    return {"PipelineParameters": [{"Name": n, "Value": text} for n, text in texts.items()]}


def describe_definition(request: Json) -> Json:
    """DescribePipelineDefinitionForExecution."""
    record = _execution(request)
    return {
        "PipelineDefinition": record["_Definition"],
        "CreationTime": record["CreationTime"],
    }


def interrupt_all() -> None:
    """Mark the executions that ran when the embedded AWS stopped: a retry resumes them."""
    for record in executions.all_values():
        if record["PipelineExecutionStatus"] in _UNFINISHED:
            losses.note(f"{record['PipelineExecutionArn']} ran")
            record.update(PipelineExecutionStatus="Failed", FailureReason=_INTERRUPTED)
            for step in record["_Steps"].values():
                if step["StepStatus"] in _UNFINISHED:
                    step.update(StepStatus="Failed", FailureReason=_INTERRUPTED, EndTime=now())


OPERATIONS: dict[str, Operation] = {
    "StartPipelineExecution": start,
    "StopPipelineExecution": stop,
    "RetryPipelineExecution": retry,
    "DescribePipelineExecution": describe,
    "ListPipelineExecutions": list_executions,
    "ListPipelineExecutionSteps": list_steps,
    "ListPipelineParametersForExecution": list_parameters,
    "DescribePipelineDefinitionForExecution": describe_definition,
    "SendPipelineExecutionStepSuccess": callbacks.succeed,
    "SendPipelineExecutionStepFailure": callbacks.fail,
}
