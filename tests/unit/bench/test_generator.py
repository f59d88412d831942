"""The load, and the figures that are taken from it, against servers of known delays."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from bench.load.arrivals import Load, Rate, Trace, Users
from bench.load.generator import Recorded
from bench.load.targets import RequestFailedError, Usage
from bench.results.figures import Figures, Objective, figures_of
from tests.unit.bench.virtual_time import Server, record

_OBJECTIVE = Objective(time_to_first_token_seconds=0.15, inter_token_latency_seconds=0.03)


def _figures(recorded: Recorded, load: Load, tokens: int = 11) -> Figures:
    return figures_of(recorded, 8, tokens, load, _OBJECTIVE)


@pytest.mark.parametrize("users", [1, 7, 128])
def test_a_closed_loop_measures_what_the_server_takes(users: int) -> None:
    load = Users(users)

    cell = _figures(record(Server(), load, seconds=9.6), load)

    assert cell.time_to_first_token.p99 == pytest.approx(0.1)
    assert cell.inter_token_latency.p50 == pytest.approx(0.02)
    assert cell.request_latency.mean == pytest.approx(0.3)
    assert cell.time_per_output_token.p50 == pytest.approx(0.3 / 11)
    assert cell.output_token_throughput == pytest.approx(users * 11 / 0.3, rel=0.01)
    assert cell.request_throughput == pytest.approx(users / 0.3, rel=0.01)
    assert cell.concurrency == pytest.approx(users, rel=0.01)
    assert (cell.prompt_tokens, cell.completion_tokens) == (8, 11)
    assert cell.good_share == 1
    assert cell.stopped is None


def test_users_who_queue_are_in_flight_all_the_same() -> None:
    load = Users(32)

    cell = _figures(record(Server(lanes=4), load, seconds=96), load)

    assert cell.output_token_throughput == pytest.approx(4 * 11 / 0.3, rel=0.02)
    assert cell.request_latency.p50 == pytest.approx(32 / 4 * 0.3, rel=0.02)
    assert cell.concurrency == pytest.approx(32, rel=0.02)  # Little's law
    assert cell.good_share == 0


def test_users_who_march_in_step_are_in_flight_wherever_the_window_ends() -> None:
    load = Users(64)

    for seconds in (3.0, 3.7, 4.4, 5.0):
        cell = _figures(record(Server(token_seconds=0.2), load, seconds=seconds), load)

        assert cell.concurrency == pytest.approx(64, rel=0.01)
        assert cell.is_steady
        assert cell.goodput == 0


def test_a_window_in_which_the_server_slows_down_is_not_steady() -> None:
    class Slowing(Server):
        async def answer(self, prompt: str, tokens: int, on_text: Callable[[], None]) -> Usage:
            self.token_seconds *= 1.1
            return await super().answer(prompt, tokens, on_text)

    load = Users(4)

    cell = _figures(record(Slowing(), load, seconds=20), load)

    assert not cell.is_steady


def test_writing_a_prompt_is_not_measured() -> None:
    for load in (Users(1), Trace("a.txt", (1.0, 3.0, 5.0))):
        recorded = record(Server(), load, seconds=9, seconds_a_prompt=0.07)

        assert {round(each.time_to_first_token or 0, 3) for each in recorded.requests} == {0.1}


def test_no_prompt_is_asked_twice() -> None:
    server = Server()

    record(server, Users(7))

    assert len(set(server.asked)) == len(server.asked) > 1000


def test_an_open_loop_sends_at_its_rate_whatever_the_answers_take() -> None:
    load = Rate(5.0, "constant")

    cell = _figures(record(Server(first_seconds=20), load), load)

    assert cell.request_throughput == pytest.approx(5, rel=0.05)
    assert cell.concurrency == pytest.approx(5 * 20.2, rel=0.05)


def test_an_open_loop_counts_from_when_a_request_was_due() -> None:
    load = Rate(10.0, "constant")

    cell = _figures(record(Server(lanes=1), load, seconds=60), load)

    # It answers 3.3 a second, so the requests that are answered after a minute were due long ago.
    assert cell.request_latency.p99 > 30
    assert cell.time_to_first_token.p99 > 30


def test_poisson_arrivals_vary_and_repeat() -> None:
    load = Rate(5.0)

    first, again = (record(Server(), load, seconds=200) for _ in range(2))

    dues = [request.due for request in first.requests]
    gaps = [b - a for a, b in pairwise(dues)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert mean == pytest.approx(0.2, rel=0.1)
    assert variance**0.5 == pytest.approx(mean, rel=0.15)
    assert [r.due for r in again.requests] == dues


def test_a_trace_is_replayed_to_its_end() -> None:
    recorded = record(Server(), Trace("a.txt", (0.0, 2.5, 2.6, 9.0)))

    assert [round(request.due, 3) for request in recorded.requests] == [0, 2.5, 2.6, 9]
    assert recorded.window[1] < 15


def test_a_cell_is_given_up_when_too_many_requests_fail() -> None:
    load = Users(4)
    server = Server(fails=lambda number: "503" if number % 2 else None)

    cell = _figures(record(server, load, seconds=250), load)

    assert cell.stopped == "503"
    assert len(server.asked) < 50


def test_a_few_failures_are_counted_by_kind_and_measured_around() -> None:
    load = Users(4)
    server = Server(fails=lambda number: "429 rate_limit_exceeded" if number % 20 == 7 else None)

    cell = _figures(record(server, load), load)

    assert cell.stopped is None
    share = cell.failures["429 rate_limit_exceeded"] / (cell.answered + sum(cell.failures.values()))
    assert share == pytest.approx(0.05, abs=0.01)
    assert cell.good_share == pytest.approx(0.95, abs=0.01)
    assert cell.request_latency.p50 == pytest.approx(0.3)


def test_a_request_that_takes_too_long_is_a_timeout() -> None:
    recorded = record(Server(first_seconds=30), Users(8), timeout=10)

    assert recorded.stopped == "timeout"


def test_a_cell_whose_requests_fail_at_once_is_given_up() -> None:
    class Refusing(Server):
        async def answer(self, prompt: str, tokens: int, on_text: Callable[[], None]) -> Usage:
            del prompt, tokens, on_text
            raise RequestFailedError("no connection")

    recorded = record(Refusing(), Users(4))

    assert recorded.stopped == "no connection"


def test_clients_that_disconnect_early_are_counted_apart() -> None:
    load = Users(16)

    cell = _figures(record(Server(), load, disconnect=0.25, seconds=20), load)

    share = cell.disconnected / (cell.disconnected + cell.answered)
    assert share == pytest.approx(0.25, abs=0.03)
    assert cell.good_share == 1
    assert cell.request_latency.p50 == pytest.approx(0.3)
    assert not cell.failures
