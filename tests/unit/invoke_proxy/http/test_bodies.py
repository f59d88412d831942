import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoke_proxy.http.bodies import NEUTRAL, Unsupported, parse
from invoke_proxy.http.errors import RequestError
from invoke_proxy.openai.requests import ChatRequest, CompletionRequest
from invoke_proxy.schemas import REQUEST_TYPES
from invoke_proxy.servers import SERVERS
from invoke_proxy.tgi_types import GenerateParameters, GenerateRequest

TGI = Unsupported("TGI 1.1", SERVERS["tgi"].capabilities.without_openai, NEUTRAL)
NESTED = {
    "parameters": (GenerateParameters, Unsupported("TGI 1.1", frozenset(), {}, "parameters."))
}
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def nested(request_type: type[Any]) -> dict[str, Any]:
    """Return the fields whose own parameters the request's route checks."""
    return NESTED if request_type is GenerateRequest else {}


def refusal(body: Any, request_type: type[Any] = ChatRequest) -> RequestError:
    sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
    with pytest.raises(RequestError) as refused:
        parse(sent, request_type, TGI, **nested(request_type))
    return refused.value


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"a": NaN}', b'{"a": "\\ud800"}', b"[" * 9000]
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert refusal(body).code in {"invalid_json", "invalid_request"}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 9}, "n"),
        ({"temperature": 2.1}, "temperature"),
        ({"stop": ["a"] * 17}, "stop"),
        ({"stop": ["a", ""]}, "stop[1]"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
    ],
)
def test_a_wrong_type_is_refused_with_its_path(change: Any, param: str) -> None:
    error = refusal({**CHAT, **change})
    assert (error.code, error.param) == ("invalid_request", param)
    assert param.rpartition(".")[2] in error.message


def test_all_refused_parameters_are_named_in_order() -> None:
    error = refusal({**CHAT, "zoo": 1, "tools": [{}], "logit_bias": {"1": 2}, "ape": 1})
    assert error.param == "ape"
    named = re.findall(r"`(\w+)`", error.message)
    assert named == ["logit_bias", "tools", "ape", "zoo"]


def test_whole_numbers_may_be_written_as_floats() -> None:
    taken = parse(msgspec.json.encode({**CHAT, "max_tokens": 16.0, "seed": 3.0}), ChatRequest, TGI)
    assert (taken.max_tokens, taken.seed) == (16, 3)
    assert refusal({**CHAT, "max_tokens": 16.5}).param == "max_tokens"
    assert refusal({**CHAT, "max_tokens": "16"}).param == "max_tokens"


def test_new_parameters_that_ask_for_nothing_are_taken() -> None:
    cache = {"prompt_cache_retention": "24h", "prompt_cache_options": {"mode": "implicit"}}
    parse(msgspec.json.encode({**CHAT, **cache, "verbosity": "medium"}), ChatRequest, TGI)
    assert refusal({**CHAT, "verbosity": "low"}).param == "verbosity"


def test_a_missing_field_is_named() -> None:
    assert refusal({"model": "m"}).param == "messages"
    assert refusal({}, GenerateRequest).param == "inputs"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tools", [{"type": "function"}]),
        ("tool_choice", "required"),
        ("response_format", {"type": "json_object"}),
        ("logit_bias", {"5": 1}),
        ("frequency_penalty", 0.5),
        ("presence_penalty", -1),
        ("suffix", "x"),
        ("best_of", 2),
    ],
)
def test_what_tgi_cannot_do_is_refused_by_name(name: str, value: Any) -> None:
    error = refusal({**CHAT, name: value})
    assert (error.code, error.param) == ("unsupported_parameter", name)
    assert name in error.message


@pytest.mark.parametrize("name", NEUTRAL)
def test_a_parameter_that_asks_for_nothing_is_accepted(name: str) -> None:
    for value in (None, *NEUTRAL[name]):
        assert parse(msgspec.json.encode({**CHAT, name: value}), ChatRequest, TGI).model == "m"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user", "ann"),
        ("safety_identifier", "a1"),
        ("prompt_cache_key", "k"),
        ("metadata", {"team": "x"}),
        ("store", True),
    ],
)
def test_what_changes_no_answer_is_accepted(name: str, value: Any) -> None:
    assert (
        getattr(parse(msgspec.json.encode({**CHAT, name: value}), ChatRequest, TGI), name) == value
    )


