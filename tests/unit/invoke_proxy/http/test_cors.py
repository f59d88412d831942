"""Which pages may call: none, or those of the configured origins."""

import msgspec
import pytest

from invoke_proxy.http.cors import gateway_cors_headers
from tests.unit.invoke_proxy.proxy_double import SETTINGS, FakeRuntime, client_of, tgi_frames

APP, OTHER = "https://app.example.com", "https://other.example.com"
LISTED = msgspec.structs.replace(SETTINGS, cors_origins=f"{APP},http://localhost:3000")
CHAT = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
ROUTE = "/v1/chat/completions"
ALLOWED = "access-control-allow-origin"


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
    }


@pytest.mark.parametrize("origin", [APP, "http://localhost:3000"])
async def test_listed_origin_is_allowed_to_send_what_clients_send(origin: str) -> None:
    async with client_of(FakeRuntime(), LISTED) as client:
        answer = await client.request("OPTIONS", ROUTE, b"", preflight(origin))
    assert answer.status == 200
    assert answer.headers[ALLOWED] == origin
    assert "x-stainless-os" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-max-age"] == "600"


async def test_listed_origin_may_read_streams_and_errors() -> None:
    async with client_of(FakeRuntime(*tgi_frames([" a"])), LISTED) as client:
        streamed = await client.post(ROUTE, CHAT, {"Origin": APP})
        refused = await client.post(ROUTE, b"{", {"Origin": APP})
        unknown = await client.get("/nowhere", {"Origin": APP})
    assert streamed.events[-1] == "[DONE]"
    for answer in (streamed, refused, unknown):
        assert answer.headers[ALLOWED] == APP
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"] == "Origin"


async def test_other_origins_are_not_allowed() -> None:
    async with client_of(FakeRuntime(), LISTED) as client:
        asked = await client.request("OPTIONS", ROUTE, b"", preflight(OTHER))
        refused = await client.post(ROUTE, b"{", {"Origin": OTHER})
    assert asked.status == 400
    assert ALLOWED not in asked.headers | refused.headers


async def test_without_origins_nothing_changes() -> None:
    async with client_of(FakeRuntime()) as client:
        asked = await client.request("OPTIONS", ROUTE, b"", preflight(APP))
        refused = await client.post(ROUTE, b"{", {"Origin": APP})
    assert asked.status == 405
    assert not [name for name in asked.headers | refused.headers if name.startswith("access-")]
    assert gateway_cors_headers(()) == {}


@pytest.mark.parametrize(("origins", "allowed"), [((APP,), APP), ((APP, OTHER), "*")])
def test_gateway_names_the_only_origin(origins: tuple[str, ...], allowed: str) -> None:
    assert gateway_cors_headers(origins)["Access-Control-Allow-Origin"] == allowed


@pytest.mark.parametrize("path", ["/v1/models", f"/v1/models/{SETTINGS.model_id}", "/health"])
async def test_head_answers_what_get_does(path: str) -> None:
    async with client_of(FakeRuntime()) as client:
        head, get = await client.request("HEAD", path, b""), await client.get(path)
    assert head.status == get.status == 200
    assert head.headers["content-length"] == get.headers["content-length"]
