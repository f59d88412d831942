"""The `text-generation` client takes the REST API at API_URL for a TGI behind a key."""

import asyncio
import os

import pytest
from text_generation import (  # type: ignore[import-not-found]  # in an environment of its own
    AsyncClient,
    Client,
)
from text_generation.errors import ValidationError  # type: ignore[import-not-found]  # likewise

API_URL = os.environ["API_URL"]
KEY = {"Authorization": f"Bearer {os.environ['API_KEY']}"}
PROMPT = "Once upon a time"


@pytest.fixture
def client() -> Client:
    return Client(API_URL, headers=KEY, timeout=300)


def test_generate_answers_with_details(client: Client) -> None:
    answer = client.generate(PROMPT, max_new_tokens=6, decoder_input_details=True, top_n_tokens=2)

    assert answer.details.finish_reason == "length"
    assert answer.details.generated_tokens == 6
    assert "".join(token.text for token in answer.details.prefill) == PROMPT
    assert "".join(token.text for token in answer.details.tokens) == answer.generated_text
    assert [len(rivals) for rivals in answer.details.top_tokens] == [2] * 6


def test_generate_stream_yields_each_token_and_last_the_text(client: Client) -> None:
    *before, last = client.generate_stream(PROMPT, max_new_tokens=6)

    assert [event.generated_text for event in before] == [None] * 5
    assert last.generated_text == "".join(event.token.text for event in [*before, last])
    assert last.details.finish_reason == "length"


def test_seed_repeats_a_sampled_text(client: Client) -> None:
    sampled = {"temperature": 1.5, "top_p": 0.95, "top_k": 100, "repetition_penalty": 1.1}
    first, second, other = (
        client.generate(PROMPT, seed=seed, **sampled).generated_text for seed in (7, 7, 8)
    )

    assert first == second != other


def test_best_of_tells_the_other_sequence(client: Client) -> None:
    answer = client.generate(PROMPT, max_new_tokens=6, best_of=2, do_sample=True, temperature=1.5)

    (other,) = answer.details.best_of_sequences
    assert "".join(token.text for token in other.tokens) == other.generated_text


def test_what_does_not_fit_is_a_validation_error_whole_and_streamed(client: Client) -> None:
    error = r"2048 tokens, got 100003 \(4 in the prompt, 99999 for the answer\)"

    with pytest.raises(ValidationError, match=error):
        client.generate(PROMPT, max_new_tokens=99999)
    with pytest.raises(ValidationError, match=error):
        list(client.generate_stream(PROMPT, max_new_tokens=99999))


def test_async_client_generates_whole_and_streamed() -> None:
    async def both() -> tuple[str, str]:
        client = AsyncClient(API_URL, headers=KEY, timeout=300)
        whole = await client.generate(PROMPT, max_new_tokens=4)
        events = [event async for event in client.generate_stream(PROMPT, max_new_tokens=4)]
        return whole.generated_text, events[-1].generated_text

    whole, streamed = asyncio.run(both())

    assert whole == streamed != ""
