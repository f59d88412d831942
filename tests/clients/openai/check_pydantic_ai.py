"""Pydantic AI's agents over OpenAI's chat API."""

import asyncio
from typing import Any

import pytest
from pydantic_ai import Agent, ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.clients.stage import (
    BASE_URL,
    KEY,
    MODEL,
    REFUSED,
    TALK,
    TOO_LONG,
    WRONG_KEY,
    WRONG_KEY_WORDS,
)

SHORT: dict[str, Any] = {"max_tokens": 4, "temperature": 0}


def agent(key: str = KEY, **settings: Any) -> Agent:
    model = OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=BASE_URL, api_key=key))
    return Agent(model, system_prompt=TALK[0][1], model_settings={**SHORT, **settings})


def refusal(asked: Agent, text: str = "Hi") -> ModelHTTPError:
    with pytest.raises(ModelHTTPError) as refused:
        asked.run_sync(text)
    return refused.value


def test_conversation_goes_on() -> None:
    first = agent().run_sync("What is the capital of France?")
    second = agent().run_sync("And of Italy?", message_history=first.all_messages())

    assert first.output
    assert second.output
    assert second.usage.output_tokens == 4


def test_stream_has_the_text_of_the_whole_answer() -> None:
    async def streamed() -> str:
        async with agent().run_stream("Say hi.") as answer:
            return "".join([text async for text in answer.stream_text(delta=True)])

    assert asyncio.run(streamed()) == agent().run_sync("Say hi.").output != ""


def test_prompt_too_long_says_so() -> None:
    refused = refusal(agent(), TOO_LONG)

    assert refused.status_code == 400
    assert "context_length_exceeded" in str(refused)


def test_wrong_key_is_told_so() -> None:
    refused = refusal(agent(WRONG_KEY))

    assert refused.status_code == 401
    assert WRONG_KEY_WORDS in str(refused)


def test_refused_parameter_is_named() -> None:
    refused = refusal(agent(frequency_penalty=0.5))

    assert refused.status_code == 400
    assert REFUSED in str(refused)


def test_tools_are_refused_by_name() -> None:
    with_tools = agent()
    with_tools.tool_plain(len)

    assert "`tools`" in str(refusal(with_tools))
