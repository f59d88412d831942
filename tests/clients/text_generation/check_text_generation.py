"""The `text-generation` client gets from the server at TGI_URL what it would get from TGI."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from text_generation import (  # type: ignore[import-not-found]  # in an environment of its own
    AsyncClient,
    Client,
)
from text_generation.errors import (  # type: ignore[import-not-found]  # likewise
    OverloadedError,
    ValidationError,
)

TGI_URL = os.environ["TGI_URL"]
PROMPT = "Once upon a time"


@pytest.fixture
def client() -> Client:
    return Client(TGI_URL, timeout=300)


def test_generate_answers_with_details(client: Client) -> None:
    answer = client.generate(PROMPT, max_new_tokens=6, decoder_input_details=True)

    assert answer.details.finish_reason == "length"
    assert answer.details.generated_tokens == 6
    assert "".join(token.text for token in answer.details.prefill) == PROMPT
    assert "".join(token.text for token in answer.details.tokens) == answer.generated_text
    assert all(token.logprob < 0 and not token.special for token in answer.details.tokens)


def test_generate_begins_with_the_prompt_when_the_full_text_is_asked(client: Client) -> None:
    answer = client.generate(PROMPT, max_new_tokens=2, return_full_text=True)

    assert answer.generated_text.startswith(PROMPT)


def test_generate_stream_yields_each_token_and_last_the_text(client: Client) -> None:
    *before, last = client.generate_stream(PROMPT, max_new_tokens=6)

    assert len(before) == 5
    assert [event.generated_text for event in before] == [None] * 5
    assert last.generated_text == "".join(event.token.text for event in [*before, last])
    assert last.details.finish_reason == "length"
    assert last.details.generated_tokens == 6


def test_generate_stream_ends_with_the_special_end_token(client: Client) -> None:
    chat = "<|im_start|>user\nSay hi.<|im_end|>\n<|im_start|>assistant\n"
    *_, last = client.generate_stream(chat, max_new_tokens=200)

    assert last.details.finish_reason == "eos_token"
    assert last.token.special
    assert last.token.text not in last.generated_text


def test_stop_sequence_ends_the_text(client: Client) -> None:
    stop = client.generate(PROMPT, max_new_tokens=8).details.tokens[5].text
    answer = client.generate(PROMPT, max_new_tokens=8, stop_sequences=[stop])

    assert answer.details.finish_reason == "stop_sequence"
    assert answer.generated_text.endswith(stop)


def test_seed_repeats_a_sampled_text(client: Client) -> None:
    sampled = {"temperature": 1.5, "top_p": 0.95, "top_k": 100, "repetition_penalty": 1.1}
    first, second = (client.generate(PROMPT, seed=7, **sampled) for _ in range(2))

    assert first.generated_text == second.generated_text
    assert first.generated_text != client.generate(PROMPT, seed=8, **sampled).generated_text
    assert first.details.seed == 7


def test_truncate_keeps_the_end_of_the_prompt(client: Client) -> None:
    answer = client.generate(PROMPT, max_new_tokens=1, truncate=2, decoder_input_details=True)

    assert "".join(token.text for token in answer.details.prefill) == " a time"


def test_top_n_tokens_come_with_each_token(client: Client) -> None:
    answer = client.generate(PROMPT, max_new_tokens=2, top_n_tokens=3)

    assert [len(rivals) for rivals in answer.details.top_tokens] == [3, 3]


def test_best_of_tells_the_other_sequence(client: Client) -> None:
    answer = client.generate(PROMPT, max_new_tokens=6, best_of=2, do_sample=True, temperature=1.5)

    (other,) = answer.details.best_of_sequences
    assert "".join(token.text for token in other.tokens) == other.generated_text
    assert other.seed != answer.details.seed


def test_too_many_tokens_are_a_validation_error_whole_and_streamed(client: Client) -> None:
    error = (
        r"`inputs` tokens \+ `max_new_tokens` must be <= \d+. Given: 4 `inputs` tokens and 99999"
    )

    with pytest.raises(ValidationError, match=error):
        client.generate(PROMPT, max_new_tokens=99999)
    with pytest.raises(ValidationError, match=error):
        list(client.generate_stream(PROMPT, max_new_tokens=99999))


def test_overload_is_its_own_error(client: Client) -> None:
    with ThreadPoolExecutor(12) as threads:
        calls = [threads.submit(client.generate, PROMPT, max_new_tokens=40) for _ in range(12)]
    errors = [call.exception() for call in calls]

    assert None in errors
    refused = [error for error in errors if error]
    assert refused
    assert {type(error) for error in refused} == {OverloadedError}
    assert {str(error) for error in refused} == {"Model is overloaded"}


def test_async_client_generates_whole_and_streamed() -> None:
    async def both() -> tuple[str, str]:
        client = AsyncClient(TGI_URL, timeout=300)
        whole = await client.generate(PROMPT, max_new_tokens=4)
        events = [event async for event in client.generate_stream(PROMPT, max_new_tokens=4)]
        return whole.generated_text, events[-1].generated_text

    whole, streamed = asyncio.run(both())

    assert whole == streamed != ""
