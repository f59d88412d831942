"""The image tables against the SageMaker SDK, whose data they are copied from."""

import importlib
from types import ModuleType

import pytest

from sagemaker_llm.models.images import DLC_ACCOUNTS, TRAINING, Image, dns_suffix, image_uri
from sagemaker_llm.models.servers.llama_cpp import LLAMA_CPP_ARM64_IMAGE, LLAMA_CPP_IMAGE
from sagemaker_llm.models.servers.tgi import TGI_IMAGE
from sagemaker_llm.models.servers.vllm import VLLM_IMAGE

_DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.fixture(name="image_uris", scope="module")
def _image_uris() -> ModuleType:
    return importlib.import_module("sagemaker.core.image_uris")


def _uri(region: str, image: Image) -> str:
    account, suffix = DLC_ACCOUNTS[region], dns_suffix(region)
    return image_uri(image, account=account, region=region, suffix=suffix)


@pytest.mark.filterwarnings("default")  # the SDK's own
def test_every_region_of_the_sdk_has_its_image(image_uris: ModuleType) -> None:
    data = image_uris.config_for_framework("huggingface-llm")["inference"]["versions"]["1.1.0"]
    assert data["registries"] == DLC_ACCOUNTS
    for region in DLC_ACCOUNTS:
        assert _uri(region, TGI_IMAGE) == image_uris.retrieve(
            "huggingface-llm", region=region, version="1.1.0", instance_type="ml.g5.2xlarge"
        )


@pytest.mark.filterwarnings("default")  # the SDK's own
def test_training_image_is_the_one_of_the_sdk(image_uris: ModuleType) -> None:
    versions = image_uris.config_for_framework("huggingface")["training"]["versions"]
    registries = versions["4.56.2"]["pytorch2.8.0"]["registries"]
    assert registries.items() <= DLC_ACCOUNTS.items()
    for region in registries:
        assert _uri(region, TRAINING) == image_uris.retrieve(
            "huggingface",
            region=region,
            version="4.56.2",
            base_framework_version="pytorch2.8.0",
            py_version="py312",
            instance_type="ml.g5.12xlarge",
            image_scope="training",
        )


@pytest.mark.filterwarnings("default")  # the SDK's own
def test_vllm_image_is_the_one_of_the_sdk(image_uris: ModuleType) -> None:
    versions = image_uris.config_for_framework("vllm")["inference"]["versions"]
    assert versions["0.30.0"]["registries"] == VLLM_IMAGE.accounts
    for region in VLLM_IMAGE.accounts:
        assert _uri(region, VLLM_IMAGE) == image_uris.retrieve(
            "vllm",
            region=region,
            version="0.30.0",
            py_version="py312",
            instance_type="ml.g5.2xlarge",
            image_scope="inference",
        )


@pytest.mark.filterwarnings("default")  # the SDK's own
@pytest.mark.parametrize(
    ("framework", "image"),
    [("llama-cpp", LLAMA_CPP_IMAGE), ("llama-cpp-arm64", LLAMA_CPP_ARM64_IMAGE)],
)
def test_llama_cpp_images_are_those_of_the_sdk(
    image_uris: ModuleType, framework: str, image: Image
) -> None:
    data = image_uris.config_for_framework(framework)["versions"]["1"]
    assert data["registries"] == image.accounts
    assert (data["repository"], f"{data['tag_prefix']}-{data['container_version']['cpu']}") == (
        image.repository,
        image.tag,
    )


def test_image_is_named_by_its_digest_when_it_is_pinned() -> None:
    pinned = TGI_IMAGE.pinned(_DIGEST)
    uri = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/huggingface-pytorch-tgi-inference"
    assert _uri("eu-west-1", pinned) == f"{uri}@{_DIGEST}"
    assert (pinned.repository, pinned.tag) == (TGI_IMAGE.repository, TGI_IMAGE.tag)


@pytest.mark.parametrize("digest", ["", "latest", _DIGEST[7:], _DIGEST[:-1], _DIGEST.upper()])
def test_digest_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="digest must be 'sha256:' and 64 hexadecimal digits"):
        TGI_IMAGE.pinned(digest)
