"""LangChain's chat model of OpenAI's API."""

from typing import Any

import openai
import pytest
from langchain_core.exceptions import ContextOverflowError
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI, OpenAI

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


def chat(**settings: Any) -> ChatOpenAI:
    given = {
        "model": MODEL,
        "base_url": BASE_URL,
        "api_key": KEY,
        "max_tokens": 4,
        "temperature": 0,
        "max_retries": 0,
    }
    return ChatOpenAI(**{**given, **settings})


def test_conversation_is_the_same_whole_and_streamed() -> None:
    whole = chat().invoke(list(TALK))
    first, *others = chat(stream_usage=True).stream(list(TALK))
    streamed = sum(others, start=first)

    assert whole.content
    assert streamed.content == whole.content
    assert streamed.usage_metadata["total_tokens"] == whole.usage_metadata["total_tokens"]
    assert whole.response_metadata["finish_reason"] == "length"


def test_chain_answers_a_batch() -> None:
    prompt = ChatPromptTemplate.from_messages([("user", "Name a {thing}.")])
    chain = prompt | chat() | StrOutputParser()

    assert all(chain.batch([{"thing": "colour"}, {"thing": "river"}]))


def test_completion_model_goes_on_with_a_text() -> None:
    model = OpenAI(model=MODEL, base_url=BASE_URL, api_key=KEY, max_tokens=6, max_retries=0)

    assert model.invoke("Once upon a time")


@pytest.mark.parametrize("stream", [False, True])
def test_prompt_too_long_is_its_context_error(*, stream: bool) -> None:
    with pytest.raises(ContextOverflowError):
        list(chat().stream(TOO_LONG)) if stream else chat().invoke(TOO_LONG)


def test_wrong_key_is_an_authentication_error() -> None:
    with pytest.raises(openai.AuthenticationError, match=WRONG_KEY_WORDS):
        chat(api_key=WRONG_KEY).invoke("Hi")


def test_refused_parameter_is_a_bad_request() -> None:
    with pytest.raises(openai.BadRequestError, match=REFUSED):
        chat(frequency_penalty=0.5).invoke("Hi")


def test_tools_are_refused_by_name() -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    with pytest.raises(openai.BadRequestError, match="leave out: `tools`"):
        chat().bind_tools([add]).invoke("What is 1 + 1?")
