"""An embedded AWS with nothing deployed, and what tests of SageMaker make in it."""

from __future__ import annotations

import io
import json
import os
import sys
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3

from embedded_aws.core.circumstances import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from embedded_aws.tests.process import EmbeddedAws

IMAGE = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:"
    "2.8.0-transformers4.56.2-gpu-py312-cu129-ubuntu22.04"
)
TGI_IMAGE = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-tgi-inference:"
    "2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04"
)
VLLM_IMAGE = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"
)
CUDA_13_AMI = "al2023-ami-sagemaker-inference-gpu-4-1"  # what the vLLM image needs on older GPUs
BUCKET = "bench"
_SETTLED_SECONDS = 300  # an update may start an endpoint's container
_WAIT_SECONDS = 120  # on a busy machine: what comes, comes sooner
# What every execution role of SageMaker needs: its image, and its logs.
_BASICS = {
    "Effect": "Allow",
    "Action": [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ],
    "Resource": "*",
}


def allow(action: str | list[str], *resources: str) -> dict[str, Any]:
    """One statement of a policy."""
    return {"Effect": "Allow", "Action": action, "Resource": list(resources) or ["*"]}


def read_write(prefix: str) -> list[dict[str, Any]]:
    """What a job needs to read and write under a prefix of the bucket."""
    return [
        allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{BUCKET}/{prefix}*"),
        allow("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"),
    ]


