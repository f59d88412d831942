"""SageMaker's pipelines: their definitions, each checked before it is kept."""

from botocore.exceptions import ClientError

from embedded_aws.core.clients import client
from embedded_aws.core.emulator import Json, ScopedStore
from embedded_aws.core.rpc import Operation, ServiceError, invalid, now
from embedded_aws.iam.permissions import user_context
from embedded_aws.sagemaker import listings
from embedded_aws.sagemaker.names import find, resource_arn
from embedded_aws.sagemaker.pipelines.definition import parse

pipelines, executions = ScopedStore(), ScopedStore()  # by name, and by ARN
STORES = {"pipelines": pipelines, "executions": executions}


def pipeline(request: Json) -> Json:
    """Return the record of the pipeline that a request names; raises ServiceError."""
    name = request["PipelineName"]
    record = find(pipelines, name, "PipelineArn")
    if record is None:
        wanted = resource_arn("pipeline", name)
        raise ServiceError("ResourceNotFound", f"Pipeline '{wanted}' does not exist.")
    return record


def _definition(request: Json) -> str:
    if "PipelineDefinition" in request:
        text: str = request["PipelineDefinition"]
    else:
        place = request["PipelineDefinitionS3Location"]
        try:
            answer = client("s3").get_object(Bucket=place["Bucket"], Key=place["ObjectKey"])
        except ClientError as error:
            raise invalid(f"PipelineDefinitionS3Location: {error}") from error
        text = answer["Body"].read().decode()
    parse(text)
    return text


def create(request: Json) -> Json:
    """CreatePipeline."""
    name = request["PipelineName"]
    if name in pipelines:
        raise invalid(f"Pipeline names must be unique within an AWS account: {name} exists already")
    if not request.keys() & {"PipelineDefinition", "PipelineDefinitionS3Location"}:
        raise invalid("give PipelineDefinition or PipelineDefinitionS3Location")
    pipelines[name] = {
        **request,
        "PipelineDefinition": _definition(request),
        "PipelineArn": resource_arn("pipeline", name),
        "PipelineDisplayName": request.get("PipelineDisplayName", name),
        "PipelineStatus": "Active",
        "CreationTime": now(),
        "LastModifiedTime": now(),
        "CreatedBy": user_context(),
    }
    return {"PipelineArn": pipelines[name]["PipelineArn"]}


def update(request: Json) -> Json:
    """UpdatePipeline: executions that run keep the definition that they began with."""
    record = pipeline(request)
    if request.keys() & {"PipelineDefinition", "PipelineDefinitionS3Location"}:
        record["PipelineDefinition"] = _definition(request)
    kept = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")
    record.update({k: request[k] for k in kept if k in request}, LastModifiedTime=now())
    return {"PipelineArn": record["PipelineArn"]}


def describe(request: Json) -> Json:
    """DescribePipeline."""
    hidden = ("Tags", "ClientRequestToken", "PipelineDefinitionS3Location")
    return {k: v for k, v in pipeline(request).items() if k not in hidden}


def list_pipelines(request: Json) -> Json:
    """ListPipelines."""
    prefix = request.get("PipelineNamePrefix", "")
    members = ("Arn", "Name", "DisplayName", "Description")
    return listings.page(
        "PipelineSummaries",
        (record for record in pipelines.values() if record["PipelineName"].startswith(prefix)),
        (
            *(f"Pipeline{member}" for member in members),
            "RoleArn",
            "CreationTime",
            "LastModifiedTime",
        ),
        request,
        sort_keys={"Name": "PipelineName", "CreationTime": "CreationTime"},
        handled=("PipelineNamePrefix",),
        newest_first=True,
    )


def delete(request: Json) -> Json:
    """DeletePipeline: with its executions, none of which may run."""
    record = pipeline(request)
    own = [e for e in executions.values() if e["PipelineArn"] == record["PipelineArn"]]
    if any(e["PipelineExecutionStatus"] in ("Executing", "Stopping") for e in own):
        raise ServiceError("ConflictException", "Stop the pipeline's executions first.")
    for execution in own:
        del executions[execution["PipelineExecutionArn"]]
    del pipelines[record["PipelineName"]]
    return {"PipelineArn": record["PipelineArn"]}


OPERATIONS: dict[str, Operation] = {
    "CreatePipeline": create,
    "UpdatePipeline": update,
    "DescribePipeline": describe,
    "ListPipelines": list_pipelines,
    "DeletePipeline": delete,
}
