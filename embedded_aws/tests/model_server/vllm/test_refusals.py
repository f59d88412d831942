"""What vLLM refuses, with its status, its shape and its words."""

import httpx
import openai
import pytest

from embedded_aws.tests.model_server.conftest import Json, ModelServer


def error(response: httpx.Response) -> Json:
    body: Json = response.json()["error"]
    assert body.keys() == {"message", "type", "param", "code"}
    assert body["code"] == response.status_code
    return body


@pytest.mark.parametrize(
    ("fields", "message", "param"),
    [
        ({"temperature": -1}, "temperature must be non-negative, got -1.0.", "temperature"),
        ({"temperature": 2.5}, "temperature must be in [0, 2], got 2.5.", "temperature"),
        ({"top_p": 0}, "top_p must be in (0, 1], got 0.0.", "top_p"),
        ({"top_k": -2}, "top_k must be 0 (disable), or at least 1, got -2.", None),
        ({"min_p": 2}, "min_p must be in [0, 1], got 2.0.", None),
        ({"max_tokens": 0}, "max_tokens must be at least 1, got 0.", "max_tokens"),
        ({"presence_penalty": 3}, "presence_penalty must be in [-2, 2], got 3.0.", None),
        ({"frequency_penalty": -3}, "frequency_penalty must be in [-2, 2], got -3.0.", None),
        ({"repetition_penalty": 0}, "repetition_penalty must be greater than zero, got 0.0.", None),
        ({"stop": ["a", ""]}, "stop cannot contain an empty string.", None),
        ({"n": 2, "temperature": 0}, "n must be 1 when using greedy sampling, got 2.", None),
        (
            {"logprobs": 21},
            "Requested sample logprobs of 21, which is greater than max allowed: 20",
            "logprobs",
        ),
        (
            {"logit_bias": {"sea": 1}},
            "logit_bias contains key(s) that cannot be converted to integer token IDs: ['sea']",
            "logit_bias",
        ),
        (
            {"logit_bias": {"--1": 1}},
            "logit_bias contains key(s) that cannot be converted to integer token IDs: ['--1']",
            "logit_bias",
        ),
        (
            {"logit_bias": {"-1": 1, "49152": 1, "5": 1}},
            "token_id(s) [-1, 49152] in logit_bias contain out-of-vocab token ids. "
            "Vocabulary size: 49152",
            "logit_bias",
        ),
        ({"structured_outputs": {"json": "{"}}, "Invalid JSON grammar specification.", None),
        (
            {"structured_outputs": {"grammar": "root ::= foo"}},
            "Invalid grammar specification.",
            None,
        ),
        ({"suffix": "x"}, "suffix is not currently supported", None),
    ],
)
def test_sampling_is_refused_in_vllms_words(
    vllm: ModelServer, fields: Json, message: str, param: str | None
) -> None:
    refused = error(vllm.http.post("/v1/completions", json={"prompt": "x", **fields}))

    assert refused == {"message": message, "type": "BadRequestError", "param": param, "code": 400}


@pytest.mark.parametrize("stream", [False, True])
def test_schema_that_no_grammar_can_be_made_of_is_refused_before_an_answer_begins(
    vllm: ModelServer, *, stream: bool
) -> None:
    for schema in ('"text"', {"type": "no such type"}, {"$ref": "#/nowhere"}):
        body = {"prompt": "x", "structured_outputs": {"json": schema}, "stream": stream}
        refused = error(vllm.http.post("/v1/completions", json=body))
        assert refused["code"] == 400
        assert refused["message"].startswith("Failed to transform json schema into a grammar: ")


@pytest.mark.parametrize("limit", [0, -1])
def test_chat_without_room_for_a_token_is_refused(vllm: ModelServer, limit: int) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    body = {"messages": messages, "max_completion_tokens": limit, "max_tokens": 5}
    refused = error(vllm.http.post("/v1/chat/completions", json=body))
    assert refused["message"] == f"max_tokens must be at least 1, got {limit}."


