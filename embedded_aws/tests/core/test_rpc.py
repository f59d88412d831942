"""The JSON protocol of our own services: what no client library would send is refused as on AWS."""

import json
from io import BytesIO
from types import SimpleNamespace

import pytest

from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.sagemaker.pipelines import definition
from embedded_aws.sagemaker.pipelines.expressions import ExpressionError, Scope

_DEEP = 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b'"x"',
        b"[" * _DEEP + b"]" * _DEEP,
        b'{"MaxResults":' * _DEEP + b"1" + b"}" * _DEEP,
        b'{"MaxResults": %s}' % (b"9" * 5000),
    ],
)
async def test_a_body_that_is_no_json_object_is_a_serialization_exception(body: bytes) -> None:
    target = {"x-amz-target": "SageMaker.ListModels"}
    status, _, answer = await sagemaker.service.handle("POST", "/", target, body, {})
    assert (status, json.loads(answer)["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    "text",
    [
        "[" * _DEEP,
        "{",
        "9" * 5000,
        # read, and then too deep to look through
        json.dumps({"Version": "2020-12-01", "Steps": []})[:-2] + "[" * 960 + "]" * 960 + "]}",
    ],
)
def test_a_pipeline_definition_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ServiceError, match="PipelineDefinition"):
        definition.parse(text)


@pytest.mark.parametrize("body", [b"[" * _DEEP, b"{", b"\xff"])
def test_a_property_file_that_cannot_be_read_fails_its_step(body: bytes) -> None:
    s3 = SimpleNamespace(get_object=lambda **_: {"Body": BytesIO(body)})
    scope = Scope(
        parameters={},
        variables=str,
        properties=lambda _: {},
        property_file=lambda *_: "",
        s3=lambda: s3,
    )
    with pytest.raises(ExpressionError, match="JsonGet of s3://bucket/key"):
        scope.value({"Std:JsonGet": {"S3Uri": "s3://bucket/key", "Path": "a"}})
