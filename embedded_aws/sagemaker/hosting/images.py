"""The images that the embedded SageMaker runs, and on which instances AWS would start them."""

import re
from typing import NamedTuple

from embedded_aws.core.rpc import invalid

_DIGEST = r"@sha256:[0-9a-f]{64}"
_ARM64 = re.compile(r"[a-z]+\d+[a-z]*g[a-z]*")  # Graviton's families: a `g` after the generation
_GPU, _NEURON = re.compile(r"[gp]\d.*"), re.compile(r"inf.*|trn.*")
_CUDA_13 = 13
_TOO_OLD_FOR_CUDA_13 = ("p2", "p3")
# Their default machine image has driver 470; those of the newer families start CUDA 13.
_OLD_DRIVERS = ("g4dn", "g5", "p4d", "p4de")
# Of InferenceAmiVersion's values, by botocore's text: driver 580, and 550 as AWS's page on its vLLM
# image has it, which brings what CUDA 13 needs beside that driver.
_CUDA_13_AMIS = ("al2023-ami-sagemaker-inference-gpu-4-1", "al2-ami-sagemaker-inference-gpu-3-1")


class ImageError(Exception):
    """An image that cannot run; the message is the endpoint's failure reason."""


class Image(NamedTuple):
    """What an image runs, and what it needs of its host."""

    server: str  # the room of the model server
    tags: str
    is_arm64: bool = False
    cuda: int | None = None


# A digest does not say which version it is, and no registry is here to ask: it is taken for this.
_IMAGES = {
    "huggingface-pytorch-tgi-inference": Image("tgi", r".*-tgi1\.1\.0-.*", cuda=11),
    "vllm": Image("vllm", r"0\.30\.0-gpu-py312-cu130-ubuntu24\.04-sagemaker", cuda=_CUDA_13),
    "llama-cpp": Image("llama-cpp", "server-sagemaker-cpu-v1"),
    "llama-cpp-arm64": Image("llama-cpp", "server-sagemaker-cpu-v1", is_arm64=True),
}


def find(reference: str) -> Image:
    """Return what an image of ECR runs; raises ImageError for one that is not emulated."""
    for repository, image in _IMAGES.items():
        if re.search(rf"/{repository}(:({image.tags})|{_DIGEST})$", reference):
            return image
    raise ImageError(
        "the embedded SageMaker runs huggingface-pytorch-tgi-inference at TGI 1.1.0, "
        "vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker, and llama-cpp and llama-cpp-arm64 at "
        f"server-sagemaker-cpu-v1 only, got {reference!r}"
    )


def check_host(reference: str, instance_type: str, ami_version: str | None) -> None:
    """Raise ImageError when AWS would not get the container to run on an instance type.

    Unverified: the reasons that SageMaker gives; look at the FailureReason of an endpoint with the
    vLLM image on ml.g5 without an InferenceAmiVersion.
    """
    image, family = find(reference), instance_type.split(".")[1]
    is_foreign = image.is_arm64 != (_ARM64.fullmatch(family) is not None)
    if is_foreign or (image.cuda == _CUDA_13 and not _starts_cuda_13(family, ami_version)):
        raise ImageError(
            "CannotStartContainerError. Please ensure the model container for variant AllTraffic "
            f"starts correctly when invoked with 'docker run {reference} serve'"
        )
    if image.cuda and not _GPU.fullmatch(family):
        raise ImageError(
            "The primary container for production variant AllTraffic did not pass the ping health "
            f"check: libcuda.so.1: cannot open shared object file, {instance_type} has no GPU"
        )


def check_ami(instance_type: str, ami_version: str | None) -> None:
    """Raise ServiceError for a machine image with the drivers of another accelerator.

    Unverified: that CreateEndpointConfig refuses it, and AWS's words; look at the error of
    `aws sagemaker create-endpoint-config` for an ml.c7g variant with a GPU's InferenceAmiVersion.
    """
    accelerator = _GPU if "-gpu-" in (ami_version or "") else _NEURON
    if ami_version and not accelerator.fullmatch(instance_type.split(".")[1]):
        raise invalid(f"InferenceAmiVersion {ami_version} is not supported for {instance_type}.")


def _starts_cuda_13(family: str, ami_version: str | None) -> bool:
    if not _GPU.fullmatch(family):
        return True  # it starts, and finds no GPU
    if family in _TOO_OLD_FOR_CUDA_13:
        return False
    if ami_version is None:
        return family not in _OLD_DRIVERS
    return ami_version in _CUDA_13_AMIS