@pytest.mark.parametrize(
    ("prompt", "max_tokens", "least"),
    [(" sea" * 700, 16, 625), ("x", 640, 1), (" sea" * 641, 1, 640)],
)
def test_prompt_longer_than_the_context_is_refused(
    vllm: ModelServer, prompt: str, max_tokens: int, least: int
) -> None:
    body = {"prompt": prompt, "max_tokens": max_tokens}
    refused = error(vllm.http.post("/invocations", json=body))

    assert refused["message"] == (
        f"This model's maximum context length is 640 tokens. However, you requested {max_tokens} "
        f"output tokens and your prompt contains at least {least} input tokens, for a total of at "
        "least 641 tokens. Please reduce the length of the input prompt or the number of requested "
        "output tokens."
    )
    assert refused["param"] == "input_tokens"


def test_streams_are_refused_before_they_begin(vllm: ModelServer) -> None:
    body = {"prompt": "x", "max_tokens": 641, "stream": True}
    assert (
        "cannot be greater than max_model_len=640"
        in (error(vllm.http.post("/invocations", json=body))["message"])
    )


@pytest.mark.parametrize("field", ["use_beam_search", "min_tokens", "prompt_logprobs", "echo"])
def test_what_llama_cpp_has_not_is_refused_by_name(vllm: ModelServer, field: str) -> None:
    refused = error(vllm.http.post("/v1/completions", json={"prompt": "x", field: 1}))
    assert f"`{field}` is not supported by this server" in refused["message"]


def test_unknown_model_is_not_found(client: openai.OpenAI, vllm: ModelServer) -> None:
    with pytest.raises(openai.NotFoundError, match="The model `gone` does not exist"):
        client.completions.create(model="gone", prompt="x")
    adapter = {"X-Amzn-SageMaker-Adapter-Identifier": "tuned"}
    response = vllm.http.post("/invocations", json={"prompt": "x"}, headers=adapter)
    assert (response.status_code, error(response)["type"]) == (404, "NotFoundError")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"max_tokens": 1}, "Either prompt or prompt_embeds must be provided and non-empty."),
        ({"prompt": "x", "max_tokens": "many"}, "Expected `int | null`, got `str`"),
        (
            {"prompt": "x", "stream_options": {}},
            "Stream options can only be defined when `stream=True`.",
        ),
        ({"prompt": "x", "logprobs": -1}, "`logprobs` must be a positive value."),
        (
            {"prompt": "x", "structured_outputs": {}},
            "You must use one kind of structured outputs constraint but none are specified: {}",
        ),
        (
            {"prompt": "x", "structured_outputs": {"choice": ["a"], "grammar": "g"}},
            "You can only use one kind of structured outputs constraint but multiple are"
            " specified: {'choice': ['a'], 'grammar': 'g'}",
        ),
    ],
)
def test_body_that_is_no_completion_is_refused(vllm: ModelServer, body: Json, message: str) -> None:
    refused = error(vllm.http.post("/v1/completions", json=body))
    assert refused["message"] == f"1 validation error:\n  {message}"
    assert refused["type"] == "Bad Request"

    # SageMaker's route tries chats and completions, and tells only that it is neither
    refused = error(vllm.http.post("/invocations", json=body))
    assert refused["message"] == (
        "Cannot find suitable handler for request. Expected one of: "
        "['ChatCompletionRequest', 'CompletionRequest']"
    )


def test_body_that_is_no_json_is_refused(vllm: ModelServer) -> None:
    headers = {"content-type": "application/json"}
    broken = error(vllm.http.post("/invocations", content=b"{", headers=headers))
    assert broken["message"].startswith("JSON decode error: ")
    text = error(vllm.http.post("/invocations", content=b"x", headers={"content-type": "text/csv"}))
    assert "Only 'application/json' is allowed" in text["message"]


def test_health_models_and_version_are_told(vllm: ModelServer, client: openai.OpenAI) -> None:
    for method, path in (("GET", "/ping"), ("POST", "/ping"), ("GET", "/health")):
        assert vllm.http.request(method, path).status_code == 200
    (model,) = client.models.list()
    assert (model.id, model.owned_by) == ("small", "vllm")
    assert vllm.http.get("/v1/models").json()["data"][0]["max_model_len"] == 640
    assert vllm.http.get("/version").json() == {"version": "0.30.0"}
    assert error(vllm.http.get("/generate"))["message"] == "Not Found"
