import json
import time
from typing import Any

import pytest
from msgspec import structs

from invoke_proxy.http.errors import EndpointError
from invoke_proxy.settings import Settings
from tests.unit.invoke_proxy.proxy_double import SETTINGS, FakeRuntime, client_of, tgi_frames

SAID = "xyzzy"
CHAT = {"messages": [{"role": "user", "content": f"say {SAID}"}]}
GATEWAY = {
    "x-amzn-request-context": json.dumps(
        {"requestId": "r-1", "identity": {"apiKeyId": "k-1", "apiKey": "the-key"}, "stage": "api"}
    )
}


async def line_of(
    runtime: FakeRuntime,
    path: str = "/v1/chat/completions",
    body: Any = CHAT,
    headers: dict[str, str] | None = None,
    settings: Settings = SETTINGS,
) -> tuple[dict[str, Any], str]:
    """Send one request and return its one log line, decoded and as it is."""
    log: list[str] = []
    async with client_of(runtime, settings, log=log) as client:
        await client.post(path, body, headers)
    (line,) = log
    assert "\n" not in line
    return json.loads(line), line


async def test_a_line_tells_who_asked_what_and_how_it_went() -> None:
    runtime = FakeRuntime(0.02, *tgi_frames([" a", "b"]))
    began = time.monotonic()
    line, text = await line_of(runtime, headers=GATEWAY)
    took = 1000 * (time.monotonic() - began)
    assert line["request_id"] == "r-1"
    assert line["client"] == "k-1"
    assert line["model"] == "mistral-7b-instruct"
    assert line["operation"] == "chat_completions"
    assert (line["status"], line["error"], line["stream"]) == (200, None, False)
    assert (line["TokensIn"], line["TokensOut"]) == (5, 2)
    assert 20 <= line["TimeToFirstToken"] <= line["Duration"] < took + 1
    assert "the-key" not in text


async def test_a_line_is_a_cloudwatch_metrics_document() -> None:
    steps = [step for frame in tgi_frames(["a", "b", "c"]) for step in (frame, 0.01)]
    line, _ = await line_of(FakeRuntime(*steps))
    directive, _ = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "InvokeProxy"
    assert directive["Dimensions"] == [["model"], ["model", "client"]]
    assert {metric["Name"] for metric in directive["Metrics"]} == {
        "Requests",
        "Duration",
        "TimeToFirstToken",
        "TokensIn",
        "TokensOut",
        "TokensPerSecond",
    }
    assert all(isinstance(line[metric["Name"]], int | float) for metric in directive["Metrics"])
    assert all(line[name] for name in directive["Dimensions"][1])
    assert 0 < line["TokensPerSecond"] <= 100


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (EndpointError("endpoint_refused", "AccessDeniedException"), "AccessDeniedException"),
        (EndpointError("model_overloaded"), None),
    ],
)
async def test_errors_are_counted_by_kind_with_their_cause(
    fault: EndpointError, cause: str | None
) -> None:
    line, _ = await line_of(FakeRuntime(fault))
    assert (line["error"], line["cause"]) == (fault.code, cause)
    errors = line["_aws"]["CloudWatchMetrics"][1]
    assert errors["Dimensions"] == [["model", "error"], ["model", "client", "error"]]
    assert errors["Metrics"] == [{"Name": "Errors", "Unit": "Count"}]
    assert line["Errors"] == 1


@pytest.mark.parametrize(
    ("steps", "faults", "refused"),
    [
        (tgi_frames(["x"]), 0, 0),
        ([EndpointError("model_overloaded")], 0, 1),
        ([b'data:{"error":"Model is overloaded","error_type":"overloaded"}\n\n'], 0, 1),
        ([EndpointError("model_error")], 1, 0),
        ([b"data:garbage\n\n"], 1, 0),
        ([RuntimeError(SAID)], 1, 0),
    ],
)
async def test_faults_and_refusals_of_the_endpoint_are_shares_of_what_it_was_asked(
    steps: list[Any], faults: int, refused: int
) -> None:
    line, _ = await line_of(FakeRuntime(*steps))
    watched = line["_aws"]["CloudWatchMetrics"][-1]
    assert watched["Dimensions"] == [["endpoint"]]
    assert line["endpoint"] == "endpoint"
    assert line["Faults"] == faults
    assert line["Refused"] == refused
    assert "Work" not in line


