"""Each cell of docs/api.md's table of servers is what the proxy does in front of that server."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from invoke_proxy.openapi import document
from invoke_proxy.servers import SERVERS
from invoke_proxy.settings import ServerName
from invoke_proxy.tgi_types import GenerateParameters
from tests.unit.invoke_proxy.asking import SCHEMA, ask, openai_body
from tests.unit.invoke_proxy.proxy_double import client_of
from tests.unit.invoke_proxy.wires import WIRES, Wire

_DOCUMENT = (Path(__file__).parents[4] / "docs/api.md").read_text()
_CHATS, _COMPLETIONS = "/v1/chat/completions", "/v1/completions"
_MAX_STOPS, _MAX_TOPS = "`stop`, at most", "OpenAI's `top_logprobs`, at most"


def _table() -> dict[str, dict[ServerName, str]]:
    """Return what each row says of each server."""
    head, _, *rows = _DOCUMENT.partition("| route or parameter")[2].partition("\n\n")[0].split("\n")
    assert [title.strip() for title in head.strip(" |").split("|")] == [
        server.title for server in SERVERS.values()
    ]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {name: dict(zip(SERVERS, said, strict=True)) for name, *said in cells}


class Row(NamedTuple):
    """What a request gives, what each server that can do it is then asked for, and the answer."""

    given: dict[str, Any]
    sent: dict[ServerName, dict[str, Any]]  # `None`: not sent.
    answered: str = ""


def _same(sent: dict[str, Any], *servers: ServerName) -> dict[ServerName, dict[str, Any]]:
    return dict.fromkeys(servers or tuple(SERVERS), sent)


def _alike(given: dict[str, Any], *servers: ServerName) -> Row:
    return Row(given, _same(given, *servers))


_OPENAIS = {
    "frequency_penalty": _alike({"frequency_penalty": 0.5}, "vllm", "llama-cpp"),
    "presence_penalty": _alike({"presence_penalty": -2.0}, "vllm", "llama-cpp"),
    "logit_bias": _alike({"logit_bias": {"5": -100.0}}, "vllm", "llama-cpp"),
    "response_format": _alike({"response_format": SCHEMA}, "vllm", "llama-cpp"),
}
_SEED = {"seed": 2**64 - 1}
_TGIS = {
    "best_of": _alike({"best_of": 2, "do_sample": True}, "tgi"),
    "decoder_input_details": Row(
        {"decoder_input_details": True},
        _same({"decoder_input_details": True}, "tgi"),
        '"prefill":[{"id":1,',
    ),
    "details": Row({"details": True}, _same({}), '"finish_reason":"length"'),
    "do_sample": Row(
        {"do_sample": True},
        {"tgi": {"do_sample": True}, **_same({"temperature": 1.0}, "vllm", "llama-cpp")},
    ),
    "max_new_tokens": Row(
        {"max_new_tokens": 7},
        {"tgi": {"max_new_tokens": 7}, **_same({"max_tokens": 7}, "vllm", "llama-cpp")},
    ),
    "repetition_penalty": Row(
        {"repetition_penalty": 1.2},
        {**_same({"repetition_penalty": 1.2}, "tgi", "vllm"), "llama-cpp": {"repeat_penalty": 1.2}},
    ),
    "return_full_text": Row({"return_full_text": True}, _same({}), '"generated_text":"ax"'),
    "seed": Row(_SEED, {"tgi": _SEED, "vllm": {"seed": 2**63 - 1}, "llama-cpp": {"seed": 0}}),
    "stop": Row(
        {"stop": ["x"]},
        {**_same({"stop": ["x"]}, "tgi", "vllm"), "llama-cpp": {"stop": None}},
        '"generated_text":"x"',
    ),
    "temperature": _alike({"temperature": 0.5}),
    "top_k": _alike({"top_k": 3}),
    "top_n_tokens": Row(
        {"top_n_tokens": 1, "details": True},
        {"tgi": {"top_n_tokens": 1}, "llama-cpp": {"top_logprobs": 1}},
        '"top_tokens":[[{',
    ),
    "top_p": _alike({"top_p": 0.9}),
    "truncate": Row(
        {"truncate": 5}, {"tgi": {"truncate": 5}, "vllm": {"truncate_prompt_tokens": 5}}
    ),
    "typical_p": _alike({"typical_p": 0.9}, "tgi", "llama-cpp"),
    "watermark": _alike({"watermark": True}, "tgi"),
}
_ROUTES = [name for name in _table() if name.startswith("`/")]
wires = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


def test_every_row_has_its_test() -> None:
    rows = [*_ROUTES, _MAX_STOPS, _MAX_TOPS]
    rows += [f"OpenAI's `{name}`" for name in _OPENAIS] + [f"TGI's `{name}`" for name in _TGIS]
    assert sorted(_table()) == sorted(rows)
    assert sorted(_TGIS) == sorted(GenerateParameters.__struct_fields__)
    refused = (server.capabilities.without_openai for server in SERVERS.values())
    assert frozenset().union(*refused) == _OPENAIS.keys()


@wires
@pytest.mark.parametrize("row", _ROUTES)
async def test_a_route_answers(wire: Wire, row: str) -> None:
    assert _table()[row][wire.name].startswith("yes")
    paths = document(wire.name)["paths"]
    async with client_of(wire.upstream("x"), wire.settings) as client:
        for route in re.findall(r"`(/.*?)`", row):
            body = openai_body(route) if "v1" in route else {"inputs": "a"}
            gets = "get" in paths[route]
            answer = await (client.get(route) if gets else client.post(route, body))
            assert (answer.status, b'"x"' in answer.body) == (200, not gets)


@wires
@pytest.mark.parametrize("name", _OPENAIS)
@pytest.mark.parametrize("route", [_CHATS, _COMPLETIONS])
async def test_a_parameter_of_openais_is_passed_on_or_refused_by_the_servers_name(
    wire: Wire, name: str, route: str
) -> None:
    row, cell = _OPENAIS[name], _table()[f"OpenAI's `{name}`"][wire.name]
    answer, sent = await ask(wire, route, openai_body(route, **row.given))
    if cell == "refused":
        assert (answer.status, answer.error["param"], sent) == (400, name, [])
        assert answer.error["code"] == "unsupported_parameter"
        title = SERVERS[wire.name].title
        assert f"not supported by {title}, leave out: `{name}`" in answer.error["message"]
    else:
        assert (answer.status, cell.partition(";")[0]) == (200, "yes")
        _check_sent(row, wire, sent)


@wires
@pytest.mark.parametrize("name", _TGIS)
async def test_a_parameter_of_tgis_is_translated_or_refused_by_the_servers_name(
    wire: Wire, name: str
) -> None:
    row, cell = _TGIS[name], _table()[f"TGI's `{name}`"][wire.name]
    answer, sent = await ask(wire, "/generate", {"inputs": "a", "parameters": row.given})
    if cell == "refused":
        assert (answer.status, sent) == (422, [])
        assert answer.json["param"] == f"parameters.{name}"
        assert SERVERS[wire.name].title in answer.error
    else:
        assert (answer.status, cell.partition(",")[0]) == (200, "yes")
        assert row.answered in answer.body.decode()
        _check_sent(row, wire, sent)


def _check_sent(row: Row, wire: Wire, sent: list[Any]) -> None:
    (body,) = sent
    asked = body.get("parameters", body)
    assert {name: asked.get(name) for name in row.sent[wire.name]} == row.sent[wire.name]


@wires
async def test_stop_sequences_are_as_many_as_the_server_takes(wire: Wire) -> None:
    maximum = int(_table()[_MAX_STOPS][wire.name])
    for route in (_CHATS, _COMPLETIONS):
        taken, _ = await ask(wire, route, openai_body(route, stop=["x"] * maximum))
        refused, sent = await ask(wire, route, openai_body(route, stop=["x"] * (maximum + 1)))
        assert (taken.status, refused.status, sent) == (200, 400, [])
        assert refused.error["param"] == "stop"
    body = {"inputs": "a", "parameters": {"stop": ["x"] * (maximum + 1)}}
    assert (await ask(wire, "/generate", body))[0].json["param"] == "parameters.stop"


@wires
async def test_alternatives_are_as_many_as_the_server_takes(wire: Wire) -> None:
    maximum = int(_table()[_MAX_TOPS][wire.name])
    for count, status in ((maximum, 200), (maximum + 1, 400)):
        body = openai_body(_CHATS, logprobs=True, top_logprobs=count)
        answer, _ = await ask(wire, _CHATS, body)
        assert answer.status == status
    assert answer.error["param"] == "top_logprobs"


@wires
async def test_a_temperature_that_is_too_high_for_the_server_is_refused(wire: Wire) -> None:
    _, _, maximum = _table()["TGI's `temperature`"][wire.name].partition(", at most ")
    for temperature in (2, 2.5):
        body = {"inputs": "a", "parameters": {"temperature": temperature}}
        answer, _ = await ask(wire, "/generate", body)
        assert answer.status == (422 if maximum and temperature > float(maximum) else 200)
