"""What a deploy waits for, and what it says meanwhile."""

import pytest

from operate import waiting


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The naps that were taken, none of which lasts."""
    taken: list[float] = []
    monkeypatch.setattr("time.sleep", taken.append)
    return taken


def test_it_waits_for_what_changes_and_says_each_once(
    naps: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    seen = iter(
        [
            [("Api", "CREATE_COMPLETE"), ("Serving", "CREATE_IN_PROGRESS")],
            [("Api", "CREATE_COMPLETE"), ("Serving", "CREATE_IN_PROGRESS")],
            [("Api", "CREATE_COMPLETE"), ("Serving", "ROLLBACK_IN_PROGRESS")],
            [("Api", "CREATE_COMPLETE"), ("Serving", "ROLLBACK_COMPLETE")],
        ]
    )
    waiting.until_settled(lambda: next(seen))
    assert len(naps) == 3
    assert capsys.readouterr().out.splitlines() == [
        "waiting for Serving, which is CREATE_IN_PROGRESS",
        "waiting for Serving, which is ROLLBACK_IN_PROGRESS",
    ]


@pytest.mark.parametrize(
    "status", ["REVIEW_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE", "InService", "Failed"]
)
def test_it_does_not_wait_for_what_nothing_changes(naps: list[float], status: str) -> None:
    waiting.until_settled(lambda: [("one", status)])
    assert naps == []


def test_it_gives_up_on_what_never_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 2000, 100))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with pytest.raises(SystemExit, match="endpoint stayed Creating for 900 s"):
        waiting.until_settled(lambda: [("endpoint", "Creating")])
