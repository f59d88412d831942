"""What a package must be before it is served, against S3 as botocore knows it."""

import io
import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import botocore.session
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from model_release import checks
from model_release.checks import check_package
from model_release.inventory import File, digest, to_bytes
from model_release.release import ReleaseRefusedError

_IMAGE = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/tgi:1.1.0"
_ENVIRONMENT = {"HF_MODEL_ID": "/opt/ml/model", "SM_NUM_GPUS": "1"}
_FILES = [File("config.json", 2, "c"), File("model.safetensors", 9, "w-2")]
_JOB = "pipelines-abc-FineTune-xyz"
_FOLDER, _INVENTORY = f"models/{_JOB}/", f"inventories/{_JOB}.json"


@pytest.fixture(name="s3", autouse=True)
def _s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    monkeypatch.setenv("IMAGE", _IMAGE)
    monkeypatch.setenv("CONTAINER_ENVIRONMENT", json.dumps(_ENVIRONMENT))
    monkeypatch.setenv("ARTIFACTS", "artifacts")
    client = botocore.session.get_session().create_client(
        "s3", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(checks, "s3", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def _package(**container: Any) -> dict[str, Any]:
    source = {
        "S3Uri": f"s3://artifacts/{_FOLDER}",
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
    return {
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": _IMAGE,
                    "Environment": _ENVIRONMENT,
                    "ModelDataSource": {"S3DataSource": source},
                    **container,
                }
            ]
        },
        "CustomerMetadataProperties": {
            "inventory": f"s3://artifacts/{_INVENTORY}",
            "inventory_sha256": digest(to_bytes(_FILES)),
        },
    }


def _source(**more: Any) -> dict[str, Any]:
    (container,) = _package()["InferenceSpecification"]["Containers"]
    source: dict[str, Any] = deepcopy(container["ModelDataSource"])
    source["S3DataSource"].update(more)
    return source


def _has_inventory(s3: Stubber, content: bytes) -> None:
    body = StreamingBody(io.BytesIO(content), len(content))
    s3.add_response("get_object", {"Body": body}, {"Bucket": "artifacts", "Key": _INVENTORY})


def _has_files(s3: Stubber, files: list[File]) -> None:
    contents = [
        {"Key": f"{_FOLDER}{file.name}", "Size": file.size, "ETag": f'"{file.etag}"'}
        for file in files
    ]
    asked = {"Bucket": "artifacts", "Prefix": _FOLDER}
    s3.add_response("list_objects_v2", {"IsTruncated": False, "Contents": contents}, asked)


def test_package_as_the_pipeline_registers_it_passes(s3: Stubber) -> None:
    _has_inventory(s3, to_bytes(_FILES))
    _has_files(s3, _FILES)
    check_package(_package(ImageDigest="sha256:0a1b"))


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"Image": f"{_IMAGE}-other"}, "image must be the catalog's"),
        ({"Environment": {**_ENVIRONMENT, "LD_PRELOAD": "x"}}, "environment must be the catalog's"),
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
    container: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ReleaseRefusedError, match=reason):
        check_package(_package(**container))


def test_package_with_a_second_container_is_refused() -> None:
    package = _package()
    package["InferenceSpecification"]["Containers"] *= 2
    with pytest.raises(ReleaseRefusedError, match="one container, got 2"):
        check_package(package)


@pytest.mark.parametrize(
    "member", ["AdditionalInferenceSpecifications", "SourceAlgorithmSpecification"]
)
def test_package_with_another_way_to_be_served_is_refused(member: str) -> None:
    with pytest.raises(ReleaseRefusedError, match=f"must have no {member}"):
        check_package({**_package(), member: [{}]})


@pytest.mark.parametrize(
    "uri",
    [
        "s3://artifacts/inventories/another-job.json",
        "s3://other/inventories/pipelines-abc-FineTune-xyz.json",
        f"s3://artifacts/models/{_JOB}.json",
        "",
    ],
)
def test_inventory_of_another_model_is_refused(uri: str) -> None:
    package = _package()
    package["CustomerMetadataProperties"]["inventory"] = uri
    with pytest.raises(ReleaseRefusedError, match="inventory must be s3://artifacts/inventories/"):
        check_package(package)


def test_inventory_that_was_changed_or_deleted_is_refused(s3: Stubber) -> None:
    _has_inventory(s3, to_bytes([]))
    with pytest.raises(ReleaseRefusedError, match="is not the one the package names"):
        check_package(_package())
    s3.add_client_error("get_object", "NoSuchKey")
    with pytest.raises(ReleaseRefusedError, match="is gone"):
        check_package(_package())


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ([_FILES[0]], "model.safetensors"),
        ([_FILES[0], File("model.safetensors", 8, "w-2")], "model.safetensors"),
        ([_FILES[0], File("model.safetensors", 9, "x-2")], "model.safetensors"),
        ([*_FILES, File("tokenizer.json", 1, "t")], "tokenizer.json"),
        ([*_FILES, File("pytorch_model.bin", 1, "p")], "pytorch_model.bin"),
        ([File("modeling.py", 1, "p"), *_FILES], "modeling.py"),
        ([], "config.json, model.safetensors"),
    ],
)
def test_weights_that_are_not_as_stored_are_refused_by_name(
    s3: Stubber, files: list[File], named: str
) -> None:
    _has_inventory(s3, to_bytes(_FILES))
    _has_files(s3, files)
    with pytest.raises(ReleaseRefusedError, match=f"{named}$"):
        check_package(_package())


def test_inventory_that_lists_code_is_refused_too(s3: Stubber) -> None:
    files = [*_FILES, File("z.py", 1, "p")]
    _has_inventory(s3, to_bytes(files))
    _has_files(s3, files)
    package = _package()
    package["CustomerMetadataProperties"]["inventory_sha256"] = digest(to_bytes(files))
    with pytest.raises(ReleaseRefusedError, match=r"got z\.py$"):
        check_package(package)
