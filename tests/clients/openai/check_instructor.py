"""Instructor, which asks for answers of a type: in its mode that puts the type into the prompt."""

from contextlib import suppress
from typing import Any

import instructor
import openai
import pytest
from instructor.core.exceptions import InstructorError
from pydantic import BaseModel

from tests.clients.stage import BASE_URL, KEY, MODEL, TOO_LONG, WRONG_KEY, WRONG_KEY_WORDS


class Answer(BaseModel):
    """A type that the small model's text can satisfy."""

    text: str = ""


def client(mode: Any = instructor.Mode.MD_JSON, key: str = KEY) -> Any:
    return instructor.from_openai(
        openai.OpenAI(base_url=BASE_URL, api_key=key, max_retries=0), mode=mode
    )


def asked(text: str, of: Any = None, **more: Any) -> Any:
    given = {"model": MODEL, "max_tokens": 60, "temperature": 0, "max_retries": 0}
    messages = [{"role": "user", "content": text}]
    return (of or client()).create(response_model=Answer, messages=messages, **{**given, **more})


def cause(call: Any) -> BaseException:
    """Return what the client was refused with, below the exception for its retries."""
    with pytest.raises((InstructorError, openai.APIError)) as failed:
        call()
    error: BaseException | None = failed.value
    while error and not isinstance(error, openai.APIError):
        error = error.__cause__
    assert error
    return error


def test_prompt_with_the_type_is_answered_by_the_model() -> None:
    """The type reaches the model as text; whether a small model obeys is its own affair."""
    answers: list[Any] = []
    heard = client()
    heard.on("completion:response", answers.append)
    with suppress(InstructorError):
        asked("Greet me.", of=heard)

    assert answers[0].choices[0].message.content
    assert answers[0].usage.prompt_tokens > 50


def test_plain_text_is_answered_through_it() -> None:
    answer = client().create(
        response_model=None,
        model=MODEL,
        max_tokens=4,
        messages=[{"role": "user", "content": "Say hi."}],
    )

    assert answer.choices[0].message.content


@pytest.mark.parametrize(
    ("mode", "named"),
    [
        ("TOOLS", "`tool_choice`, `tools`"),
        ("JSON", "`response_format`"),
        ("JSON_SCHEMA", "`response_format`"),
    ],
)
def test_modes_that_the_model_lacks_are_refused_by_name(mode: str, named: str) -> None:
    refused = cause(lambda: asked("Greet me.", of=client(instructor.Mode[mode])))

    assert isinstance(refused, openai.BadRequestError)
    assert f", leave out: {named}" in str(refused)


def test_prompt_too_long_is_a_bad_request_with_the_code() -> None:
    refused = cause(lambda: asked(TOO_LONG))

    assert isinstance(refused, openai.BadRequestError)
    assert refused.code == "context_length_exceeded"


def test_wrong_key_is_an_authentication_error() -> None:
    refused = cause(lambda: asked("Hi", of=client(key=WRONG_KEY)))

    assert isinstance(refused, openai.AuthenticationError)
    assert WRONG_KEY_WORDS in str(refused)
