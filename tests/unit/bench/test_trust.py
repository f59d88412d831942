"""What a tool says, set beside what a server of known delays did."""

import asyncio
from typing import Any, cast

import pytest

from bench.trust import stub
from bench.trust.agreement import row, table, verdict
from bench.trust.cpu import Cpu
from bench.trust.stub import Answer
from bench.trust.tools import Measured, read_aiperf, read_guidellm
from tests.unit.virtual_clock import run


class _Transport:
    def __init__(self) -> None:
        self.written: list[tuple[float, bytes]] = []

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes) -> None:
        self.written.append((asyncio.get_running_loop().time(), data))


@pytest.mark.parametrize("tokens", [1, 2, 50])
def test_the_server_tells_when_it_wrote_what(tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub, "_answers", [])

    async def ask() -> _Transport:
        model, transport = stub.Model(), _Transport()
        model.transport = cast("asyncio.Transport", transport)
        model.answer(b"POST /v1/completions HTTP/1.1", b'{"max_tokens": %d}' % tokens)
        await asyncio.sleep(10)
        return transport

    written = run(ask()).written
    (answer,) = stub._answers

    assert len(written) == 1 + tokens
    assert answer.tokens == tokens
    assert written[0][0] + stub.WALL_CLOCK == pytest.approx(answer.received)
    assert written[1][0] + stub.WALL_CLOCK == pytest.approx(answer.first)
    assert written[-1][0] + stub.WALL_CLOCK == pytest.approx(answer.last)
    assert 0.08 <= answer.first - answer.received <= 0.16
    assert answer.first == pytest.approx(answer.planned_first)
    if tokens > 1:
        assert 0.015 <= (answer.last - answer.first) / (tokens - 1) <= 0.025
    assert b"[DONE]" in written[-1][1]


def _answer(received: float, first: float, last: float) -> Answer:
    return Answer(
        received=received, planned_first=received + first, first=received + first,
        last=received + last, tokens=51,
    )  # fmt: skip


def _said(**changed: float) -> Measured:
    figures: dict[str, Any] = {
        "first_token": 0.1, "first_token_p95": 0.1, "inter_token": 0.02, "latency": 1.1,
        "latency_p95": 1.1, "throughput": 51 / 1.1, "cpu_share": 0.25,
    }  # fmt: skip
    return Measured(window=(0, 10), **figures | changed)


def test_a_tool_is_compared_with_the_answers_that_ended_in_its_window() -> None:
    before, within, after = _answer(-2, 0.5, 1.5), _answer(1, 0.1, 1.1), _answer(9.5, 0.5, 1.5)

    exact = row(1, "exact", _said(), [before, within, after])
    late = row(1, "late", _said(first_token=0.11, throughput=44), [before, within, after])

    assert [exact.deviation(name) for name in exact.known] == pytest.approx([0] * 6)
    assert late.deviation("first_token") == pytest.approx(0.1)
    assert late.deviation("throughput") == pytest.approx(44 / (51 / 1.1) - 1)
    assert "| 1 | late | 110.0 (+10.0%) |" in table([exact, late])
    assert "| time to first token | +0.0% (1 user) | +10.0% (1 user) |" in verdict([exact, late])


def test_a_tool_that_measured_nothing_is_named() -> None:
    with pytest.raises(ValueError, match="no answer while idle measured 4 users"):
        row(4, "idle", _said(), [_answer(20, 0.1, 1.1)])


def test_processor_time_is_taken_within_a_window() -> None:
    cpu = Cpu([(0, 0.0), (1, 0.9), (2, 1.0), (3, 1.5), (4, 2.0), (5, 9.0)])

    assert cpu.share(1.5, 4.5) == pytest.approx(0.5)
    assert cpu.share(7, 8) == 0


def test_reports_of_the_public_tools_are_read() -> None:
    aiperf = read_aiperf(
        {
            "start_time": "2026-11-27T13:00:00+00:00",
            "end_time": "2026-11-27T13:00:15+00:00",
            "time_to_first_token": {"avg": 120.0, "p95": 150.0},
            "request_latency": {"avg": 1100.0, "p95": 1300.0},
            "inter_token_latency": {"avg": 20.0},
            "output_token_throughput": {"avg": 700.0},
        }
    )
    whole = {
        "time_to_first_token_ms": {"mean": 120.0, "percentiles": {"p95": 150.0}},
        "request_latency": {"mean": 1.1, "percentiles": {"p95": 1.3}},
        "inter_token_latency_ms": {"mean": 20.0},
    }
    metrics = {name: {"successful": value} for name, value in whole.items()}
    throughput = {"output_tokens_per_second": {"total": {"mean": 700.0}}}
    begun, _ = aiperf["window"]
    benchmark = {"start_time": begun, "end_time": begun + 15, "metrics": metrics | throughput}
    guidellm = read_guidellm({"benchmarks": [benchmark]})

    assert aiperf == guidellm
    assert aiperf["latency"] == 1.1