@dataclass
class Account:
    """Clients of one embedded AWS, and shorthands for what the tests make over and over."""

    aws: EmbeddedAws
    _names: dict[str, int] = field(default_factory=dict)

    @property
    def job_python(self) -> Path:
        """What runs the scripts of jobs: this interpreter, until a test takes it away."""
        return self.aws.home / "job-python"

    @contextmanager
    def circumstances(self, **settings: Any) -> Iterator[None]:
        """Let these circumstances hold for a while."""
        file = self.aws.home / "circumstances.json"
        write(file, settings)
        try:
            yield
        finally:
            file.unlink()

    def open(self) -> None:
        """Start the embedded AWS, with one bucket in it."""
        self.boot()
        self.s3.create_bucket(Bucket=BUCKET)

    def boot(self) -> None:
        """Start the embedded AWS, with this interpreter for its jobs."""
        self.job_python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        self.job_python.chmod(0o755)
        os.environ["LOCAL_AWS_JOB_PYTHON"] = str(self.job_python)
        try:
            self.aws.start()
        finally:
            del os.environ["LOCAL_AWS_JOB_PYTHON"]

    @cached_property
    def sagemaker(self) -> Any:
        return self.aws.client("sagemaker")

    @cached_property
    def s3(self) -> Any:
        return self.aws.client("s3")

    def name(self, stem: str) -> str:
        """A name that no other test uses."""
        self._names[stem] = self._names.get(stem, 0) + 1
        return f"{stem}-{self._names[stem]}"

    def role(self, *statements: dict[str, Any], service: str = "sagemaker.amazonaws.com") -> str:
        """The ARN of a new role that SageMaker may assume, and pull images and log with."""
        return self.bare_role(_BASICS, *statements, service=service)

    def bare_role(self, *statements: dict[str, Any], service: str) -> str:
        """The ARN of a new role that a service may assume, with just these statements."""
        iam, name = self.aws.client("iam"), self.name("role")
        trust = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
            },
        }
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        return str(role["Role"]["Arn"])

    def settled(self, stack: str) -> dict[str, Any]:
        """The description of a stack, when nothing changes it."""
        return settled(self.aws.client("cloudformation"), stack)

    def caller(self, *statements: dict[str, Any], service: str = "sagemaker") -> Any:
        """A client whose user may do what the statements say."""
        name, client = self.person()
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        self.aws.client("iam").put_user_policy(
            UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy)
        )
        return client(service)

    def person(self) -> tuple[str, Callable[[str], Any]]:
        """A new user's name, and clients of theirs; they may do nothing."""
        iam, name = self.aws.client("iam"), self.name("user")
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return name, lambda service: boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.aws.port}",
            region_name="us-east-1",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    def put(self, key: str, body: str | bytes) -> str:
        """The URI of an object with this content."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def get(self, key: str) -> str:
        """What an object holds."""
        return str(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode())

    def keys(self, prefix: str) -> list[str]:
        """The names of the objects under a prefix, without it."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [item["Key"].removeprefix(prefix) for item in found]

    def function(self, code: str) -> str:
        """The ARN of a new Lambda function, whose module `code` defines `handle`."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("asked.py", code)
        created = self.aws.client("lambda").create_function(
            FunctionName=self.name("function"),
            Runtime="python3.13",
            Handler="asked.handle",
            Role=self.role(service="lambda.amazonaws.com"),
            Code={"ZipFile": buffer.getvalue()},
            Timeout=60,
        )
        return str(created["FunctionArn"])

    def processing(self, script: str, role: str, **more: Any) -> dict[str, Any]:
        """A processing job's request, without its name, whose code is `script`."""
        code = self.put(f"{self.name('code')}/job.py", script)
        return {
            "RoleArn": role,
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/job.py"],
                **more.pop("AppSpecification", {}),
            },
            "ProcessingInputs": [
                s3_input("code", code, "/opt/ml/processing/input/code"),
                *more.pop("ProcessingInputs", []),
            ],
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": "ml.m5.xlarge",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 30,
                }
            },
            **more,
        }

    def training(self, script: str, role: str, **more: Any) -> dict[str, Any]:
        """A training job's request, without its name, whose code is `script`."""
        code = self.put(f"{self.name('code')}/train.py", script)
        return {
            "RoleArn": role,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/train.py"],
                **more.pop("AlgorithmSpecification", {}),
            },
            "InputDataConfig": [channel("code", code), *more.pop("InputDataConfig", [])],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
            "ResourceConfig": {
                "InstanceType": "ml.g5.12xlarge",
                "InstanceCount": 1,
                "VolumeSizeInGB": 50,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **more,
        }

    def process(self, request: dict[str, Any]) -> dict[str, Any]:
        """The description of a processing job, when it has ended."""
        name = {"ProcessingJobName": self.name("processing")}
        self.sagemaker.create_processing_job(**name, **request)
        return self.ended(lambda: self.sagemaker.describe_processing_job(**name), "ProcessingJob")

    def train(self, request: dict[str, Any]) -> dict[str, Any]:
        """The description of a training job, when it has ended."""
        name = {"TrainingJobName": self.name("training")}
        self.sagemaker.create_training_job(**name, **request)
        return self.ended(lambda: self.sagemaker.describe_training_job(**name), "TrainingJob")

    def ended(self, describe: Callable[[], dict[str, Any]], kind: str) -> dict[str, Any]:
        """What `describe` answers when its status is final."""
        final = ("Completed", "Failed", "Stopped", "Succeeded")
        ended: dict[str, Any] = until(
            lambda: (found := describe())[f"{kind}Status"] in final and found
        )
        return ended

    def pipeline_role(self, *statements: dict[str, Any]) -> str:
        """A role that may do all that pipelines of these tests do."""
        calls = allow(["sagemaker:*", "iam:PassRole", "lambda:InvokeFunction", "sqs:SendMessage"])
        return self.role(calls, *read_write(""), *statements)

    def pipeline(self, steps: list[dict[str, Any]], role: str, **definition: Any) -> str:
        """The name of a new pipeline with these steps."""
        name = self.name("Pipeline")
        document = {"Version": "2020-12-01", "Steps": steps, **definition}
        self.sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=json.dumps(document), RoleArn=role
        )
        return name

    def start(self, pipeline: str, **parameters: str) -> str:
        """The ARN of a new execution."""
        given = [{"Name": name, "Value": value} for name, value in parameters.items()]
        answer = self.sagemaker.start_pipeline_execution(
            PipelineName=pipeline, PipelineParameters=given
        )
        return str(answer["PipelineExecutionArn"])

    def executed(self, execution: str) -> dict[str, Any]:
        """The description of an execution, when it has ended."""
        describe = self.sagemaker.describe_pipeline_execution
        return self.ended(lambda: describe(PipelineExecutionArn=execution), "PipelineExecution")

    def steps(self, execution: str) -> dict[str, Any]:
        """The execution's steps that have begun, by name, in the order in which they did."""
        found = self.sagemaker.list_pipeline_execution_steps(
            PipelineExecutionArn=execution, SortOrder="Ascending"
        )["PipelineExecutionSteps"]
        return {step["StepName"]: step for step in found}

    def messages(self, queue_url: str, count: int = 0) -> list[dict[str, Any]]:
        """What lies in a queue, which it then does no more; waits for `count` messages."""
        sqs = self.aws.client("sqs")
        bodies: list[dict[str, Any]] = []

        def receive() -> bool:
            answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                bodies.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            return len(bodies) >= count

        until(receive)
        return bodies

    def log_lines(self, kind: str, job: str) -> list[str]:
        """What a job printed, as CloudWatch Logs has it by now."""
        logs, group = self.aws.client("logs"), f"/aws/sagemaker/{kind}s"
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return []
        events = logs.filter_log_events(logGroupName=group)["events"]
        return [e["message"] for e in events if e["logStreamName"].startswith(f"{job}/algo-1-")]

    def log_group(self, name: str) -> dict[str, Any] | None:
        """The description of a log group; None when there is none."""
        groups = self.aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return next((group for group in groups if group["logGroupName"] == name), None)

    def queue(self) -> str:
        """The URL of a new queue."""
        name = self.name("queue")
        return str(self.aws.client("sqs").create_queue(QueueName=name)["QueueUrl"])

    def events(self, pattern: dict[str, Any]) -> str:
        """The URL of a queue to which the default event bus brings the events that match."""
        url, name = self.queue(), self.name("rule")
        queue = f"arn:aws:sqs:us-east-1:000000000000:{url.rpartition('/')[2]}"
        events = self.aws.client("events")
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])
        statement = {
            **allow("sqs:SendMessage", queue),
            "Principal": {"Service": "events.amazonaws.com"},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url


def channel(name: str, uri: str) -> dict[str, Any]:
    """A training channel."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def s3_input(name: str, uri: str, path: str) -> dict[str, Any]:
    """A processing input."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": path,
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }


def s3_output(name: str, uri: str, path: str) -> dict[str, Any]:
    """A processing output."""
    return {
        "OutputName": name,
        "S3Output": {"S3Uri": uri, "LocalPath": path, "S3UploadMode": "EndOfJob"},
    }


def settled(cloudformation: Any, stack: str) -> dict[str, Any]:
    """The description of a stack, when nothing changes it."""

    def found() -> dict[str, Any] | None:
        record: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return None if record["StackStatus"].endswith("_IN_PROGRESS") else record

    ended: dict[str, Any] = until(found, _SETTLED_SECONDS)
    return ended


def until(probe: Callable[[], Any], seconds: float = _WAIT_SECONDS) -> Any:
    """The first true answer of `probe`; fails the test when none comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := probe():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")
