"""The stand-in: each instance is as fast as the service model says, and admits its own requests."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing

import msgspec
import pytest
from starlette.testclient import TestClient

from embedded_aws.core.circumstances import ServiceModel
from embedded_aws.model_server.stand_in import INSTANCE_HEADER, room
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


@pytest.fixture(name="client")
def _client() -> Iterator[TestClient]:
    environment = {
        "HF_MODEL_ID": "m",
        "MAX_CONCURRENT_REQUESTS": "1",
        room.SERVICE_MODEL: msgspec.json.encode(_MODEL).decode(),
        room.TIME_SCALE: "100000",
    }
    with TestClient(room.furnish(environment).app) as client:
        yield client


def _asked(client: TestClient, tokens: int, instance: str = "0") -> list[dict[str, object]]:
    parameters = {"max_new_tokens": tokens, "details": True}
    body = {"inputs": "a b c", "parameters": parameters, "stream": True}
    answer = client.post("/invocations", json=body, headers={INSTANCE_HEADER: instance})
    lines = [line for line in answer.text.split("\n\n") if line]
    return [msgspec.json.decode(line.removeprefix("data:")) for line in lines]


def test_an_answer_has_as_many_tokens_as_were_asked_for_in_tgis_wire(client: TestClient) -> None:
    events = _asked(client, 3)
    assert len(events) == 3
    assert events[-1]["generated_text"] == " word word word"
    assert events[-1]["details"] == {"finish_reason": "length", "generated_tokens": 3, "seed": None}


def test_each_instance_admits_its_own_requests() -> None:
    settings = read_settings({"HF_MODEL_ID": "m", "MAX_CONCURRENT_REQUESTS": "1"})
    stand_in = room.StandIn(settings, _MODEL, time_scale=100_000)
    request = GenerateRequest(inputs="a b")

    async def ask() -> list[str]:
        found = []
        async with aclosing(stand_in.stream(request)) as first:
            await anext(first)
            for instance in ("0", "1"):
                room._instance.set(instance)
                try:
                    async with aclosing(stand_in.stream(request)) as other:
                        await anext(other)
                    found.append("")
                except TgiError as error:
                    found.append(str(error))
        return found

    assert asyncio.run(ask()) == ["Model is overloaded", ""]
