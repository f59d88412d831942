"""The duties' probe: a tuner and an approver, and an administrator with one of their policies."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from least_privilege.account import client
from least_privilege.probes.jobs import job_name
from least_privilege.probes.pipeline import APPROVED, PENDING, Pipeline
from least_privilege.waiting import ForbiddenError, ProbeError

_DENIED = ("AccessDenied", "AccessDeniedException")
_ANYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
_KINDS = {"TrainingJob": "training_job", "ProcessingJob": "processing_job"}


class _Person:
    """A user to whom a policy is attached; an administrator beside it when `may_anything`."""

    def __init__(self, policy: str, *, may_anything: bool = False) -> None:
        iam = client("iam")
        # The policy's name is in the user's, so that a refusal in the log is about the policy.
        name = f"{policy.rpartition('/')[2]}-{uuid.uuid4().hex[:6]}"
        iam.create_user(UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn=policy)
        if may_anything:
            iam.put_user_policy(
                UserName=name, PolicyName="Anything", PolicyDocument=json.dumps(_ANYTHING)
            )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self._session = boto3.Session(
            aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )

    def may(self, service: str, call: str, **request: Any) -> dict[str, Any]:
        """Make a call that must work; raises ProbeError when it does not."""
        try:
            answer: dict[str, Any] = self._call(service, call)(**request)
        except ClientError as error:
            raise ProbeError(f"{call} does not work", error) from error
        return answer

    def may_not(self, service: str, call: str, **request: Any) -> None:
        """Make a call that must be denied; raises ForbiddenError when it is not."""
        try:
            self._call(service, call)(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] in _DENIED:
                return
        raise ForbiddenError(f"{call} is not denied")

    def _call(self, service: str, call: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self._session.client(service), call)
        return found


class Duties:
    """Lets the people do what they are for, and the administrators what is denied to them."""

    def __init__(self, pipeline: Pipeline, execution: str, package: str) -> None:
        self._pipeline, self._execution, self._package = pipeline, execution, package
        outputs = pipeline.outputs
        self._data, self._artifacts = outputs["DataBucketName"], outputs["ArtifactBucketName"]
        self._steps = pipeline.steps(execution)
        tuner, approver = outputs["TunerPolicyArn"], outputs["ApproverPolicyArn"]
        self._tuner, self._approver = _Person(tuner), _Person(approver)
        self._strong_tuner = _Person(tuner, may_anything=True)
        self._strong_approver = _Person(approver, may_anything=True)

    def __call__(self) -> None:
        """Raise ProbeError when somebody cannot do their duty, or can do the other one."""
        self._tunes()
        self._approves()
        self._tuner_approves_nothing()
        self._approver_tunes_nothing()

    def _tunes(self) -> None:
        tuner, sagemaker = self._tuner, "sagemaker"
        self._reads(tuner)
        key = f"data/{uuid.uuid4().hex}/train.jsonl"
        tuner.may("s3", "put_object", Bucket=self._data, Key=key, Body=b"{}\n")
        tuner.may("s3", "list_objects_v2", Bucket=self._data, Prefix="data/")
        upload = tuner.may("s3", "create_multipart_upload", Bucket=self._data, Key=key)
        tuner.may(
            "s3", "abort_multipart_upload", Bucket=self._data, Key=key, UploadId=upload["UploadId"]
        )
        name = {"PipelineName": self._pipeline.name}
        tuner.may(sagemaker, "describe_pipeline", **name)
        tuner.may(sagemaker, "list_pipeline_executions", **name)
        started = tuner.may(sagemaker, "start_pipeline_execution", **name)
        execution = {"PipelineExecutionArn": started["PipelineExecutionArn"]}
        tuner.may(sagemaker, "list_pipeline_execution_steps", **execution)
        tuner.may(sagemaker, "describe_pipeline_execution", **execution)
        tuner.may(sagemaker, "stop_pipeline_execution", ClientRequestToken="x" * 32, **execution)
        self._pipeline.expect(started["PipelineExecutionArn"], "Stopped")
        for kind, noun in _KINDS.items():
            self._watches(tuner, kind, noun)

    def _reads(self, person: _Person) -> None:
        """Let a person read the packages, the stack's outputs and the evaluations' reports."""
        person.may("cloudformation", "describe_stacks", StackName="Local-Training")
        person.may("sagemaker", "describe_model_package", ModelPackageName=self._package)
        person.may("sagemaker", "list_model_packages", ModelPackageGroupName=self._pipeline.group)
        listed = person.may("s3", "list_objects_v2", Bucket=self._artifacts, Prefix="evaluations/")
        person.may("s3", "get_object", Bucket=self._artifacts, Key=listed["Contents"][0]["Key"])

    def _watches(self, person: _Person, kind: str, noun: str) -> None:
        arns = (s.get("Metadata", {}).get(kind, {}).get("Arn") for s in self._steps.values())
        job = job_name(kind, next(filter(None, arns)))
        person.may("sagemaker", f"describe_{noun}", **{f"{kind}Name": job})
        group = {"logGroupName": f"/aws/sagemaker/{kind}s"}
        found = person.may("logs", "filter_log_events", **group)
        stream = found["events"][0]["logStreamName"]
        person.may("logs", "get_log_events", logStreamName=stream, **group)

    def _approves(self) -> None:
        self._reads(self._approver)
        self._approver.may(
            "sagemaker", "describe_pipeline_execution", PipelineExecutionArn=self._execution
        )
        self._update(self._approver.may, "Rejected")

    def _tuner_approves_nothing(self) -> None:
        self._update(self._strong_tuner.may_not, APPROVED)
        self._register(self._strong_tuner)

    def _approver_tunes_nothing(self) -> None:
        denied, name = self._strong_approver.may_not, {"PipelineName": self._pipeline.name}
        denied("sagemaker", "start_pipeline_execution", **name)
        denied(
            "sagemaker",
            "retry_pipeline_execution",
            PipelineExecutionArn=self._execution,
            ClientRequestToken="x" * 32,
        )
        denied("sagemaker", "update_pipeline", PipelineDescription="other", **name)
        denied("s3", "put_object", Bucket=self._data, Key="data/other.jsonl", Body=b"{}\n")
        self._register(self._strong_approver)

    def _register(self, person: _Person) -> None:
        group = {"ModelPackageGroupName": self._pipeline.group}
        status = {"ModelApprovalStatus": PENDING}
        person.may_not("sagemaker", "create_model_package", **group, **status)

    def _update(self, call: Callable[..., object], status: str) -> None:
        call(
            "sagemaker",
            "update_model_package",
            ModelPackageArn=self._package,
            ModelApprovalStatus=status,
        )
