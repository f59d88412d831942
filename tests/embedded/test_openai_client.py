"""OpenAI's own client in front of each server: every parameter has its effect on a real model."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

import pytest
from openai import AsyncOpenAI, OpenAI, Stream
from openai.types import Completion, Model
from openai.types.chat import ChatCompletionChunk

from invoke_proxy.servers import SERVERS
from operate.api.deployment import Deployment
from tests.embedded.servers import proxy_before

TELL: Any = [{"role": "user", "content": "Tell me about the sea in three sentences."}]
GREET: Any = [{"role": "user", "content": "Say hi."}]


_OTHERS = [pytest.param(each, marks=pytest.mark.slow) for each in SERVERS if each != "tgi"]


@pytest.fixture(scope="module", params=["tgi", *_OTHERS])
def base_url(request: pytest.FixtureRequest, deployed: Deployment) -> Iterator[str]:
    """The deployed API, whose server is TGI, and the proxy in front of each of the others."""
    if request.param == "tgi":
        yield deployed.base_url
        return
    with proxy_before(request.param) as other, other.listening() as url:
        yield url


@pytest.fixture
def openai(base_url: str, deployed: Deployment) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{base_url}/v1", api_key=deployed.api_key, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_openai(base_url: str, deployed: Deployment) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{base_url}/v1", api_key=deployed.api_key, max_retries=0
    ) as client:
        yield client


def told(openai: OpenAI, **parameters: Any) -> str:
    """Return a short answer; greedy unless the parameters say otherwise."""
    asked = {"max_tokens": 12, "temperature": 0, **parameters}
    answer = openai.chat.completions.create(model="tgi", messages=TELL, **asked)
    return str(answer.choices[0].message.content)


def test_stream_has_the_text_of_the_whole_answer_and_its_usage_last(
    openai: OpenAI, deployed: Deployment
) -> None:
    asked: Any = {"model": deployed.model, "messages": TELL, "max_tokens": 12, "temperature": 0}
    whole = openai.chat.completions.create(**asked)
    *chunks, last = openai.chat.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    )

    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert choices[0].delta.role == "assistant"
    assert "".join(each.delta.content or "" for each in choices) == whole.choices[0].message.content
    assert [each.finish_reason for each in choices if each.finish_reason] == ["length"]
    assert {chunk.usage for chunk in chunks} == {None}
    assert (last.choices, last.usage) == ([], whole.usage)
    assert {chunk.model for chunk in chunks} == {deployed.model}


def test_stream_without_the_option_has_no_usage(openai: OpenAI) -> None:
    chunks = openai.chat.completions.create(model="tgi", messages=GREET, max_tokens=2, stream=True)
    assert_type(chunks, Stream[ChatCompletionChunk])
    assert [chunk.usage for chunk in chunks if chunk.usage or not chunk.choices] == []


async def test_async_client_answers_whole_and_streamed(async_openai: AsyncOpenAI) -> None:
    asked: Any = {"model": "tgi", "messages": TELL, "max_tokens": 8, "temperature": 0}
    whole = await async_openai.chat.completions.create(**asked)
    stream = await async_openai.chat.completions.create(**asked, stream=True)
    streamed = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
    assert whole.choices[0].message.content == streamed


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_token_limits_end_the_answer(openai: OpenAI, name: str) -> None:
    limit: Any = {name: 5}
    answer = openai.chat.completions.create(model="tgi", messages=TELL, temperature=0, **limit)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    assert answer.choices[0].finish_reason == "length"


def test_temperature_0_is_deterministic_and_a_negligible_top_p_too(openai: OpenAI) -> None:
    greedy = told(openai)
    assert greedy == told(openai) == told(openai, temperature=2, top_p=1e-9)


def test_seed_makes_a_drawn_answer_reproducible(openai: OpenAI) -> None:
    first, again, other = (told(openai, temperature=1.5, seed=seed) for seed in (7, 7, 8))
    assert first == again != other


def test_top_p_narrows_what_is_drawn(openai: OpenAI) -> None:
    wide, narrow = (told(openai, temperature=2, seed=7, top_p=top_p) for top_p in (1, 0.05))
    assert wide != narrow


def test_stop_sequence_ends_the_answer_and_is_not_in_it(openai: OpenAI) -> None:
    free = told(openai)
    stop = free.split()[4]
    asked: Any = {"max_tokens": 12, "temperature": 0, "stop": ["never", "said", "#", stop]}
    answer = openai.chat.completions.create(model="tgi", messages=TELL, **asked)
    assert answer.choices[0].message.content == free[: free.index(stop)]
    assert answer.choices[0].finish_reason == "stop"


def test_stream_does_not_show_a_stop_sequence(openai: OpenAI) -> None:
    free = told(openai)
    stop = free.split()[4]
    chunks = openai.chat.completions.create(
        model="tgi", messages=TELL, max_tokens=12, temperature=0, stop=stop, stream=True
    )
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(each.delta.content or "" for each in choices) == free[: free.index(stop)]
    assert choices[-1].finish_reason == "stop"


def test_the_models_own_end_is_the_reason_stop(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(
        model="tgi", messages=GREET, max_tokens=300, temperature=0
    )
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens < 300
    assert "<|" not in str(answer.choices[0].message.content)


def test_n_answers_differ_and_count_together(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(
        model="tgi", messages=TELL, max_tokens=8, temperature=1.5, n=2, seed=1
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert len({choice.message.content for choice in answer.choices}) == 2
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 16


def test_logprobs_tell_each_tokens_and_its_rivals(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(
        model="tgi", messages=TELL, max_tokens=6, temperature=0, logprobs=True, top_logprobs=3,
        user="someone",
    )  # fmt: skip
    scored = answer.choices[0].logprobs
    assert scored is not None
    assert scored.content is not None
    assert "".join(each.token for each in scored.content) == answer.choices[0].message.content
    assert len(scored.content) == 6
    for each in scored.content:
        assert len(each.top_logprobs) == 3
        # a greedy answer is made of the likeliest
        assert each.token == each.top_logprobs[0].token
        assert each.logprob == each.top_logprobs[0].logprob < 0


def test_completions_go_on_with_each_prompt(openai: OpenAI) -> None:
    prompts = ["The sea is", "Once upon a time"]
    asked: Any = {"model": "tgi", "max_tokens": 6, "temperature": 0}
    both = openai.completions.create(prompt=prompts, echo=True, **asked)
    alone = [openai.completions.create(prompt=prompt, **asked) for prompt in prompts]
    assert [choice.text for choice in both.choices] == [
        prompt + answer.choices[0].text for prompt, answer in zip(prompts, alone, strict=True)
    ]
    assert [answer.usage.completion_tokens for answer in alone if answer.usage] == [6, 6]


def test_completions_stream_with_logprobs_and_usage(openai: OpenAI) -> None:
    *chunks, last = openai.completions.create(
        model="tgi", prompt="The sea is", max_tokens=6, temperature=0, logprobs=1, stream=True,
        stream_options={"include_usage": True},
    )  # fmt: skip
    assert_type(last, Completion)
    scored = [chunk.choices[0].logprobs for chunk in chunks]
    tokens = [token for each in scored if each for token in each.tokens or ()]
    assert "".join(tokens) == "".join(chunk.choices[0].text for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "length"
    assert last.usage is not None
    assert last.usage.completion_tokens == len(tokens) == 6


def test_model_is_found_by_its_id(openai: OpenAI, deployed: Deployment) -> None:
    model = assert_type(openai.models.retrieve(deployed.model), Model)
    assert model.id == deployed.model
