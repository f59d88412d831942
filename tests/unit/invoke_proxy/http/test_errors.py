import json

import pytest

from invoke_proxy.http.errors import (
    KINDS,
    EndpointError,
    RequestError,
    error_body,
    gateway_error_body,
)


@pytest.mark.parametrize("code", KINDS)
def test_every_row_of_the_table_makes_an_openai_error(code: str) -> None:
    body = json.loads(error_body(EndpointError(code), tgi=False))
    assert body == {
        "error": {
            "message": KINDS[code].message,
            "type": KINDS[code].type,
            "param": None,
            "code": code,
        }
    }
    assert 400 <= KINDS[code].status <= 504


@pytest.mark.parametrize("code", KINDS)
def test_on_tgi_routes_the_error_has_tgis_type_too(code: str) -> None:
    body = json.loads(error_body(EndpointError(code), tgi=True))
    assert body["error"] == KINDS[code].message
    assert body["code"] == code
    assert body["error_type"] in {
        "validation",
        "generation",
        "incomplete_generation",
        "overloaded",
    }


@pytest.mark.parametrize(
    "code",
    [
        "rate_limit_exceeded",
        "model_overloaded",
        "endpoint_throttled",
        "endpoint_error",
        "endpoint_updating",
        "endpoint_unavailable",
        "no_capacity",
    ],
)
def test_where_waiting_helps_the_table_says_how_long(code: str) -> None:
    assert KINDS[code].retry_after_seconds


def test_where_waiting_does_not_help_the_table_says_nothing() -> None:
    refusals = {code for code, kind in KINDS.items() if kind.retry_after_seconds is None}
    assert {"invalid_request", "insufficient_quota", "endpoint_not_found", "timeout"} <= refusals


@pytest.mark.parametrize(
    "code",
    ["timeout", "endpoint_refused", "endpoint_not_found", "internal_error", "insufficient_quota"],
)
def test_where_another_try_is_in_vain_clients_are_told_so(code: str) -> None:
    assert KINDS[code].headers == {"x-should-retry": "false"}


def test_no_kind_asks_to_wait_in_vain() -> None:
    assert not [code for code, kind in KINDS.items() if kind.final and kind.retry_after_seconds]


def test_a_refusal_keeps_its_own_message_and_parameter() -> None:
    error = RequestError("invalid_request", "wrong `n`", "n")
    inner = json.loads(error_body(error, tgi=False))["error"]
    assert (inner["message"], inner["param"]) == ("wrong `n`", "n")


@pytest.mark.parametrize(
    ("code", "error_type"),
    [
        ("rate_limit_exceeded", "overloaded"),
        ("proxy_unavailable", "overloaded"),
        ("invalid_request", "validation"),
        ("invalid_api_key", None),
        ("unknown_url", None),
    ],
)
def test_gateways_refusals_are_for_both_worlds_clients(code: str, error_type: str | None) -> None:
    body = json.loads(gateway_error_body(EndpointError(code)))
    assert body["error"]["code"] == code
    assert body.get("error_type") == error_type
