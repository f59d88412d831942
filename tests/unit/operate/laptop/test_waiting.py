"""What a deploy waits for, and what it says meanwhile."""

import pytest

from operate.laptop.waiting import until_settled


def test_it_waits_for_what_changes_and_says_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    seen = iter(
        [
            [("Api", "CREATE_COMPLETE"), ("Serving", "CREATE_IN_PROGRESS")],
            [("Api", "CREATE_COMPLETE"), ("Serving", "CREATE_IN_PROGRESS")],
            [("Api", "CREATE_COMPLETE"), ("Serving", "ROLLBACK_IN_PROGRESS")],
            [("Api", "CREATE_COMPLETE"), ("Serving", "ROLLBACK_COMPLETE")],
        ]
    )
    until_settled(lambda: next(seen), every=0)
    assert next(seen, "all looked at") == "all looked at"
    assert capsys.readouterr().out.splitlines() == [
        "waiting for Serving, which is CREATE_IN_PROGRESS",
        "waiting for Serving, which is ROLLBACK_IN_PROGRESS",
    ]


@pytest.mark.parametrize(
    "status", ["REVIEW_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE", "InService", "Failed"]
)
def test_it_does_not_wait_for_what_nothing_changes(status: str) -> None:
    looks = iter([[("one", status)]])
    until_settled(lambda: next(looks), every=0)


def test_it_gives_up_on_what_never_settles() -> None:
    with pytest.raises(SystemExit, match="endpoint was still Creating after 0 s"):
        until_settled(lambda: [("endpoint", "Creating")], every=0, within=0)
