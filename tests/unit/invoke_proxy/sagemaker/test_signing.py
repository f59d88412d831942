"""Signatures: the same as botocore's."""

from datetime import UTC, datetime

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from invoke_proxy.sagemaker import signing

_HOST = "runtime.sagemaker.eu-central-1.amazonaws.com"


@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzE/+=="])
@pytest.mark.parametrize("endpoint", ["Llm-1a2B", "odd name/~é+"])
@pytest.mark.parametrize("body", [b"", '{"inputs":"é"}'.encode(), b"x" * 100_000])
@pytest.mark.parametrize("named", [{}, {"x-amzn-sagemaker-inference-component": "support"}])
def test_a_signature_is_botocores(
    body: bytes, endpoint: str, token: str | None, named: dict[str, str]
) -> None:
    credentials = ReadOnlyCredentials("AKIDEXAMPLE", "secret/+", token, None)
    headers = {
        "host": _HOST,
        "content-type": "application/json",
        "content-length": str(len(body)),
        **named,
    }
    path = signing.invocation_path(endpoint)
    ours = dict(signing.signed(path, headers, body, credentials, "eu-central-1"))
    request = AWSRequest("POST", f"https://{_HOST}{path}", headers=headers, data=body)
    request.context["timestamp"] = ours["x-amz-date"]
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    if token:
        request.headers["X-Amz-Security-Token"] = token
    signer = auth.SigV4Auth(credentials, "sagemaker", "eu-central-1")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert ours["authorization"].endswith(f"Signature={signer.signature(text, request)}")
    names = signer.signed_headers(signer.headers_to_sign(request))
    assert f"/{signer.credential_scope(request)}, SignedHeaders={names}, " in ours["authorization"]


def test_a_new_day_and_new_credentials_have_keys_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Clock(datetime):
        day = 1

        @classmethod
        def now(cls, tz: object = None) -> "Clock":  # noqa: ARG003 - always UTC
            return cls(2026, 11, cls.day, tzinfo=UTC)

    monkeypatch.setattr(signing, "datetime", Clock)

    def signature(secret: str) -> str:
        credentials = ReadOnlyCredentials("AKIDEXAMPLE", secret, None, None)
        return dict(signing.signed("/", {"host": _HOST}, b"", credentials, "eu-west-1"))[
            "authorization"
        ].rpartition("=")[2]

    first = signature("one")
    assert signature("one") == first
    assert signature("two") != first
    Clock.day = 2
    assert signature("one") != first
