"""Which images the embedded SageMaker runs, and where AWS would not start them."""

import pytest

from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker.hosting import images
from embedded_aws.tests.account import CUDA_13_AMI, VLLM_IMAGE
from embedded_aws.tests.sagemaker.hosting.conftest import Hosting

_REGISTRY = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
_DIGEST = f"sha256:{'0123456789abcdef' * 4}"
_TGI = f"{_REGISTRY}/huggingface-pytorch-tgi-inference"
_LLAMA_CPP = f"{_REGISTRY}/llama-cpp:server-sagemaker-cpu-v1"
_LLAMA_CPP_ARM64 = f"{_REGISTRY}/llama-cpp-arm64:server-sagemaker-cpu-v1"
_CUDA_12 = "al2-ami-sagemaker-inference-gpu-2-1"


@pytest.mark.parametrize(
    ("reference", "server"),
    [
        (f"{_TGI}:2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04", "tgi"),
        (f"{_TGI}@{_DIGEST}", "tgi"),
        (VLLM_IMAGE, "vllm"),
        (f"{_REGISTRY}/vllm@{_DIGEST}", "vllm"),
        (_LLAMA_CPP, "llama-cpp"),
        (f"{_REGISTRY}/llama-cpp@{_DIGEST}", "llama-cpp"),
        (_LLAMA_CPP_ARM64, "llama-cpp"),
        (f"{_REGISTRY}/llama-cpp-arm64@{_DIGEST}", "llama-cpp"),
    ],
)
def test_repository_chooses_the_server_by_tag_and_by_digest(reference: str, server: str) -> None:
    assert images.find(reference).server == server


@pytest.mark.parametrize(
    "image",
    [
        f"{_TGI}:2.4.0-tgi3.0.1-gpu-py311-cu124-ubuntu22.04",
        f"{_TGI}@{_DIGEST[:-1]}",
        f"{_TGI}-other@{_DIGEST}",
        f"{_REGISTRY}/djl-inference@{_DIGEST}",
        f"{_REGISTRY}/huggingface-vllm@{_DIGEST}",
        f"{_REGISTRY}/vllm:0.29.0-gpu-py312-cu130-ubuntu24.04-sagemaker",
        f"{_REGISTRY}/llama-cpp:server-sagemaker-cpu-v2",
        "",
    ],
)
def test_other_image_is_refused(image: str) -> None:
    with pytest.raises(images.ImageError, match=r"at server-sagemaker-cpu-v1 only, got"):
        images.find(image)


@pytest.mark.parametrize(
    ("image", "instance_type", "ami"),
    [
        (f"{_TGI}@{_DIGEST}", "ml.g5.2xlarge", None),
        (VLLM_IMAGE, "ml.g5.2xlarge", CUDA_13_AMI),
        (VLLM_IMAGE, "ml.g5.2xlarge", "al2-ami-sagemaker-inference-gpu-3-1"),
        (VLLM_IMAGE, "ml.g6.2xlarge", None),
        (_LLAMA_CPP, "ml.c6i.2xlarge", None),
        (_LLAMA_CPP, "ml.g5.2xlarge", None),
        (_LLAMA_CPP_ARM64, "ml.c7g.2xlarge", None),
        (_LLAMA_CPP_ARM64, "ml.c6gn.2xlarge", None),
        (_LLAMA_CPP_ARM64, "ml.r7gd.2xlarge", None),
    ],
)
def test_container_starts_where_its_image_fits(
    image: str, instance_type: str, ami: str | None
) -> None:
    images.check_host(image, instance_type, ami)


@pytest.mark.parametrize(
    ("image", "instance_type", "ami"),
    [
        (VLLM_IMAGE, "ml.g5.2xlarge", None),
        (VLLM_IMAGE, "ml.p4d.24xlarge", None),
        (VLLM_IMAGE, "ml.g6.2xlarge", _CUDA_12),
        (VLLM_IMAGE, "ml.p3.2xlarge", CUDA_13_AMI),
        (VLLM_IMAGE, "ml.c7g.2xlarge", None),
        (_LLAMA_CPP, "ml.c7g.2xlarge", None),
        (_LLAMA_CPP_ARM64, "ml.c7i.2xlarge", None),
        (_LLAMA_CPP_ARM64, "ml.g5.2xlarge", None),
    ],
)
def test_container_cannot_start_on_a_machine_of_another_kind(
    image: str, instance_type: str, ami: str | None
) -> None:
    with pytest.raises(images.ImageError, match=rf"^CannotStartContainerError.*docker run {image}"):
        images.check_host(image, instance_type, ami)


@pytest.mark.parametrize("image", [VLLM_IMAGE, f"{_TGI}@{_DIGEST}"])
def test_container_is_never_healthy_without_its_gpu(image: str) -> None:
    with pytest.raises(
        images.ImageError, match=r"ping health check: .*ml\.c7i\.2xlarge has no GPU"
    ):
        images.check_host(image, "ml.c7i.2xlarge", None)


@pytest.mark.parametrize(
    ("ami", "instance_type", "refusal"),
    [
        ("al2-ami-none", "ml.g5.2xlarge", "Member must satisfy enum value set: .*gpu-4-1"),
        (CUDA_13_AMI, "ml.c7g.2xlarge", f"{CUDA_13_AMI} is not supported for ml.c7g.2xlarge"),
        ("al2-ami-sagemaker-inference-neuron-2", "ml.g5.2xlarge", "is not supported for ml.g5"),
    ],
)
def test_machine_image_is_refused_where_it_is_none(
    hosting: Hosting, ami: str, instance_type: str, refusal: str
) -> None:
    with pytest.raises(ServiceError, match=refusal):
        hosting.config("D", InstanceType=instance_type, InferenceAmiVersion=ami)


def test_machine_image_is_described_as_given(hosting: Hosting) -> None:
    hosting.config("D", InferenceAmiVersion=CUDA_13_AMI)
    config = hosting.call("DescribeEndpointConfig", EndpointConfigName="D")
    assert config["ProductionVariants"][0]["InferenceAmiVersion"] == CUDA_13_AMI


def test_cpu_instances_are_hosted(hosting: Hosting) -> None:
    hosting.config("D", InstanceType="ml.c7g.2xlarge")
    assert hosting.create("D")["EndpointStatus"] == "InService"
