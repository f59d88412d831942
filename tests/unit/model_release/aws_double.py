"""An AWS with state: a stack, a package group, an execution and a bucket behind botocore's clients.

botocore checks each request, and here each answer, against the service's own model.
"""

# ruff: noqa: N803 - operations take their parameters by AWS's names

import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import md5
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.response import StreamingBody
from botocore.validate import validate_parameters

STACK = "Prod-Serving"
STACK_ID = f"arn:aws:cloudformation:eu-west-1:111111111111:stack/{STACK}/0a1b"
PACKAGES = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/prod-training-mistral-7b/"
EXECUTION = "arn:aws:sagemaker:eu-west-1:111111111111:pipeline/fine-tune/execution/abc"
BUCKET = "artifacts"
ENDPOINT = "prod-serving-llm"
_SAGEMAKER = "arn:aws:sagemaker:eu-west-1:111111111111"
_NOW = datetime(2026, 11, 22, tzinfo=UTC)

Action = Callable[[], None]


class Refusal(Exception):  # noqa: N818 - what the service answers, not what went wrong here
    """An error that a service answers with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Service:
    """A botocore client whose operations are this object's methods."""

    name: str

    def __init__(self) -> None:
        self.client: Any = _session().create_client(
            self.name, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.calls: list[str] = []
        self._before: dict[str, Action] = {}
        events = self.client.meta.events
        events.register_first("before-parameter-build.*.*", self._note)
        events.register_first("before-call.*.*", self._answer)

    def before(self, operation: str, action: Action) -> None:
        """Do something before each call of an operation: change the state, or refuse."""
        self._before[operation] = action

    def refuse(self, operation: str, code: str, message: str) -> None:
        """Answer each call of an operation with an error."""

        def refuse() -> None:
            raise Refusal(code, message)

        self.before(operation, refuse)

    def _note(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["parameters"] = dict(params)  # botocore adds its own later

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[AWSResponse, Any]:
        operation = xform_name(model.name)
        self.calls.append(operation)
        try:
            self._before.get(operation, lambda: None)()
            answer = getattr(self, operation)(**context["parameters"]) or {}
        except Refusal as refusal:
            error = {"Code": refusal.code, "Message": refusal.message}
            metadata = {"HTTPStatusCode": 400}
            return AWSResponse("", 400, {}, None), {"Error": error, "ResponseMetadata": metadata}
        if model.output_shape is not None:
            validate_parameters(answer, model.output_shape)
        return AWSResponse("", 200, {}, None), answer


@dataclass(frozen=True, kw_only=True)
class StackEvent:
    """An event of a stack, as CloudFormation lists it."""

    LogicalResourceId: str
    ResourceStatus: str
    ResourceStatusReason: str = ""
    ClientRequestToken: str


class CloudFormation(Service):
    """One stack with the parameter that names the package it serves."""

    name = "cloudformation"

    def __init__(self) -> None:
        super().__init__()
        self.status = "UPDATE_COMPLETE"
        self.parameters = {
            "BootstrapVersion": "/cdk-bootstrap/x/version",
            "ModelPackageArn": "",
            "Unguarded": "what a rollback left",
        }
        self.events: list[StackEvent] = []  # newest first
        self.updates: list[dict[str, Any]] = []
        # What a finished update does to the endpoint.
        self.deploy: Callable[[str], None] = lambda _package: None
        self._tokens: set[str] = set()

    def begin_update(self, token: str) -> None:
        """Start an update, the function's or anybody else's."""
        self.status = "UPDATE_IN_PROGRESS"
        self._tokens.add(token)
        self.happened("LlmModel", "UPDATE_IN_PROGRESS", "", token)

    def happened(self, resource: str, status: str, reason: str, token: str) -> None:
        """Add the newest event."""
        event = StackEvent(
            LogicalResourceId=resource,
            ResourceStatus=status,
            ResourceStatusReason=reason,
            ClientRequestToken=token,
        )
        self.events.insert(0, event)

    def ended(self, status: str, token: str) -> dict[str, Any]:
        """End an update, and return the event that EventBridge sends of it."""
        self.status = status
        if status == "UPDATE_COMPLETE":
            self.deploy(self.parameters["ModelPackageArn"])
        details = {"status": status, "status-reason": "rolled back"}
        return {
            "detail-type": "CloudFormation Stack Status Change",
            "detail": {
                "stack-id": STACK_ID,
                "status-details": details,
                "client-request-token": token,
            },
        }

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        """Return the stack."""
        _check_stack(StackName)
        parameters = [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in self.parameters.items()
        ]
        stack = {"StackName": STACK, "CreationTime": _NOW}
        return {"Stacks": [{**stack, "StackStatus": self.status, "Parameters": parameters}]}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:
        """Return the newest page."""
        _check_stack(StackName)
        common = {"StackId": STACK_ID, "EventId": "1", "StackName": STACK, "Timestamp": _NOW}
        return {"StackEvents": [{**common, **asdict(event)} for event in self.events]}

    def update_stack(self, **request: Any) -> dict[str, Any]:
        """Start an update of the parameters."""
        _check_stack(request["StackName"])
        token = request["ClientRequestToken"]
        if token in self._tokens:
            raise Refusal("TokenAlreadyExistsException", "used")
        if self.status.endswith("_IN_PROGRESS"):
            message = f"Stack:{STACK_ID} is in {self.status} state and can not be updated."
            raise Refusal("ValidationError", message)
        parameters = {
            each["ParameterKey"]: self.parameters[each["ParameterKey"]]
            if each.get("UsePreviousValue")
            else each["ParameterValue"]
            for each in request["Parameters"]
        }
        if parameters == self.parameters:
            raise Refusal("ValidationError", "No updates are to be performed.")
        self.parameters = parameters
        self.updates.append(request)
        self.begin_update(token)
        return {"StackId": STACK_ID}


class SageMaker(Service):
    """A package group, an endpoint, and one execution of a pipeline whose callback steps wait."""

    name = "sagemaker"

    def __init__(self) -> None:
        super().__init__()
        self.packages: dict[str, dict[str, Any]] = {}
        self.served = ""  # the package behind the endpoint
        self.configs = ["config-1"]  # the one that it serves; CloudFormation may have deleted it
        self.endpoint_status = "InService"
        self.instances = {"CurrentInstanceCount": 2, "DesiredInstanceCount": 2}
        self.execution_status = "Executing"
        self.waiting: set[str] = set()  # the tokens of callback steps
        self.answers: dict[str, str] = {}  # how they ended

    def serve(self, package_arn: str) -> None:
        """Put a package, or the base weights, behind the endpoint."""
        self.served = package_arn

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        """Return the endpoint."""
        _check_name("endpoint", EndpointName, ENDPOINT)
        return {
            "EndpointName": ENDPOINT,
            "EndpointArn": f"{_SAGEMAKER}:endpoint/{ENDPOINT}",
            "EndpointConfigName": "config-1",
            "EndpointStatus": self.endpoint_status,
            "ProductionVariants": [{"VariantName": "AllTraffic", **self.instances}],
            "CreationTime": _NOW,
            "LastModifiedTime": _NOW,
        }

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        """Return the endpoint's configuration."""
        _check_name("endpoint configuration", EndpointConfigName, *self.configs)
        return {
            "EndpointConfigName": EndpointConfigName,
            "EndpointConfigArn": f"{_SAGEMAKER}:endpoint-config/config-1",
            "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "model-1"}],
            "CreationTime": _NOW,
        }

    def describe_model(self, ModelName: str) -> dict[str, Any]:
        """Return the model in that configuration."""
        _check_name("model", ModelName, "model-1")
        container = {"ModelPackageName": self.served} if self.served else {"Image": "tgi:1.1.0"}
        return {
            "ModelName": ModelName,
            "ModelArn": f"{_SAGEMAKER}:model/model-1",
            "PrimaryContainer": container,
            "CreationTime": _NOW,
        }

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        """Return a package of the group."""
        return self._package(ModelPackageName)

    def update_model_package(self, ModelPackageArn: str, **changes: Any) -> dict[str, Any]:
        """Change the approval, its reason and the metadata."""
        if len(changes.get("ApprovalDescription", "")) > 1024:
            raise Refusal("ValidationException", "ApprovalDescription has 1024 characters at most")
        self._package(ModelPackageArn).update(changes)
        return {"ModelPackageArn": ModelPackageArn}

    def describe_pipeline_execution(self, PipelineExecutionArn: str) -> dict[str, Any]:
        """Return the execution."""
        if PipelineExecutionArn != EXECUTION:
            raise Refusal("ResourceNotFound", f"no execution {PipelineExecutionArn}")
        return {"PipelineExecutionStatus": self.execution_status}

    def send_pipeline_execution_step_success(self, CallbackToken: str) -> dict[str, Any]:
        """End a step as succeeded."""
        return self._end_step(CallbackToken, "Succeeded")

    def send_pipeline_execution_step_failure(
        self, CallbackToken: str, FailureReason: str
    ) -> dict[str, Any]:
        """End a step as failed."""
        if len(FailureReason) > 256:
            raise Refusal("ValidationException", "FailureReason has 256 characters at most")
        return self._end_step(CallbackToken, FailureReason)

    def _end_step(self, token: str, answer: str) -> dict[str, Any]:
        if token not in self.waiting:
            raise Refusal("ResourceNotFound", "no such token")
        self.waiting.remove(token)
        self.answers[token] = answer
        return {"PipelineExecutionArn": EXECUTION}

    def _package(self, arn: str) -> dict[str, Any]:
        if arn not in self.packages:
            raise Refusal("ValidationException", f"ModelPackage {arn} does not exist.")
        return self.packages[arn]


class S3(Service):
    """The artefact bucket."""

    name = "s3"

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        """Return an object."""
        if Bucket != BUCKET or Key not in self.objects:
            raise Refusal("NoSuchKey", "The specified key does not exist.")
        content = self.objects[Key]
        return {"Body": StreamingBody(io.BytesIO(content), len(content))}

    def list_objects_v2(
        self, Bucket: str, Prefix: str, ContinuationToken: str = ""
    ) -> dict[str, Any]:
        """Return the objects under a prefix, two a page."""
        if Bucket != BUCKET:
            raise Refusal("NoSuchBucket", "The specified bucket does not exist")
        keys = sorted(k for k in self.objects if k.startswith(Prefix) and k > ContinuationToken)
        page, rest = keys[:2], keys[2:]
        contents = [
            {"Key": key, "Size": len(self.objects[key]), "ETag": f'"{etag(self.objects[key])}"'}
            for key in page
        ]
        more = {"NextContinuationToken": page[-1]} if rest else {}
        return {"IsTruncated": bool(rest), "Contents": contents, **more}


@cache
def _session() -> Any:
    """Return the one session: it reads each service's model once."""
    return botocore.session.get_session()


def etag(content: bytes) -> str:
    """Return S3's ETag of an object that was written in one part."""
    return md5(content, usedforsecurity=False).hexdigest()


def _check_stack(name: str) -> None:
    if name not in (STACK, STACK_ID):
        raise Refusal("ValidationError", f"Stack with id {name} does not exist")


def _check_name(kind: str, name: str, *known: str) -> None:
    if name not in known:
        raise Refusal("ValidationException", f"Could not find {kind} {name}.")
