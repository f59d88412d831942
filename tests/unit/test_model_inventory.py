"""Which files a released model may hold, and how its inventory is written."""

import json

import boto3
import pytest
from botocore.stub import Stubber

from model_release.inventory import File, check_name, digest, list_files, to_bytes

_FOLDER = "models/0a1b/"


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "model-00001-of-00003.safetensors",
        "adapter/adapter_model.safetensors",
        "adapter/adapter_config.json",
        "tokenizer.model",
        "LICENSE",
        "license.txt",
        "README.md",
    ],
)
def test_weights_and_texts_are_known(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "pytorch_model.bin",
        "model.gguf",
        "model.safetensors.py",
        ".safetensors",
        "code/inference.py",
        "code/config.json",
        "modeling.py",
        "LICENSE.py",
        "adapter/deeper/model.safetensors",
        "../config.json",
        "/config.json",
        "",
    ],
)
def test_any_other_file_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"safetensors.*, got {name}$"):
        check_name(name)


def test_files_are_listed_over_pages_in_the_order_of_their_names() -> None:
    s3 = boto3.client(
        "s3", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    pages = [
        {
            "IsTruncated": more,
            "NextContinuationToken": "next",
            "Contents": [{"Key": f"{_FOLDER}{name}", "Size": size, "ETag": f'"{name}-tag"'}],
        }
        for name, size, more in (("b", 2, True), ("a", 1, False))
    ]
    with Stubber(s3) as stubber:
        for page in pages:
            stubber.add_response("list_objects_v2", page)
        assert list_files(s3, "artifacts", _FOLDER) == [
            File("a", 1, "a-tag"),
            File("b", 2, "b-tag"),
        ]


def test_inventory_is_the_same_bytes_whatever_the_order() -> None:
    first, second = File("a", 1, "x"), File("b", 2, "y")
    inventory = to_bytes([second, first])
    assert inventory == to_bytes([first, second])
    assert json.loads(inventory)["files"][0] == {"name": "a", "size": 1, "etag": "x"}
    assert len(digest(inventory)) == 64
