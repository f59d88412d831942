"""Digests of the container images: what a tag names in the registry, and what is deployed."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from operate.environment import Environment
from operate.releases.components import served_model

# <account>.dkr.ecr.<region>.<suffix>/<repository>, then `:<tag>` or `@<digest>`.
_URI = re.compile(r"(\d{12})\.dkr\.ecr\.([^.]+)\.[^/]+/([^:@]+)(?:@(.+))?")


# What the library calls them.
_CONSTANTS = {
    "huggingface-pytorch-tgi-inference": "TGI_IMAGE",
    "huggingface-pytorch-training": "TRAINING",
    "llama-cpp": "LLAMA_CPP_IMAGE",
    "llama-cpp-arm64": "LLAMA_CPP_ARM64_IMAGE",
    "vllm": "VLLM_IMAGE",
}


class Deployed(NamedTuple):
    """An image as a stack names it, the tag it was chosen by, and the digests that run."""

    use: str
    uri: str
    tag: str
    running: frozenset[str] = frozenset()

    @property
    def digest(self) -> str | None:
        """Return the pinned digest, if there is one."""
        found = _URI.match(self.uri)
        return found[4] if found else None


def check_images(environment: Environment) -> None:
    """Print each image; raises SystemExit if one is not what its tag names in the registry."""
    images = [_serving(environment)]
    if environment.is_deployed("Training"):
        images.append(_training(environment))
    disagree = [image for image in images if not _agrees(environment, image)]
    if disagree:
        raise SystemExit(
            f"{environment.name} runs an image that its tag no longer names: read what"
            " changed, then pin the new digest or keep the old one"
        )


def _agrees(environment: Environment, image: Deployed) -> bool:
    registered = _registered(environment, image)
    print(f"{image.use}: {image.tag}")
    print(f"  in the registry  {registered}")
    print(f"  deployed         {image.digest or 'by its tag, which can move'}")
    for digest in sorted(image.running):
        print(f"  running          {digest}")
    if image.digest is None:
        name = _CONSTANTS[image.tag.partition(":")[0]]
        field = "serving_image" if image.use == "serving" else "tuning: image"
        print(f'  to pin it: {field}={name}.pinned("{registered}") in stacks/environments.py')
    return {digest for digest in (image.digest, *image.running) if digest} <= {registered}


def _registered(environment: Environment, image: Deployed) -> str:
    """Return the digest that the tag names in the region's registry now."""
    found = _URI.match(image.uri)
    if found is None:
        raise SystemExit(f"the image must be in ECR, got {image.uri!r}")
    account, region, repository, _ = found.groups()
    try:
        answer = environment.client("ecr", region).batch_get_image(
            registryId=account,
            repositoryName=repository,
            imageIds=[{"imageTag": image.tag.partition(":")[2]}],
        )
    except ClientError as error:
        raise SystemExit(
            f"the registry {account} in {region} refuses, or has no such image; what may be missing"
            f" is ecr:BatchGetImage of it: {error}"
        ) from error
    if not answer["images"]:
        reason = ", ".join(failure["failureReason"] for failure in answer["failures"])
        raise SystemExit(f"the registry {account} in {region} has no {image.tag}: {reason}")
    return str(answer["images"][0]["imageId"]["imageDigest"])


def _serving(environment: Environment) -> Deployed:
    sagemaker, found = environment.client("sagemaker"), environment.outputs("Serving")
    endpoint = sagemaker.describe_endpoint(EndpointName=found["EndpointName"])
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    name = served_model(sagemaker, found["EndpointName"], config["ProductionVariants"][0])
    container = sagemaker.describe_model(ModelName=name)["PrimaryContainer"]
    if package := container.get("ModelPackageName"):
        described = sagemaker.describe_model_package(ModelPackageName=package)
        container = described["InferenceSpecification"]["Containers"][0]
    running = {
        image["ResolvedImage"].rpartition("@")[2]
        for variant in endpoint.get("ProductionVariants", [])
        for image in variant.get("DeployedImages", [])
    }
    return Deployed("serving", container["Image"], found["ServingImageTag"], frozenset(running))


def _training(environment: Environment) -> Deployed:
    found = environment.outputs("Training")
    pipeline = environment.client("sagemaker").describe_pipeline(PipelineName=found["PipelineName"])
    images = set(_images(json.loads(pipeline["PipelineDefinition"])))
    tag = found["TrainingImageTag"]
    (uri,) = (uri for uri in images if f"/{tag.partition(':')[0]}" in uri)
    return Deployed("training", uri, tag)


def _images(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield the images of all jobs in a pipeline's definition."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if key in ("ImageUri", "TrainingImage") and isinstance(item, str):
            yield item
        elif isinstance(item, dict | list):
            yield from _images(item)
