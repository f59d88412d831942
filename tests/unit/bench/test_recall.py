"""Recall asked of a stage: what is written, and what a refusal says."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace as Answered
from typing import Any

import httpx2
import openai
import pytest

from bench.recall.answerer import Stage
from bench.recall.answerers import Reader
from bench.recall.known import known_picture, known_table, measure_all
from bench.recall.report import recall_table, write_recall
from bench.recall.run import Plan, Refused, ask_all
from recall.questions import Question
from recall.tasks import DOCUMENT, LINE, PASS_KEY, TOPIC


def _plan(**given: Any) -> Plan:
    defaults: dict[str, Any] = {
        "tasks": [PASS_KEY, LINE], "lengths": [3000, 6000], "trials": 5, "users": 3, "seed": 1,
        "files": {},
    }  # fmt: skip
    return Plan(**defaults | given)


@dataclass
class ShortReader(Reader):
    """Refuses a prompt of more than 4,000 tokens, as the API does."""

    def answer_text(self, prompt: str, max_new_tokens: int, until: re.Pattern[str] | None) -> str:
        if len(prompt) > 4000:
            body = {"message": "too long", "code": "context_length_exceeded"}
            response = httpx2.Response(400, request=httpx2.Request("POST", "http://x"))
            raise openai.BadRequestError("too long", response=response, body=body)
        return super().answer_text(prompt, max_new_tokens, until)


def test_every_length_is_asked_and_written(tmp_path: Path) -> None:
    outcomes = list(ask_all(Reader(), _plan()))
    page = write_recall(tmp_path, "a stage", outcomes).read_text()

    table = recall_table(outcomes).split("\n")
    assert table[2] == (
        "| pass key | 3000 | 5 of 5 | 100% | 57% to 100% | 100% at 3264 | 100% at 3264 |"
    )
    assert len(table) == 2 + 4
    assert page.count("<svg") == 1
    assert (tmp_path / "recall.png").exists()
    assert "a stage" in (tmp_path / "recall.json").read_text()


def test_without_lengths_the_cards_are_asked() -> None:
    plan = _plan(tasks=[TOPIC, DOCUMENT], lengths=[], trials=1)

    outcomes = list(ask_all(Reader(), plan))

    assert [each.tokens for each in outcomes if each.task == "topic"] == [
        2851, 5568, 8313, 11044, 13780,
    ]  # fmt: skip
    assert len([each for each in outcomes if each.task == "document"]) == 4


def test_a_length_that_is_refused_ends_its_task(tmp_path: Path) -> None:
    outcomes = list(ask_all(ShortReader(), _plan(lengths=[3000, 6000, 9000])))
    write_recall(tmp_path, "a stage", outcomes)

    assert [outcome.tokens for outcome in outcomes] == [3000, 6000] * 2
    assert outcomes[1] == Refused(task="pass key", tokens=6000, reason="context_length_exceeded")
    assert "context_length_exceeded" in (tmp_path / "recall.md").read_text()


def test_a_length_that_no_question_fits_is_said_to_be_too_short() -> None:
    short, fits = list(ask_all(Reader(), _plan(tasks=[TOPIC], lengths=[512, 4000])))

    assert isinstance(short, Refused)
    assert short.reason.startswith("its shortest prompt and answer have 1")
    assert fits.tokens == 4000
    assert not isinstance(fits, Refused)


def test_questions_from_files_are_asked() -> None:
    question = Question("The pass key is 12345.\n\nWhat is it?", "12345")
    plan = _plan(tasks=[], files={"mine": [question, Question("No key.\n\nWhat?", "1")]})

    (outcome,) = list(ask_all(Reader(), plan))

    assert recall_table([outcome]).endswith("| mine | 35 | 1 of 2 | 50% | 9% to 91% | - | - |")


def test_the_table_of_known_answerers_holds_what_is_known() -> None:
    measured = measure_all()

    for known, outcomes in measured:
        assert len(outcomes) == 12
        for each in outcomes:
            low, high = each.interval
            assert low - 0.01 <= known.accuracy[each.task] <= high + 0.01, (known.name, each)
    assert "| perfect | topic | 100% | 100% (93% to 100%) |" in known_table(measured)
    assert len(known_picture(measured).axes) == 4


@pytest.mark.parametrize("given", [{"trials": 0}, {"users": 0}, {"lengths": [10]}])
def test_a_plan_that_asks_nothing_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        _plan(**given)


@dataclass
class FakeClient:
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def chat(self) -> Any:
        return Answered(completions=Answered(create=self._create))

    def _create(self, **request: Any) -> Any:
        self.asked.append(request)
        message = Answered(message=Answered(content=" 12345."))
        return Answered(choices=[message], usage=Answered(prompt_tokens=9))


def test_a_stage_is_asked_greedily_and_counts_its_prompts_itself() -> None:
    client = FakeClient()
    stage = Stage(client, "mistral")  # type: ignore[arg-type] # a double

    assert stage.prompt_tokens("How long?") == 9
    assert stage.answer_text("Which?", 48, None) == " 12345."
    assert [request["max_tokens"] for request in client.asked] == [1, 48]
    assert all(request["temperature"] == 0 for request in client.asked)