async def test_work_is_that_of_the_tokens_by_the_profile() -> None:
    work = json.dumps({"per_request": 0.2, "per_word": 0.5, "per_word_squared": 0.01})
    settings = structs.replace(SETTINGS, work=work)
    line, _ = await line_of(FakeRuntime(*tgi_frames(["a", "b", "c"])), settings=settings)
    prompt = line["TokensIn"]
    assert line["Work"] == pytest.approx(0.5 * prompt + 0.01 * prompt**2 + 0.2 * 3, abs=0.05)
    watched = line["_aws"]["CloudWatchMetrics"][-1]
    assert {"Name": "Work", "Unit": "Milliseconds"} in watched["Metrics"]
    refused, _ = await line_of(FakeRuntime(EndpointError("model_overloaded")), settings=settings)
    assert "Work" not in refused


async def test_a_request_that_never_reaches_the_endpoint_dilutes_no_share() -> None:
    line, _ = await line_of(FakeRuntime(), body={"messages": SAID})
    assert "Faults" not in line


@pytest.mark.parametrize(
    "body",
    [
        CHAT,
        {**CHAT, "stream": True},
        {**CHAT, "max_tokens": SAID},
        {**CHAT, SAID: 1},
        {**CHAT, "model": SAID},
        {"messages": [{"role": SAID, "content": SAID}]},
        SAID.encode(),
    ],
)
@pytest.mark.parametrize(
    "steps",
    [
        tgi_frames([f" {SAID}"]),
        [b'data:{"error":"xyzzy","error_type":"xyzzy"}\n\n'],
        [b"data:xyzzy\n\n"],
        [RuntimeError(SAID)],
    ],
    ids=["answer", "error", "garbage", "mistake"],
)
async def test_no_prompt_and_no_answer_is_ever_logged(
    body: Any, steps: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    _, text = await line_of(FakeRuntime(*steps), body=body)
    assert SAID not in text
    assert SAID not in "".join(capfd.readouterr())


async def test_a_path_that_is_no_route_is_not_logged() -> None:
    line, text = await line_of(FakeRuntime(), path=f"/{SAID}")
    assert (line["operation"], line["status"]) == ("unknown", 404)
    assert SAID not in text


async def test_a_request_without_a_gateway_has_an_id_of_its_own() -> None:
    first, _ = await line_of(FakeRuntime())
    second, _ = await line_of(FakeRuntime())
    assert first["request_id"] != second["request_id"]
    assert first["client"] == "anonymous"


async def test_a_signed_call_is_its_principals_and_of_an_assumed_role_the_roles() -> None:
    user = "arn:aws:iam::111111111111:user/ann"
    role = "arn:aws:sts::111111111111:assumed-role/Batch"
    for arn, client in ((user, user), (f"{role}/session-1", role)):
        context = {"identity": {"userArn": arn, "caller": "AIDA", "apiKeyId": None}}
        headers = {"x-amzn-request-context": json.dumps(context)}
        line, _ = await line_of(FakeRuntime(*tgi_frames(["x"])), headers=headers)
        assert line["client"] == client


@pytest.mark.parametrize("context", ["{", "[]", '{"identity": 5}', '{"requestId": {}}'])
async def test_a_context_that_cannot_be_read_fails_no_request(context: str) -> None:
    headers = {"x-amzn-request-context": context, "x-amzn-lambda-context": context}
    line, _ = await line_of(FakeRuntime(*tgi_frames(["x"])), headers=headers)
    assert (line["status"], line["client"]) == (200, "anonymous")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "w " * 200}]}),
        ("/v1/completions", {"prompt": ["a", "w " * 200]}),
        ("/generate", {"inputs": "w " * 200}),
        ("/nowhere", {}),
    ],
)
async def test_tokens_are_counted_for_generations_only(path: str, body: Any) -> None:
    line, _ = await line_of(FakeRuntime(*tgi_frames(["x"])), path, body)
    assert line["status"] in {400, 404, 422}
    assert not {"TokensIn", "TokensOut"} & line.keys()


async def test_the_tokens_of_an_answer_that_was_not_streamed_are_counted() -> None:
    whole = b'[{"generated_text":"y","details":{"finish_reason":"length","generated_tokens":2}}]'
    body = {"inputs": "a b", "parameters": {"decoder_input_details": True}}
    line, _ = await line_of(FakeRuntime(whole), "/generate", body)
    assert (line["TokensIn"], line["TokensOut"]) == (3, 2)
    assert "TimeToFirstToken" not in line
