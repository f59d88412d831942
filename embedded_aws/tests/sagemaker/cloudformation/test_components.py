"""A stack with a base and LoRA adapters: several models of one container, and one is exchanged."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.account import BUCKET, CUDA_13_AMI, VLLM_IMAGE, Account, allow, until
from embedded_aws.tests.sagemaker.adapters import random_adapter
from embedded_aws.tests.sagemaker.model_servers import model_servers

Json = dict[str, Any]
_SETTLED_SECONDS = 300
_STREAMED = json.dumps(
    {"prompt": "One, two, three,", "max_tokens": 30, "temperature": 0, "stream": True}
)
_ASKED = json.dumps({"prompt": "The capital of France is", "max_tokens": 8, "temperature": 0})


def _component(name: str, depends_on: str | None = None, **properties: Any) -> Json:
    endpoint = {"Fn::GetAtt": ["Endpoint", "EndpointName"]}
    return {
        "Type": "AWS::SageMaker::InferenceComponent",
        **({"DependsOn": depends_on} if depends_on else {}),
        "Properties": {
            "InferenceComponentName": name,
            "EndpointName": endpoint,
            **properties,
        },
    }


def _template(role: str, stack: str, window: int, adapters: dict[str, str]) -> str:
    variables = {
        "SM_VLLM_MODEL": MODEL_ID,
        "SM_VLLM_MAX_MODEL_LEN": str(window),
        "SM_VLLM_ENABLE_LORA": "true",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "true",
    }
    variant = {
        "VariantName": "AllTraffic",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
        "InferenceAmiVersion": CUDA_13_AMI,
    }
    base = {
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "ComputeResourceRequirements": {
            "NumberOfAcceleratorDevicesRequired": 1,
            "MinMemoryRequiredInMb": 8192,
        },
    }
    resources = {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": role,
                "PrimaryContainer": {"Image": VLLM_IMAGE, "Environment": variables},
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {"ExecutionRoleArn": role, "ProductionVariants": [variant]},
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": stack,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
        "Base": _component(
            f"{stack}-base",
            VariantName="AllTraffic",
            Specification=base,
            RuntimeConfig={"CopyCount": 1},
        ),
        **{
            name.capitalize(): _component(
                f"{stack}-{name}",
                "Base",
                Specification={
                    "BaseInferenceComponentName": f"{stack}-base",
                    "Container": {"ArtifactUrl": url},
                },
            )
            for name, url in adapters.items()
        },
    }
    return json.dumps({"Resources": resources})


class Stack:
    """One stack, and what its components answer."""

    def __init__(self, account: Account) -> None:
        self.account, self.name = account, account.name("components")
        self.cloudformation = account.aws.client("cloudformation")
        # As the construct has it: the archives of this account, and no list of them.
        archives = allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/{self.name}/*")
        archives["Condition"] = {"StringEquals": {"aws:ResourceAccount": "000000000000"}}
        self.role = account.role(archives)

    def deploy(self, status: str, *, window: int = 640, **adapters: str) -> None:
        body = _template(self.role, self.name, window, adapters)
        is_new = status.startswith("CREATE")
        call = self.cloudformation.create_stack if is_new else self.cloudformation.update_stack
        call(StackName=self.name, TemplateBody=body)
        self.wait(status)

    def wait(self, status: str) -> None:
        def ended() -> bool:
            (found,) = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
            assert "FAILED" not in found["StackStatus"], found
            return bool(found["StackStatus"] == status)

        until(ended, _SETTLED_SECONDS)

    def ask(self, model: str, client: Any = None) -> str:
        runtime = client or self.account.aws.client("sagemaker-runtime")
        answer = runtime.invoke_endpoint(
            EndpointName=self.name,
            InferenceComponentName=f"{self.name}-{model}",
            ContentType="application/json",
            Body=_ASKED,
        )
        return str(json.load(answer["Body"])["choices"][0]["text"])

    def stream(self, model: str) -> str:
        """Return the text of a whole stream; fails for one that was cut."""
        runtime = self.account.aws.client("sagemaker-runtime")
        answer = runtime.invoke_endpoint_with_response_stream(
            EndpointName=self.name,
            InferenceComponentName=f"{self.name}-{model}",
            ContentType="application/json",
            Body=_STREAMED,
        )
        whole = b"".join(part["PayloadPart"]["Bytes"] for part in answer["Body"])
        *events, done = (line for line in whole.decode().split("\n\n") if line)
        choices = [json.loads(event.removeprefix("data:"))["choices"][0] for event in events]
        assert (choices[-1]["finish_reason"], done) == ("length", "data: [DONE]")
        return "".join(choice["text"] for choice in choices)

    @contextmanager
    def streaming(self, model: str) -> Iterator[list[str]]:
        """Keep a stream open, one after the other, and collect the texts."""
        texts: list[str] = []
        enough = Event()

        def flow() -> None:
            while not enough.is_set():
                texts.append(self.stream(model))

        with ThreadPoolExecutor(1) as pool:
            flowing = pool.submit(flow)
            try:
                until(lambda: texts or flowing.done(), _SETTLED_SECONDS)
                yield texts
            finally:
                enough.set()
            flowing.result()

    def caller(self, *resources: str) -> Any:
        """A client that may invoke these resources and nothing else."""
        arns = [f"arn:aws:sagemaker:us-east-1:000000000000:{each}" for each in resources]
        allowed = allow("sagemaker:InvokeEndpoint", *arns)
        return self.account.caller(allowed, service="sagemaker-runtime")


@pytest.fixture
def stack(account: Account) -> Iterator[Stack]:
    made = Stack(account)
    yield made
    made.cloudformation.delete_stack(StackName=made.name)


def test_adapters_answer_beside_their_base_and_are_exchanged_while_it_serves(
    account: Account, stack: Stack, tmp_path: Path
) -> None:
    one, two = (
        account.put(f"{stack.name}/{number}.tar.gz", random_adapter(tmp_path / number, int(number)))
        for number in ("1", "2")
    )
    stack.deploy("CREATE_COMPLETE", support=one, legal=two)
    base, support, legal = (stack.ask(model) for model in ("base", "support", "legal"))
    assert len({base, support, legal}) == 3

    # Who invokes needs both: neither is enough, and one component is not another.
    endpoint, component = f"endpoint/{stack.name}", f"inference-component/{stack.name}-support"
    assert stack.ask("support", stack.caller(endpoint, component)) == support
    for resources in ((endpoint,), (component,)):
        with pytest.raises(ClientError, match="not authorized"):
            stack.ask("support", stack.caller(*resources))
    with pytest.raises(ClientError, match="not authorized"):
        stack.ask("legal", stack.caller(endpoint, component))

    # Another version is another address, and a component that is no longer declared goes.
    stack.deploy("UPDATE_COMPLETE", support=two)
    assert (stack.ask("base"), stack.ask("support")) == (base, legal)
    with pytest.raises(ClientError, match="not found"):
        stack.ask("legal")

    # What serves outlives an update to an archive that the role may not read.
    other = account.put("other/3.tar.gz", random_adapter(tmp_path / "3", 3))
    stack.deploy("UPDATE_ROLLBACK_COMPLETE", support=other)
    assert stack.ask("support") == legal

    # Each adapter goes before the base, and both before the endpoint.
    stack.cloudformation.delete_stack(StackName=stack.name)
    listed = account.sagemaker.list_inference_components
    until(lambda: not listed(NameContains=stack.name)["InferenceComponents"], _SETTLED_SECONDS)
    until(lambda: not account.sagemaker.list_endpoints(NameContains=stack.name)["Endpoints"])


def test_a_server_that_was_killed_answers_for_its_adapters_again(
    stack: Stack, account: Account, tmp_path: Path
) -> None:
    others = model_servers(account)
    archive = account.put(f"{stack.name}/1.tar.gz", random_adapter(tmp_path / "1", 1))
    stack.deploy("CREATE_COMPLETE", support=archive)
    base, support = stack.ask("base"), stack.ask("support")
    (server,) = model_servers(account) - others
    server.kill()
    server.wait()

    def answer() -> str | None:
        with suppress(ClientError):
            return stack.ask("support")
        return None

    assert until(answer, _SETTLED_SECONDS) == support
    assert stack.ask("base") == base


def test_an_adapters_streams_outlast_its_bases_exchange_and_another_adapters(
    stack: Stack, account: Account, tmp_path: Path
) -> None:
    one, two, three = (
        account.put(f"{stack.name}/{number}.tar.gz", random_adapter(tmp_path / number, int(number)))
        for number in ("1", "2", "3")
    )
    stack.deploy("CREATE_COMPLETE", support=one, legal=two)
    legal, base = stack.stream("legal"), stack.stream("base")
    with stack.streaming("legal") as texts:
        stack.deploy("UPDATE_COMPLETE", window=512, support=one, legal=two)
        stack.deploy("UPDATE_COMPLETE", window=512, support=three, legal=two)
    assert set(texts) == {legal}
    assert legal != stack.stream("support") != base
