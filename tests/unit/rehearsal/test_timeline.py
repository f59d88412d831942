"""What a rehearsal prints and draws: steps with their times, ends beside what they must be."""

from xml.etree import ElementTree as ET

import pytest

from rehearsal.cast.repository import _ROOT
from rehearsal.changes import CHANGES, Outcome
from rehearsal.ci.shell import StepFailedError
from rehearsal.report.picture import draw
from rehearsal.report.results import Result, table
from rehearsal.report.timeline import Step, Timeline


class _Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def _timeline(clock: _Clock) -> tuple[Timeline, list[str]]:
    said: list[str] = []
    return Timeline(say=said.append, clock=clock), said


def test_a_step_is_printed_with_its_moment_and_its_time(clock: _Clock) -> None:
    timeline, said = _timeline(clock)
    clock.seconds += 61
    with timeline.step("a change", "dev", "deploy") as step:
        clock.seconds += 14.25
        timeline.going_on(step, "Dev-Serving | 3/9")
        step.note = "0123456"
    assert said == [
        " 1:15    dev      deploy           ... 14 s: Dev-Serving | 3/9",
        " 1:15    dev      deploy           ok      14.2 s  0123456",
    ]


def test_a_step_that_raises_has_failed_and_keeps_its_note(clock: _Clock) -> None:
    timeline, said = _timeline(clock)
    with pytest.raises(StepFailedError), timeline.step("a change", "prod", "watch") as step:
        _alarm(step)
    assert said == [" 0:00    prod     watch            FAILED   0.0 s  prod is in alarm"]
    assert timeline.steps[0].failed


def _alarm(step: Step) -> None:
    step.note = "prod is in alarm"
    raise StepFailedError(step.note)


_GOOD = dict.fromkeys(("dev", "staging", "prod"), Outcome.DEPLOYED)


def test_the_table_says_what_ended_otherwise_than_it_must() -> None:
    right = Result("a change", _GOOD, _GOOD)
    other = Result("another", _GOOD, {**_GOOD, "prod": Outcome.RETURNED})
    broken = Result("a third", _GOOD, _GOOD, fault="prod does not answer: 502")
    thief = Result.of_thefts(refused=True)
    assert [r.wrong for r in (right, other, broken, thief)] == [False, True, True, False]
    lines = table([right, other, broken, thief]).splitlines()
    assert lines[1].split() == [
        "a",
        "change",
        "deployed",
        "deployed",
        "deployed",
        "as",
        "it",
        "must",
    ]
    assert lines[2].endswith("returned      WRONG")
    assert lines[3].split() == ["must", "end", "deployed", "deployed", "deployed"]
    assert lines[5] == "  prod does not answer: 502"
    assert lines[6].split()[-6:] == ["refused", "refused", "refused", "as", "it", "must"]


def test_a_thief_who_is_let_in_is_wrong() -> None:
    assert Result.of_thefts(refused=False).wrong


def test_the_picture_has_a_block_for_each_step(clock: _Clock) -> None:
    timeline, _ = _timeline(clock)
    for lane, name in (("ci", "assembly"), ("dev", "deploy"), ("thief", "token & role")):
        with timeline.step("a <change>", lane, name):
            clock.seconds += 30
    svg = ET.fromstring(draw(timeline.steps, [Result("a <change>", _GOOD, _GOOD)]))  # noqa: S314 - our own
    titles = [each.text for each in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert "deploy, 30.0 s" in titles
    assert "token & role, 30.0 s" in titles


@pytest.mark.parametrize("change", CHANGES[1:], ids=lambda change: change.title)
def test_a_change_edits_one_place_of_the_app(change: object) -> None:
    app = (_ROOT / "rehearsal" / "small_app.py").read_text()
    before, after = change.before, change.after  # type: ignore[attr-defined] # pytest's ids hide it
    assert app.count(before) == 1
    assert after not in app
