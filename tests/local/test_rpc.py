"""The JSON protocol of our own services: what no client library would send is refused as on AWS."""

import json

import pytest

from local import sagemaker

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
