"""The objective of a benchmark: what is given, else what the environment declares."""

from types import SimpleNamespace
from typing import Any

import pytest

from bench.__main__ import parser
from bench.commands import options_of
from bench.promise import LIMITS, promised
from stacks import loads

_FIRST, _EACH = LIMITS


def _declared(milliseconds: float, first: float | None) -> Any:
    """Return what reads the sizing of `dev`, with an objective."""
    objective = SimpleNamespace(
        milliseconds_per_token=milliseconds, time_to_first_token_seconds=first
    )

    def sizing(name: str) -> Any:
        assert name == "dev"
        return SimpleNamespace(load=SimpleNamespace(objective=objective))

    return sizing


def _given(*words: str) -> Any:
    return parser().parse_args(["run", *words])


def test_an_environment_is_held_to_the_objective_that_it_declares() -> None:
    limits = promised(_given("--env", "dev"), _declared(30, 1.5))
    assert limits == {_FIRST: 1.5, _EACH: 0.03}


def test_what_is_given_counts_instead() -> None:
    given = _given("--env", "dev", "--max-time-to-first-token", "9")
    assert promised(given, _declared(30, 1.5)) == {_EACH: 0.03}


def test_a_first_token_without_a_promise_may_take_what_the_answer_may() -> None:
    limits = promised(_given("--env", "dev", "--tokens", "64"), _declared(50, None))
    assert limits == {_FIRST: 3.2, _EACH: 0.05}


@pytest.mark.parametrize("words", [("--env", "local"), ("--env", "dev", "--url", "http://a")])
def test_this_machine_and_a_url_keep_the_published_tables_limits(words: tuple[str, ...]) -> None:
    options = options_of(_given(*words), "")
    assert (options.max_time_to_first_token, options.max_inter_token_latency) == (2.0, 0.06)


def test_an_environment_without_a_declared_load_keeps_the_published_tables_limits() -> None:
    assert promised(_given("--env", "cpu"), lambda _name: None) == {}


def test_a_run_of_dev_is_held_to_what_dev_declares() -> None:
    declared = loads.dev().load.objective
    assert declared.time_to_first_token_seconds is not None
    options = options_of(_given("--env", "dev"), "")
    assert options.max_time_to_first_token == declared.time_to_first_token_seconds
    assert options.max_inter_token_latency == declared.milliseconds_per_token / 1000
