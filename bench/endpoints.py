"""An endpoint of each server in the running embedded AWS, and the same server asked directly."""

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.host import contents, processes
from embedded_aws.model_server.packaged import MODEL_ID

_ROOT = Path(__file__).parents[1]
_START_SECONDS = 60
_WINDOW = 2048


@dataclass(frozen=True)
class Server:
    """What a server's image is started with, and where it completes a text itself."""

    name: str
    image: str
    instance_type: str
    environment: Mapping[str, str]
    route: str = "/v1/completions"
    ami: str | None = None


SERVERS = (
    Server(
        name="tgi",
        image="huggingface-pytorch-tgi-inference:2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04",
        instance_type="ml.g5.2xlarge",
        environment={"HF_MODEL_ID": MODEL_ID},
        route="/generate_stream",
    ),
    Server(
        name="vllm",
        image="vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker",
        instance_type="ml.g5.2xlarge",
        environment={"SM_VLLM_MODEL": MODEL_ID, "SM_VLLM_MAX_MODEL_LEN": str(_WINDOW)},
        ami="al2023-ami-sagemaker-inference-gpu-4-1",
    ),
    Server(
        name="llama-cpp",
        image="llama-cpp-arm64:server-sagemaker-cpu-v1",
        instance_type="ml.c7g.2xlarge",
        environment={
            "SM_LLAMA_CPP_HF_REPO": f"{MODEL_ID}-GGUF",
            "SM_LLAMA_CPP_CTX_SIZE": str(4 * _WINDOW),
            "SM_LLAMA_CPP_PARALLEL": "4",
            "SM_LLAMA_CPP_CHAT_TEMPLATE": "{{ messages[0]['content'] }}",
        },
    ),
)


@contextmanager
def direct(server: Server) -> Iterator[str]:
    """The server as a process of its own: its URL."""
    port = processes.free_port()
    command = [sys.executable, "-m", "embedded_aws.model_server", server.name]
    with tempfile.TemporaryDirectory() as folder:
        own = {"PORT": str(port), "TMPDIR": folder}
        environment = {**os.environ, **server.environment, **own}
        process = subprocess.Popen(command, env=environment, cwd=_ROOT, stdout=subprocess.DEVNULL)  # noqa: S603 - our own server
        try:
            if not processes.wait_until_ready(process, port, "/ping", _START_SECONDS):
                raise SystemExit(f"the server {server.name} does not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


@contextmanager
def role() -> Iterator[str]:
    """A role that SageMaker may assume, to pull any image and to log: its ARN."""
    iam, name = contents.client("iam"), _name("role")
    principal = {"Service": "sagemaker.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    pull = {"Effect": "Allow", "Action": ["ecr:*", "logs:*"], "Resource": "*"}
    document = json.dumps({"Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    try:
        policy = json.dumps({"Statement": [pull]})
        iam.put_role_policy(RoleName=name, PolicyName="pull", PolicyDocument=policy)
        yield str(arn)
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="pull")
        iam.delete_role(RoleName=name)


@contextmanager
def endpoint(server: Server, role_arn: str, registry: str) -> Iterator[str]:
    """An endpoint of the server: its name."""
    sagemaker, name = contents.client("sagemaker"), _name(server.name)
    image = {"Image": f"{registry}/{server.image}", "Environment": dict(server.environment)}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role_arn, PrimaryContainer=image)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": server.instance_type,
        "InitialInstanceCount": 1,
        **({"InferenceAmiVersion": server.ami} if server.ami else {}),
    }
    try:
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        _wait(name)
        yield name
        sagemaker.delete_endpoint(EndpointName=name)
    finally:
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
        sagemaker.delete_model(ModelName=name)


def _name(kind: str) -> str:
    return f"bench-{kind}-{uuid.uuid4().hex[:8]}"  # a run that was killed leaves its own


def _wait(name: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        found = contents.client("sagemaker").describe_endpoint(EndpointName=name)
        if found["EndpointStatus"] == "InService":
            return
        if "FailureReason" in found:
            raise SystemExit(f"{name}: {found['FailureReason']}")
        time.sleep(0.2)
    raise SystemExit(f"{name} is not in service after {_START_SECONDS} s")
