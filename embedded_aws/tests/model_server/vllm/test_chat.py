"""vLLM's chats, with the model's own template."""

import openai
from openai.types.chat import ChatCompletionMessageParam

from embedded_aws.tests.model_server.conftest import ModelServer

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hi"}]


def test_chat_is_templated_and_answered(client: openai.OpenAI, vllm: ModelServer) -> None:
    answer = client.chat.completions.create(
        model="small", messages=MESSAGES, max_tokens=6, logprobs=True, top_logprobs=2, temperature=0
    )

    (choice,) = answer.choices
    assert choice.message.role == "assistant"
    assert choice.finish_reason == "length"
    assert choice.logprobs
    assert choice.logprobs.content
    assert choice.message.content == "".join(token.token for token in choice.logprobs.content)
    assert {len(token.top_logprobs) for token in choice.logprobs.content} == {2}
    assert answer.usage
    assert answer.usage.completion_tokens == 6
    body = {"messages": MESSAGES, "max_tokens": 1, "return_token_ids": True}
    by_invocations = vllm.http.post("/invocations", json=body).json()
    assert len(by_invocations["prompt_token_ids"]) == answer.usage.prompt_tokens


def test_stream_begins_with_the_role_and_ends_with_usage(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="small",
        messages=MESSAGES,
        max_tokens=6,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    first, *chunks, last = list(stream)
    whole = client.chat.completions.create(
        model="small", messages=MESSAGES, max_tokens=6, temperature=0
    )

    assert first.choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "length"
    assert last.usage == whole.usage or (last.usage and last.usage.completion_tokens == 6)


def test_chat_without_a_limit_ends_by_itself(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="small", messages=MESSAGES, temperature=0)

    assert answer.choices[0].finish_reason == "stop"
