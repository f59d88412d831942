"""LlamaIndex's model of whatever speaks OpenAI's API."""

from typing import Any

import openai
import pytest
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

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

CONVERSATION = [ChatMessage(role=role, content=text) for role, text in TALK]


def model(**settings: Any) -> OpenAILike:
    given = {
        "model": MODEL,
        "api_base": BASE_URL,
        "api_key": KEY,
        "is_chat_model": True,
        "context_window": 2048,
        "max_tokens": 4,
        "temperature": 0,
        "max_retries": 0,
    }
    return OpenAILike(**{**given, **settings})


def test_conversation_is_the_same_whole_and_streamed() -> None:
    whole = model().chat(CONVERSATION)
    *_, last = model().stream_chat(CONVERSATION)

    assert whole.message.content
    assert last.message.content == whole.message.content


def test_chat_engine_keeps_a_conversation() -> None:
    engine = SimpleChatEngine.from_defaults(llm=model(), system_prompt=TALK[0][1])
    answers = [engine.chat("What is the capital of France?"), engine.chat("And of Italy?")]

    assert all(answer.response for answer in answers)
    assert [message.role.value for message in engine.chat_history] == ["user", "assistant"] * 2


def test_completion_model_goes_on_with_a_text() -> None:
    assert model(is_chat_model=False).complete("Once upon a time").text


def test_prompt_too_long_is_a_bad_request_with_the_code() -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        model().complete(TOO_LONG)
    assert refused.value.code == "context_length_exceeded"


def test_wrong_key_is_an_authentication_error() -> None:
    with pytest.raises(openai.AuthenticationError, match=WRONG_KEY_WORDS):
        model(api_key=WRONG_KEY).complete("Hi")


def test_refused_parameter_is_a_bad_request() -> None:
    with pytest.raises(openai.BadRequestError, match=REFUSED):
        model(additional_kwargs={"frequency_penalty": 0.5}).complete("Hi")
