"""llama-server behind SageMaker's routes, asked as a client asks it."""

import json

import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam

from embedded_aws.tests.model_server.conftest import Json, ModelServer

CHAT = "<|im_start|>user\nSay hi<|im_end|>\n<|im_start|>assistant\n"


def asked(prompt: str, **more: object) -> Json:
    """A body as the proxy sends it: the finished prompt is the one message."""
    return {"messages": [{"role": "user", "content": prompt}], "max_tokens": 1, **more}


@pytest.fixture
def client(llama_server: ModelServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{llama_server.http.base_url}/v1", api_key="x", max_retries=0)


def user(text: str) -> ChatCompletionUserMessageParam:
    return {"role": "user", "content": text}


def test_ping_is_llama_servers_health(llama_server: ModelServer) -> None:
    assert llama_server.http.get("/ping").json() == {"status": "ok"}


def test_invocations_are_chat_completions(llama_server: ModelServer) -> None:
    answer = llama_server.http.post("/invocations", json=asked(CHAT, max_tokens=5)).json()

    assert answer["object"] == "chat.completion"
    assert answer["model"] == "small"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize(
    "prompt",
    [
        "Hello",
        " two spaces before, and a line break after \n",
        "\n\nline breaks",
        CHAT,
        "<|im_end|><|im_start|>",
        "{{ messages }} {% if x %} {# no #}",
        "[INST] ünï 😀\u2028 [/INST]</s>",
        "<think>thought</think><tool_call>",
    ],
)
def test_identity_template_adds_and_takes_nothing(llama_server: ModelServer, prompt: str) -> None:
    template = llama_server.http.post("/apply-template", json=asked(prompt)).json()
    question = {"content": prompt, "add_special": True, "parse_special": True}
    tokens = llama_server.http.post("/tokenize", json=question).json()["tokens"]
    usage = llama_server.http.post("/invocations", json=asked(prompt)).json()["usage"]

    assert template["prompt"] == prompt
    assert usage["prompt_tokens"] == len(tokens)


def test_stream_ends_with_usage_and_done(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="small",
        messages=[user(CHAT)],
        max_tokens=6,
        stream=True,
        stream_options={"include_usage": True},
        logprobs=True,
        top_logprobs=2,
    )
    chunks = list(stream)

    texts = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert "".join(texts)
    reasons = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert reasons[-1] == "length"
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == 6
    told = [c.choices[0].logprobs for c in chunks if c.choices and c.choices[0].logprobs]
    assert told[0].content
    assert len(told[0].content[0].top_logprobs) == 2


def test_json_schema_is_kept_to(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    answer = client.chat.completions.create(
        model="small",
        messages=[user(CHAT)],
        max_tokens=40,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": schema, "strict": True},
        },
    )
    content = json.loads(answer.choices[0].message.content or "")
    assert content.keys() == {"n"}
    assert isinstance(content["n"], int)


def test_other_routes_are_llama_servers(llama_server: ModelServer, client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["small"]
    assert client.completions.create(model="small", prompt="The sea", max_tokens=3).usage
    assert "llamacpp:" in llama_server.http.get("/metrics").text
    assert llama_server.http.get("/slots").status_code == 501
    assert llama_server.http.get("/nothing").json()["error"]["type"] == "not_found_error"


def test_flags_are_what_llama_server_reports(llama_server: ModelServer) -> None:
    props = llama_server.http.get("/props").json()

    assert props["total_slots"] == 2
    settings = props["default_generation_settings"]
    assert settings["n_ctx"] == 256
    assert settings["params"]["temperature"] == 0.25
    unlimited = {**asked("The sea", ignore_eos=True), "max_tokens": None}
    answer = llama_server.http.post("/invocations", json=unlimited).json()
    assert answer["usage"]["completion_tokens"] == 9


def test_prompt_longer_than_its_slots_context_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="exceeds the available context size") as error:
        client.chat.completions.create(model="small", messages=[user(" sea" * 300)])
    assert error.value.type == "exceed_context_size_error"


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"{", "parse error"), (b'{"messages": 1}', "Expected 'messages' to be an array")],
)
def test_body_that_is_no_chat_is_refused(
    llama_server: ModelServer, body: bytes, words: str
) -> None:
    answer = llama_server.http.post("/invocations", content=body)

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert words in error["message"]


def test_slots_are_free_when_their_clients_have_left(llama_server: ModelServer) -> None:
    # six generations of 200 tokens on two slots compute for more than 12 seconds
    llama_server.leave_early(asked(" sea" * 20, max_tokens=200, ignore_eos=True))

    before = llama_server.computed()
    llama_server.http.post("/invocations", json=asked("x")).raise_for_status()
    assert llama_server.computed() - before < 10
