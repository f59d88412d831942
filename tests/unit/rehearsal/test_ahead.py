"""What is done ahead of the merges: in its order, and no more than somebody waits for."""

from functools import partial
from threading import Event

import pytest

from embedded_aws.tests.account import until
from rehearsal.ahead import Ahead


def test_tasks_are_done_one_after_the_other_in_the_order_in_which_they_were_added() -> None:
    done: list[str] = []

    def do(name: str) -> str:
        done.append(name)
        return f"{name} is done"

    with Ahead() as ahead:
        for name in ("first", "second", "third"):
            ahead.add(name, partial(do, name))
        assert ahead.result("third") == "third is done"
    assert done == ["first", "second", "third"]


def test_whoever_waits_for_a_task_gets_what_it_raised_and_the_next_is_done() -> None:
    with Ahead() as ahead:
        ahead.add("broken", lambda: str(1 // 0))
        ahead.add("next", lambda: "done")
        with pytest.raises(ZeroDivisionError):
            ahead.result("broken")
        assert ahead.result("next") == "done"


def test_what_has_not_begun_at_the_end_is_left_out() -> None:
    begun = Event()

    def until_the_end() -> str:
        begun.set()
        until(lambda: "waiting" in tasks and tasks["waiting"].cancelled())
        return "done"

    with Ahead() as ahead:
        tasks = ahead._tasks
        ahead.add("running", until_the_end)
        ahead.add("waiting", lambda: "done")
        assert begun.wait(120)
    assert ahead.result("running") == "done"
