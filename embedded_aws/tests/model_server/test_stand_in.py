"""The stand-in: each instance is as fast as the service model says, and admits its own requests."""

import asyncio
from contextlib import aclosing
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from embedded_aws.core.circumstances import ServiceModel
from embedded_aws.model_server.stand_in import INSTANCE_HEADER, instances, tgi, vllm
from embedded_aws.model_server.stand_in.batch import Batch
from embedded_aws.model_server.tgi.settings import read_settings
from embedded_aws.model_server.tgi.wire import GenerateRequest, TgiError

_MODEL = ServiceModel(
    step=30,
    per_request=2,
    per_word=0.5,
    per_word_squared=0.001,
    admission_steps=20,
    steps_a_token=40,
)


@pytest.fixture(name="passed")
def _passed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The milliseconds that passed, one after the other; nobody waits for them."""
    passed: list[float] = []

    async def pass_at_once(_batch: Batch, clock: float, milliseconds: float) -> float:
        passed.append(milliseconds)
        await asyncio.sleep(0)
        return clock

    monkeypatch.setattr(Batch, "_pass", pass_at_once)
    return passed


async def _tokens(batch: Batch, words: int, tokens: int) -> int:
    async with aclosing(batch.generate(words, tokens)) as coming:
        return len([None async for _ in coming])


def test_a_prompt_stops_the_batch_and_steps_take_longer_with_more_in_it(
    passed: list[float],
) -> None:
    async def two() -> list[int]:
        batch = Batch(_MODEL, time_scale=1)
        return list(await asyncio.gather(_tokens(batch, 100, 2), _tokens(batch, 200, 3)))

    assert asyncio.run(two()) == [2, 3]
    prefills = [60.0, 140.0]
    assert passed == [*prefills, *(4 * [20 * 34]), *(2 * [20 * 32])]


def test_an_abandoned_answer_leaves_the_batch(passed: list[float]) -> None:
    async def leave() -> int:
        batch = Batch(_MODEL, time_scale=1)
        async with aclosing(batch.generate(100, 1000)) as coming:
            async for _ in coming:
                break
        assert batch._task
        await batch._task
        return len(passed)

    assert asyncio.run(leave()) < 10


_PACE = {
    instances.SERVICE_MODEL: msgspec.json.encode(_MODEL).decode(),
    instances.TIME_SCALE: "100000",
}
_TGI = {"HF_MODEL_ID": "m", "MAX_CONCURRENT_REQUESTS": "1", **_PACE}
_VLLM = {"SM_VLLM_MODEL": "m", "SM_VLLM_MAX_NUM_SEQS": "1", **_PACE}
# As the proxy asks while one server takes over from the other: in the words of both.
_BODY = {
    "inputs": "a b c",
    "parameters": {"max_new_tokens": 3, "details": True},
    "prompt": "a b c",
    "max_tokens": 3,
    "return_token_ids": True,
    "stream": True,
    "stream_options": {"include_usage": True},
}


def _asked(client: TestClient, body: dict[str, Any], instance: str = "0") -> list[Any]:
    answer = client.post("/invocations", json=body, headers={INSTANCE_HEADER: instance})
    lines = [line.removeprefix("data:").strip() for line in answer.text.split("\n\n") if line]
    return [line if line == "[DONE]" else msgspec.json.decode(line) for line in lines]


def test_an_answer_has_as_many_tokens_as_were_asked_for_in_tgis_wire() -> None:
    with TestClient(tgi.furnish(_TGI).app) as client:
        events = _asked(client, _BODY)
    assert len(events) == 3
    assert events[-1]["generated_text"] == " word word word"
    assert events[-1]["details"] == {"finish_reason": "length", "generated_tokens": 3, "seed": None}


def test_an_answer_has_as_many_tokens_as_were_asked_for_in_vllms_wire() -> None:
    chat = {"messages": [{"role": "user", "content": "a b c"}], "max_tokens": 2}
    with TestClient(vllm.furnish(_VLLM).app) as client:
        *events, usage, done = _asked(client, _BODY)
        whole = client.post("/invocations", json=chat).json()
    choices = [event["choices"][0] for event in events]
    assert [each["text"] for each in choices] == [" word"] * 3
    assert [each["token_ids"] for each in choices] == [[272]] * 3
    assert [each["finish_reason"] for each in choices] == [None, None, "length"]
    counted = {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}
    assert (usage["usage"], usage["choices"], done) == (counted, [], "[DONE]")
    assert whole["choices"][0]["message"]["content"] == " word word"
    assert whole["usage"]["completion_tokens"] == 2


def test_each_instance_admits_its_own_requests() -> None:
    settings = read_settings(_TGI)
    stand_in = tgi.StandIn(settings, instances.Instances(_TGI))
    request = GenerateRequest(inputs="a b")

    async def ask() -> list[str]:
        found = []
        async with aclosing(stand_in.stream(request)) as first:
            await anext(first)
            for instance in ("0", "1"):
                instances._instance.set(instance)
                try:
                    async with aclosing(stand_in.stream(request)) as other:
                        await anext(other)
                    found.append("")
                except TgiError as error:
                    found.append(str(error))
        return found

    assert asyncio.run(ask()) == ["Model is overloaded", ""]


def test_what_a_full_batch_has_no_room_for_waits(passed: list[float]) -> None:
    async def two() -> list[int]:
        batch = Batch(_MODEL, time_scale=1, max_running=1)
        return list(await asyncio.gather(_tokens(batch, 100, 1), _tokens(batch, 200, 1)))

    assert asyncio.run(two()) == [1, 1]
    alone = 2 * [20 * 32]
    assert passed == [60.0, *alone, 140.0, *alone]
