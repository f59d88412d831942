"""The image tables against the SageMaker SDK, whose data they are copied from."""

import importlib
from types import ModuleType

import pytest

from sagemaker_llm.images import (
    DLC_ACCOUNTS,
    TGI_REPOSITORY,
    TGI_TAG,
    TRAINING_REPOSITORY,
    TRAINING_TAG,
    dns_suffix,
    image_uri,
)


@pytest.fixture(name="image_uris", scope="module")
def _image_uris() -> ModuleType:
    return importlib.import_module("sagemaker.core.image_uris")


def _uri(region: str, repository: str, tag: str) -> str:
    return image_uri(
        account=DLC_ACCOUNTS[region],
        region=region,
        suffix=dns_suffix(region),
        repository=repository,
        tag=tag,
    )


@pytest.mark.filterwarnings("default")  # the SDK's own
def test_every_region_of_the_sdk_has_its_image(image_uris: ModuleType) -> None:
    data = image_uris.config_for_framework("huggingface-llm")["inference"]["versions"]["1.1.0"]
    assert data["registries"] == DLC_ACCOUNTS
    for region in DLC_ACCOUNTS:
        assert _uri(region, TGI_REPOSITORY, TGI_TAG) == image_uris.retrieve(
            "huggingface-llm", region=region, version="1.1.0", instance_type="ml.g5.2xlarge"
        )


@pytest.mark.filterwarnings("default")  # the SDK's own
def test_training_image_is_the_one_of_the_sdk(image_uris: ModuleType) -> None:
    versions = image_uris.config_for_framework("huggingface")["training"]["versions"]
    registries = versions["4.56.2"]["pytorch2.8.0"]["registries"]
    assert registries.items() <= DLC_ACCOUNTS.items()
    for region in registries:
        assert _uri(region, TRAINING_REPOSITORY, TRAINING_TAG) == image_uris.retrieve(
            "huggingface",
            region=region,
            version="4.56.2",
            base_framework_version="pytorch2.8.0",
            py_version="py312",
            instance_type="ml.g5.12xlarge",
            image_scope="training",
        )
