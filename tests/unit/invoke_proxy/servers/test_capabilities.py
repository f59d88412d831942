"""What a server can do is what the routes accept, pass on and describe."""

from typing import Any, get_args

import httpx2
import openai
import pydantic
import pytest

from invoke_proxy.openapi import document
from invoke_proxy.servers import SERVERS
from invoke_proxy.settings import ServerName
from tests.unit.invoke_proxy.asking import SCHEMA, ask, openai_body
from tests.unit.invoke_proxy.proxy_double import client_of
from tests.unit.invoke_proxy.wires import LLAMA_CPP, VLLM, WIRES, Wire

OPENAI = frozenset().union(*(each.capabilities.without_openai for each in SERVERS.values()))
TGIS = frozenset().union(*(each.capabilities.without_tgi for each in SERVERS.values()))
NEUTRAL: dict[str, Any] = {
    "best_of": 1,
    "decoder_input_details": False,
    "frequency_penalty": 0,
    "logit_bias": [],
    "presence_penalty": 0,
    "response_format": {"type": "text"},
    "top_n_tokens": 0,
    "truncate": None,
    "typical_p": None,
    "watermark": False,
}
wires = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


@wires
@pytest.mark.parametrize("name", NEUTRAL)
async def test_a_value_that_asks_for_nothing_is_accepted_by_all(wire: Wire, name: str) -> None:
    given = {name: NEUTRAL[name]}
    if name in OPENAI:
        answer, _ = await ask(wire, "/v1/completions", {"prompt": "a", **given})
    else:
        answer, _ = await ask(wire, "/generate", {"inputs": "a", "parameters": given})
    assert answer.status == 200


@pytest.mark.parametrize(
    ("name", "value", "param"),
    [
        ("frequency_penalty", 2.1, "frequency_penalty"),
        ("presence_penalty", -2.1, "presence_penalty"),
        ("logit_bias", {"5": 101}, "logit_bias"),
        ("logit_bias", {"the": 1}, "logit_bias"),
        ("logit_bias", {"5": 1, "100": 1}, "logit_bias"),
        ("logit_bias", [1], "logit_bias"),
        ("response_format", {"type": "xml"}, "response_format"),
        ("response_format", {"type": "json_schema"}, "response_format"),
        ("response_format", {**SCHEMA, "json_schema": {"name": "a b"}}, "response_format"),
    ],
)
@pytest.mark.parametrize("wire", [VLLM, LLAMA_CPP], ids=lambda wire: wire.name)
async def test_a_value_beyond_openais_bounds_is_refused(
    wire: Wire, name: str, value: Any, param: str
) -> None:
    answer, sent = await ask(wire, "/v1/completions", {"prompt": "a", name: value})
    assert (answer.status, answer.error["code"], sent) == (400, "invalid_request", [])
    assert answer.error["param"].startswith(param)


@pytest.mark.parametrize("route", ["/v1/chat/completions", "/v1/completions"])
@pytest.mark.parametrize(
    ("schema", "statuses"),
    [
        ({"type": "number", "minimum": 5}, [200, 400]),
        ({"type": "integer", "minimum": 5}, [200, 200]),
        ({"enum": [{"minimum": 5}]}, [200, 200]),
    ],
)
async def test_a_schema_that_would_not_be_kept_is_refused_by_the_servers_name(
    route: str, schema: dict[str, Any], statuses: list[int]
) -> None:
    asked = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"items": schema}}}
    for wire, status in zip((VLLM, LLAMA_CPP), statuses, strict=True):
        answer, sent = await ask(wire, route, openai_body(route, response_format=asked))
        assert (answer.status, len(sent)) == (status, status == 200)
        if status == 400:
            assert answer.error["param"] == "response_format"
            assert "llama.cpp would not keep `minimum` of type number" in answer.error["message"]


@pytest.mark.parametrize("wire", [VLLM, LLAMA_CPP], ids=lambda wire: wire.name)
async def test_biased_tokens_are_plain_numbers_to_the_server(wire: Wire) -> None:
    # llama.cpp takes `05` for a text, and biases the tokens of that.
    body = openai_body("/v1/completions", logit_bias={"05": 1, "7\n": 2, "9": 3})
    answer, sent = await ask(wire, "/v1/completions", body)
    assert answer.status == 200
    assert sent[0]["logit_bias"] == {"5": 1, "7": 2, "9": 3}


@wires
async def test_info_says_what_the_server_takes(wire: Wire) -> None:
    async with client_of(wire.upstream("x"), wire.settings) as client:
        told = (await client.get("/info")).json
    can = SERVERS[wire.name].capabilities
    assert told["max_stop_sequences"] == can.max_stop_sequences
    assert told["max_best_of"] == (1 if "best_of" in can.without_tgi else 2)


@wires
async def test_the_document_is_the_servers(wire: Wire) -> None:
    async with client_of(wire.upstream("x"), wire.settings) as client:
        schemas = (await client.get("/openapi.json")).json["components"]["schemas"]
    can = SERVERS[wire.name].capabilities
    for schema, sample, without in (
        ("ChatRequest", OPENAI, can.without_openai),
        ("CompletionRequest", OPENAI, can.without_openai),
        ("GenerateParameters", TGIS, can.without_tgi),
    ):
        properties = schemas[schema]["properties"]
        refused = {n for n in sample if properties[n].get("description", "").startswith("Not supp")}
        assert refused == without
        stops = [each for each in properties["stop"]["anyOf"] if each.get("type") == "array"]
        assert [each["maxItems"] for each in stops] == [can.max_stop_sequences]


@wires
async def test_the_fingerprint_is_the_servers(wire: Wire) -> None:
    answer, _ = await ask(wire, "/v1/chat/completions", openai_body("chat"))
    assert answer.json["system_fingerprint"] == SERVERS[wire.name].fingerprint


def test_every_server_that_the_settings_know_has_an_adapter() -> None:
    assert set(get_args(ServerName)) == set(SERVERS)
    assert {wire.name for wire in WIRES} == set(SERVERS)
    for name in SERVERS:
        assert document(name)["openapi"] == "3.2.0"


class Place(pydantic.BaseModel):
    """A place in the world."""

    city: str
    coast: bool


@pytest.mark.parametrize("wire", [VLLM, LLAMA_CPP], ids=lambda wire: wire.name)
async def test_openais_client_gets_an_object_of_its_class(wire: Wire) -> None:
    upstream = wire.upstream('{"city": "Rome",', ' "coast": false}', reason="eos_token")
    async with client_of(upstream, wire.settings) as client:
        transport = httpx2.ASGITransport(client.app)
        ours = openai.AsyncOpenAI(
            base_url="http://api/v1",
            api_key="k",
            http_client=httpx2.AsyncClient(transport=transport),
        )
        answer = await ours.chat.completions.parse(
            model=wire.settings.model_id,
            messages=[{"role": "user", "content": "Which city?"}],
            response_format=Place,
        )
    assert answer.choices[0].message.parsed == Place(city="Rome", coast=False)
    (sent,) = upstream.bodies
    schema = sent["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["city", "coast"]
