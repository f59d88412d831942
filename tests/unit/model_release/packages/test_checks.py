"""What a package must be before it is served, against a bucket with state."""

from copy import deepcopy
from typing import Any

import pytest

from model_release.errors import ReleaseRefusedError
from model_release.inventory import digest
from model_release.packages.checks import PackageChecks
from model_release.packages.registry import Package
from tests.unit.model_release.account import (
    ENVIRONMENT,
    FOLDER,
    IMAGE,
    INVENTORY,
    JOB,
    SETTINGS,
    WEIGHTS,
    Account,
    inventory,
    package,
)
from tests.unit.other_json import OTHER_JSON


def _check(account: Account, description: dict[str, Any]) -> None:
    PackageChecks(SETTINGS, account.s3.client).check(Package(description))


def _package(**container: Any) -> dict[str, Any]:
    description = package()
    description["InferenceSpecification"]["Containers"][0].update(container)
    return description


def _source(**more: Any) -> dict[str, Any]:
    (container,) = package()["InferenceSpecification"]["Containers"]
    source: dict[str, Any] = deepcopy(container["ModelDataSource"])
    source["S3DataSource"].update(more)
    return source


def test_package_as_the_pipeline_registers_it_passes(account: Account) -> None:
    _check(account, _package(ImageDigest="sha256:0a1b"))


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"Image": f"{IMAGE}-other"}, "image must be the catalog's"),
        ({"Environment": {**ENVIRONMENT, "LD_PRELOAD": "x"}}, "environment must be the catalog's"),
        ({"Environment": {"SM_NUM_GPUS": "1"}}, "environment must be the catalog's"),
        ({"Environment": {}}, "environment must be the catalog's"),
        ({"ModelDataUrl": "s3://artifacts/x.tar.gz"}, "must have no ModelDataUrl"),
        ({"AdditionalS3DataSource": {"S3Uri": "x"}}, "must have no AdditionalS3DataSource"),
        ({"ProductId": "x"}, "must have no ProductId"),
        ({"ModelDataSource": {}}, "S3DataType must be"),
        ({"ModelDataSource": _source(S3DataType="S3Object")}, "S3DataType must be"),
        ({"ModelDataSource": _source(CompressionType="Gzip")}, "CompressionType must be"),
        ({"ModelDataSource": _source(ManifestS3Uri="s3://x/y")}, "must have no ManifestS3Uri"),
        ({"ModelDataSource": _source(HubAccessConfig={"a": "b"})}, "must have no HubAccessConfig"),
        *(
            ({"ModelDataSource": _source(S3Uri=uri)}, "weights must be s3://artifacts/models/")
            for uri in (
                "s3://other/models/job/",
                "s3://artifacts/candidates/job/",
                "s3://artifacts/models/job",
                "s3://artifacts/models/",
                "s3://artifacts/models/../candidates/",
                "s3://artifacts/models/job/deeper/",
                "https://artifacts/models/job/",
                "",
            )
        ),
    ],
)
def test_package_that_brings_something_else_is_refused(
    account: Account, container: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ReleaseRefusedError, match=reason):
        _check(account, _package(**container))


def test_package_of_another_server_is_refused_in_words(account: Account) -> None:
    image = IMAGE.replace("tgi:1.1.0", "vllm:0.30.0")
    said = (
        "was registered for another server, vllm, and the endpoint runs tgi: tune the model again"
    )
    with pytest.raises(ReleaseRefusedError, match=said):
        _check(account, _package(Image=image))


def test_package_with_a_second_container_is_refused(account: Account) -> None:
    description = package()
    description["InferenceSpecification"]["Containers"] *= 2
    with pytest.raises(ReleaseRefusedError, match="one container, got 2"):
        _check(account, description)


@pytest.mark.parametrize(
    "member", ["AdditionalInferenceSpecifications", "SourceAlgorithmSpecification"]
)
def test_package_with_another_way_to_be_served_is_refused(account: Account, member: str) -> None:
    with pytest.raises(ReleaseRefusedError, match=f"must have no {member}"):
        _check(account, {**package(), member: [{}]})


@pytest.mark.parametrize(
    "uri",
    [
        "s3://artifacts/inventories/another-job.json",
        "s3://other/inventories/pipelines-abc-FineTune-xyz.json",
        f"s3://artifacts/models/{JOB}.json",
        "",
    ],
)
def test_inventory_of_another_model_is_refused(account: Account, uri: str) -> None:
    description = package(inventory=uri)
    with pytest.raises(ReleaseRefusedError, match="inventory must be s3://artifacts/inventories/"):
        _check(account, description)


def test_inventory_that_was_changed_or_deleted_is_refused(account: Account) -> None:
    account.s3.objects[INVENTORY] = inventory({})
    with pytest.raises(ReleaseRefusedError, match="is not the one the package names"):
        _check(account, package())
    del account.s3.objects[INVENTORY]
    with pytest.raises(ReleaseRefusedError, match="is gone"):
        _check(account, package())


@pytest.mark.parametrize(
    "text",
    [
        *(*OTHER_JSON, '{"files": 7}', '{"files": [["w"]]}', '{"files": [{"name": "w"}]}'),
        '{"files": [{"name": ["w"], "size": 1, "etag": "x"}]}',
    ],
    ids=lambda text: text[:40],
)
def test_inventory_of_another_form_is_refused(account: Account, text: str) -> None:
    content = text.encode()
    account.s3.objects[INVENTORY] = content
    with pytest.raises(ReleaseRefusedError, match=f"inventory {INVENTORY} must list files"):
        _check(account, package(inventory_sha256=digest(content)))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model.safetensors": None}, "model.safetensors"),
        ({"model.safetensors": b"shorter"[:-1]}, "model.safetensors"),
        ({"model.safetensors": b"changed"}, "model.safetensors"),
        ({"tokenizer.json": b"t"}, "tokenizer.json"),
        ({"pytorch_model.bin": b"p"}, "pytorch_model.bin"),
        ({"modeling.py": b"p"}, "modeling.py"),
        ({"config.json": None, "model.safetensors": None}, "config.json, model.safetensors"),
    ],
)
def test_weights_that_are_not_as_stored_are_refused_by_name(
    account: Account, changes: dict[str, bytes | None], named: str
) -> None:
    for name, content in changes.items():
        if content is None:
            del account.s3.objects[FOLDER + name]
        else:
            account.s3.objects[FOLDER + name] = content
    with pytest.raises(ReleaseRefusedError, match=f"{named}$"):
        _check(account, package())


def test_inventory_that_lists_code_is_refused_too(account: Account) -> None:
    weights = {**WEIGHTS, "z.py": b"p"}
    account.store(weights)
    description = package(inventory_sha256=digest(inventory(weights)))
    with pytest.raises(ReleaseRefusedError, match=r"got z\.py$"):
        _check(account, description)
