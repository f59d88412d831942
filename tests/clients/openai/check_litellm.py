"""LiteLLM, with the fallbacks that it has for a prompt that is too long."""

from typing import Any

import litellm
import pytest

from tests.clients.stage import (
    BASE_URL,
    KEY,
    MESSAGES,
    MODEL,
    REFUSED,
    TOO_LONG,
    WRONG_KEY,
    WRONG_KEY_WORDS,
)

LONG = [{"role": "user", "content": TOO_LONG}]


def completion(**asked: Any) -> Any:
    given = {
        "model": f"openai/{MODEL}",
        "base_url": BASE_URL,
        "api_key": KEY,
        "messages": MESSAGES,
        "max_tokens": 4,
        "temperature": 0,
        "num_retries": 0,
    }
    return litellm.completion(**{**given, **asked})


def test_conversation_is_the_same_whole_and_streamed() -> None:
    whole = completion()
    streamed = litellm.stream_chunk_builder(
        list(completion(stream=True, stream_options={"include_usage": True}))
    )

    assert whole.choices[0].message.content
    assert streamed.choices[0].message.content == whole.choices[0].message.content
    assert whole.choices[0].finish_reason == streamed.choices[0].finish_reason == "length"
    assert streamed.usage.total_tokens == whole.usage.total_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_prompt_too_long_is_its_context_error(*, stream: bool) -> None:
    with pytest.raises(litellm.ContextWindowExceededError, match="maximum context length is 2048"):
        completion(messages=LONG, stream=stream)


def test_body_too_large_is_its_context_error() -> None:
    with pytest.raises(litellm.ContextWindowExceededError):
        completion(messages=[{"role": "user", "content": TOO_LONG * 120}])


def test_prompt_too_long_goes_to_the_fallback() -> None:
    def deployment(name: str, **limits: Any) -> dict[str, Any]:
        served = {"model": f"openai/{MODEL}", "base_url": BASE_URL, "api_key": KEY, **limits}
        return {"model_name": name, "litellm_params": served}

    router = litellm.Router(
        model_list=[deployment("small"), deployment("large", mock_response="I am larger.")],
        context_window_fallbacks=[{"small": ["large"]}],
        num_retries=0,
    )
    answer = router.completion(model="small", messages=LONG, max_tokens=4)

    assert answer.choices[0].message.content == "I am larger."


def test_wrong_key_is_its_authentication_error() -> None:
    with pytest.raises(litellm.AuthenticationError, match=WRONG_KEY_WORDS):
        completion(api_key=WRONG_KEY)


def test_refused_parameter_is_its_bad_request() -> None:
    with pytest.raises(litellm.BadRequestError, match=REFUSED):
        completion(frequency_penalty=0.5)


def test_other_model_is_its_not_found() -> None:
    with pytest.raises(litellm.NotFoundError, match=f"serves the model {MODEL}"):
        completion(model="openai/another")
