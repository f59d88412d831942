"""The image tables against the SageMaker SDK, whose data they are copied from."""

import importlib
from types import ModuleType

import pytest

from sagemaker_llm.models.images import DLC_ACCOUNTS, TGI, TRAINING, Image, dns_suffix, image_uri

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
        assert _uri(region, TGI) == image_uris.retrieve(
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


def test_image_is_named_by_its_digest_when_it_is_pinned() -> None:
    pinned = TGI.pinned(_DIGEST)
    uri = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/huggingface-pytorch-tgi-inference"
    assert _uri("eu-west-1", pinned) == f"{uri}@{_DIGEST}"
    assert (pinned.repository, pinned.tag) == (TGI.repository, TGI.tag)


@pytest.mark.parametrize("digest", ["", "latest", _DIGEST[7:], _DIGEST[:-1], _DIGEST.upper()])
def test_digest_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="digest must be 'sha256:' and 64 hexadecimal digits"):
        TGI.pinned(digest)
