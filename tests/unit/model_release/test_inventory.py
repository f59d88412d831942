"""Which files a released model may hold, and how its inventory is written."""

import json

import pytest

from model_release.inventory import File, check_name, digest, list_files, to_bytes
from tests.unit.model_release.aws_double import BUCKET, S3, etag

_FOLDER = "models/0a1b/"


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "model-00001-of-00003.safetensors",
        "model.gguf",
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
        "adapter/model.gguf",
        "model.gguf.py",
        ".gguf",
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
    s3 = S3()
    content = {"b": b"bb", "a": b"a", "adapter/c": b"ccc"}
    s3.objects = {f"{_FOLDER}{name}": data for name, data in content.items()}
    s3.objects["models/another/d"] = b"d"
    assert list_files(s3.client, BUCKET, _FOLDER) == [
        File(name, len(content[name]), etag(content[name])) for name in ("a", "adapter/c", "b")
    ]
    assert s3.calls == ["list_objects_v2"] * 2


def test_inventory_is_the_same_bytes_whatever_the_order() -> None:
    first, second = File("a", 1, "x"), File("b", 2, "y")
    inventory = to_bytes([second, first])
    assert inventory == to_bytes([first, second])
    assert json.loads(inventory)["files"][0] == {"name": "a", "size": 1, "etag": "x"}
    assert len(digest(inventory)) == 64
