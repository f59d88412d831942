import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_authorizer.handler import handle

ARN = "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/api/POST/v1/chat/completions"
KEY = "k" * 40


def event(header: str) -> dict[str, str]:
    return {"type": "TOKEN", "authorizationToken": header, "methodArn": ARN}


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer  {KEY}", f" Bearer {KEY} "])
def test_the_key_is_handed_to_the_usage_plans(header: str) -> None:
    assert handle(event(header), None)["usageIdentifierKey"] == KEY


def test_the_policy_is_for_the_whole_stage_so_that_it_can_be_cached() -> None:
    (statement,) = handle(event(f"Bearer {KEY}"), None)["policyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/api/*",
    }


def test_the_principal_tells_keys_apart_without_telling_them() -> None:
    principal = handle(event(f"Bearer {KEY}"), None)["principalId"]
    assert principal == hashlib.sha256(KEY.encode()).hexdigest()[:16]
    assert principal != handle(event(f"Bearer {KEY}2"), None)["principalId"]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", KEY, f"Basic {KEY}", "Bearer short", f"Bearer {KEY} {KEY}",
     f"Bearer {'k' * 129}", f"Bearer {KEY}\n"[:-1] + "\x00"],
)  # fmt: skip
def test_what_cannot_be_a_key_is_unauthorized(header: str) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        handle(event(header), None)


def test_a_request_without_the_header_is_unauthorized() -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        handle({"type": "TOKEN", "methodArn": ARN}, None)


def outcome(header: str) -> str:
    try:
        key: str = handle(event(header), None)["usageIdentifierKey"]
    except Exception as refused:  # noqa: BLE001 - its text is the contract, not its type
        return str(refused)
    return key


@given(st.text() | st.text("bBearer kK1=-", max_size=200) | st.just("Bearer" + " " * 100_000))
def test_any_header_is_a_key_or_unauthorized(header: str) -> None:
    key = outcome(header)
    assert key == "Unauthorized" or (20 <= len(key) <= 128 and key.isascii() and key in header)
