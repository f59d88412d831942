"""The image tables against the SageMaker SDK, whose data they are copied from."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from sagemaker_llm.models.images import DLC_ACCOUNTS, TRAINING, Image, dns_suffix, image_uri
from sagemaker_llm.models.servers.llama_cpp import LLAMA_CPP_ARM64_IMAGE, LLAMA_CPP_IMAGE
from sagemaker_llm.models.servers.tgi import TGI_IMAGE
from sagemaker_llm.models.servers.vllm import VLLM_IMAGE

Json = dict[str, Any]
_DIGEST = "sha256:" + "0123456789abcdef" * 4


def _uri(region: str, image: Image) -> str:
    account, suffix = DLC_ACCOUNTS[region], dns_suffix(region)
    return image_uri(image, account=account, region=region, suffix=suffix)


def _sdk(framework: str) -> Json:
    """What the SDK knows of a framework's images: its data, for it takes seconds to import."""
    package = find_spec("sagemaker")
    assert package
    assert package.submodule_search_locations
    (folder,) = package.submodule_search_locations
    file = Path(folder) / "core/image_uri_config" / f"{framework}.json"
    found: Json = json.loads(file.read_text())
    return found


def _tag(data: Json, prefix: str) -> str:
    """The tag of an image for GPUs, as the SDK joins it."""
    (python,) = data["py_versions"]
    return f"{prefix}-gpu-{python}-{data['container_version']['gpu']}"


def test_every_region_of_the_sdk_has_its_image() -> None:
    data = _sdk("huggingface-llm")["inference"]["versions"]["1.1.0"]
    assert data["registries"] == DLC_ACCOUNTS
    tag = _tag(data, data["tag_prefix"])
    assert (data["repository"], tag) == (TGI_IMAGE.repository, TGI_IMAGE.tag)


def test_training_image_is_the_one_of_the_sdk() -> None:
    versions = _sdk("huggingface")["training"]["versions"]
    data = versions["4.56.2"]["pytorch2.8.0"]
    assert data["registries"].items() <= DLC_ACCOUNTS.items()
    tag = _tag(data, "2.8.0-transformers4.56.2")
    assert (data["repository"], tag) == (TRAINING.repository, TRAINING.tag)


def test_vllm_image_is_the_one_of_the_sdk() -> None:
    data = _sdk("vllm")["inference"]["versions"]["0.30.0"]
    assert data["registries"] == VLLM_IMAGE.accounts
    tag = _tag(data, data["tag_prefix"])
    assert (data["repository"], tag) == (VLLM_IMAGE.repository, VLLM_IMAGE.tag)


@pytest.mark.parametrize(
    ("framework", "image"),
    [("llama-cpp", LLAMA_CPP_IMAGE), ("llama-cpp-arm64", LLAMA_CPP_ARM64_IMAGE)],
)
def test_llama_cpp_images_are_those_of_the_sdk(framework: str, image: Image) -> None:
    data = _sdk(framework)["versions"]["1"]
    assert data["registries"] == image.accounts
    assert (data["repository"], f"{data['tag_prefix']}-{data['container_version']['cpu']}") == (
        image.repository,
        image.tag,
    )


def test_every_region_has_the_domain_of_its_partition() -> None:
    session = Session()
    partitions = session.get_data("partitions")["partitions"]
    domains = {each["id"]: each["outputs"]["dnsSuffix"] for each in partitions}
    for region in DLC_ACCOUNTS:
        assert dns_suffix(region) == domains[session.get_partition_for_region(region)], region


def test_image_is_named_by_its_account_and_region() -> None:
    uri = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/huggingface-pytorch-tgi-inference"
    assert _uri("eu-west-1", TGI_IMAGE) == f"{uri}:2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04"
    in_china = "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/"
    assert _uri("cn-north-1", TGI_IMAGE).startswith(in_china)


def test_image_is_named_by_its_digest_when_it_is_pinned() -> None:
    pinned = TGI_IMAGE.pinned(_DIGEST)
    uri = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/huggingface-pytorch-tgi-inference"
    assert _uri("eu-west-1", pinned) == f"{uri}@{_DIGEST}"
    assert (pinned.repository, pinned.tag) == (TGI_IMAGE.repository, TGI_IMAGE.tag)


@pytest.mark.parametrize("digest", ["", "latest", _DIGEST[7:], _DIGEST[:-1], _DIGEST.upper()])
def test_digest_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="digest must be 'sha256:' and 64 hexadecimal digits"):
        TGI_IMAGE.pinned(digest)