def test_an_unknown_parameter_is_refused_unless_it_is_null() -> None:
    assert refusal({**CHAT, "colour": "red"}).param == "colour"
    assert parse(msgspec.json.encode({**CHAT, "colour": None}), ChatRequest, TGI)


def test_an_unknown_tgi_parameter_is_refused_with_its_path() -> None:
    body = {"inputs": "x", "parameters": {"grammar": {"type": "json"}}}
    assert refusal(body, GenerateRequest).param == "parameters.grammar"


@pytest.mark.parametrize("parameters", [None, {}, {"stop": None, "grammar": None}])
def test_tgi_parameters_may_be_absent_or_null(parameters: Any) -> None:
    body = msgspec.json.encode({"inputs": "x", "parameters": parameters})
    assert parse(body, GenerateRequest, TGI, **NESTED).inputs == "x"


DEPTH = 100_000
# Deep, wide, huge, and no text: the same answer wherever it stands, and never a fault of ours.
EXTREMES = {
    "deep list": b"[" * DEPTH + b"]" * DEPTH,
    "deep object": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    "wide list": b"[" + b"1," * DEPTH + b"1]",
    "wide object": b"{" + b",".join(b'"k%d":1' % n for n in range(50_000)) + b"}",
    "infinite": b"1e999",
    "long integer": b"9" * 5000,
    "half a character": b'"\\ud800"',
    "raw half a character": b'"\xed\xa0\x80"',
    "nul": b'"\\u0000"',
}
PLACES = {
    "content": b'{"messages":[{"role":"user","content":%b}]}',
    "tool calls": b'{"messages":[{"role":"user","content":"a","tool_calls":[%b]}]}',
    "part": b'{"messages":[{"role":"user","content":[{"type":"text","text":%b}]}]}',
    "beside": b'{"messages":[{"role":"user","content":"a"}],"x":%b}',
    "neutral": b'{"messages":[{"role":"user","content":"a"}],"tools":%b}',
    "seed": b'{"messages":[{"role":"user","content":"a"}],"seed":%b}',
    "temperature": b'{"messages":[{"role":"user","content":"a"}],"temperature":%b}',
    "parameters": b'{"inputs":"a","parameters":%b}',
    "in parameters": b'{"inputs":"a","parameters":{"x":%b}}',
    "all": b"%b",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("extreme", EXTREMES)
def test_an_extreme_value_is_refused_unless_it_is_text(extreme: str, place: str) -> None:
    request_type = ChatRequest if b"messages" in PLACES[place] else GenerateRequest
    result = outcome(PLACES[place] % EXTREMES[extreme], request_type)
    taken = extreme == "nul" and place in {"content", "part"}
    untyped = place == "tool calls" and extreme not in {"deep list", "deep object"}
    if taken or (untyped and not isinstance(result, RequestError)):
        assert isinstance(result, ChatRequest)  # tool calls are refused for what they are
    else:
        assert result.code in {"invalid_json", "invalid_request", "unsupported_parameter"}
        assert len(result.message) < 300


def test_of_a_field_that_comes_twice_the_last_one_counts() -> None:
    messages = b'"messages":[{"role":"user","content":"%b"}]'
    twice = b'{%b,"x":1,%b,"x":null}' % (messages % b"a", messages % b"b")
    assert outcome(twice, ChatRequest).messages[0].content == "b"


texts = st.text(max_size=5)


def outcome(body: bytes, request_type: type[Any]) -> Any:
    try:
        return parse(body, request_type, TGI, **nested(request_type))
    except RequestError as error:
        return error


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    [*ChatRequest.__struct_fields__, *CompletionRequest.__struct_fields__, *NEUTRAL, "inputs"]
)


@given(
    st.dictionaries(names, json_values, max_size=5), st.sampled_from(list(REQUEST_TYPES.values()))
)
def test_any_json_is_either_a_request_or_refused(body: Any, request_type: type[Any]) -> None:
    assert isinstance(outcome(msgspec.json.encode(body), request_type), request_type | RequestError)


@given(st.binary(max_size=200))
def test_any_bytes_are_either_a_request_or_refused(body: bytes) -> None:
    assert isinstance(outcome(body, GenerateRequest), GenerateRequest | RequestError)
