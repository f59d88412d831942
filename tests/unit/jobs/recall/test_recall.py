"""The scoring of recall, by answerers whose accuracy is known."""

import json
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.recall.answerers import Guesser, Reader
from recall.files import read_questions
from recall.measure import Answerer, Retrieval, measure_retrieval, measure_scale
from recall.questions import Question, Task
from recall.tasks import DOCUMENT, LINE, PASS_KEY, TASKS, TOPIC

_LENGTHS = (3000, 12000)


def _accuracies(answerer: Answerer, task: Task, trials: int = 40) -> list[float]:
    return [each.accuracy for each in measure_retrieval(answerer, [task], _LENGTHS, trials, 7)]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_perfect_reader_is_always_right(task: Task) -> None:
    assert _accuracies(Reader(), task) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("task", "expected"), [(TOPIC, 0.0), (LINE, 0.5), (PASS_KEY, 0.5), (DOCUMENT, 0.5)]
)
def test_a_reader_that_forgets_the_first_half_is_right_about_the_second(
    task: Task, expected: float
) -> None:
    forgetful = Reader(sees=lambda prompt: prompt[len(prompt) // 2 :])

    assert _accuracies(forgetful, task, 200) == pytest.approx([expected] * 2, abs=0.1)


def test_a_reader_that_forgets_the_second_half_still_knows_the_first_topic() -> None:
    forgetful = Reader(sees=lambda prompt: prompt[: len(prompt) // 2])

    assert _accuracies(forgetful, TOPIC) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("task", "expected"), [(TOPIC, 0.0), (LINE, 0.0), (PASS_KEY, 0.0), (DOCUMENT, 0.25)]
)
def test_a_guesser_is_as_right_as_chance(task: Task, expected: float) -> None:
    guesser = Guesser(random.Random(5))  # noqa: S311 - repeatable, not secret

    assert _accuracies(guesser, task, 300) == pytest.approx([expected] * 2, abs=0.08)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_prompts_fill_their_length_differ_and_repeat(task: Task) -> None:
    first, again = Reader(), Reader()
    for reader in (first, again):
        list(measure_retrieval(reader, [task], [4000, 30_000], 5, 3))

    assert first.asked == again.asked
    assert len(set(first.asked)) == 10
    for prompt, length in zip(first.asked, [4000] * 5 + [30_000] * 5, strict=True):
        assert 0.7 * length < len(prompt) <= length - task.answer_tokens


@pytest.mark.parametrize(("task", "times"), [(PASS_KEY, 2), (LINE, 1), (TOPIC, 1)])
def test_a_prompt_holds_its_answer_where_it_should(task: Task, times: int) -> None:
    for question in measure_scale(Reader(), task).questions(8000, 20, 7):
        assert (
            len(re.findall(rf"\b{re.escape(question.expected)}\b(?!,)", question.prompt)) == times
        )


@dataclass
class Counter(Reader):
    """Notes the length of what it counts."""

    counted: list[int] = field(default_factory=list)

    def prompt_tokens(self, prompt: str) -> int:
        self.counted.append(len(prompt))
        return len(prompt)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_what_is_asked_to_find_the_size_fits_a_small_window(task: Task) -> None:
    """The local stage takes about 1,024 tokens, of about four characters."""
    counter = Counter()

    measure_scale(counter, task)

    assert max(counter.counted) <= 1024 * 4


def test_a_model_counts_each_task_once_for_all_lengths() -> None:
    counter = Counter()

    list(measure_retrieval(counter, TASKS, _LENGTHS, 1, 7))

    assert len(counter.counted) == 2 * len(TASKS)


def test_the_right_choice_is_not_always_the_same_letter() -> None:
    expected = {
        question.expected for question in measure_scale(Reader(), DOCUMENT).questions(8000, 60, 7)
    }

    assert expected == set("ABCD")


@pytest.mark.parametrize(
    ("form", "expected", "text", "right"),
    [
        ("number", "12345", " 12345.", True),
        ("number", "12345", "It is 12345 <", True),
        ("number", "12345", " 123456", False),
        ("number", "12345", " 1234", False),
        ("name", "the art of chess", "It was The Art of\nChess!", True),
        ("name", "the art of chess", "chess", False),
        ("choice", "B", "B", True),
        ("choice", "B", " B. Ashmere", True),
        ("choice", "B", "(B)", True),
        ("choice", "B", "The answer is B.", True),
        ("choice", "B", "Bramwick", False),
        ("choice", "B", "C, not B", False),
    ],
)
def test_an_answer_is_read_as_its_form_says(
    *, form: str, expected: str, text: str, right: bool
) -> None:
    question = Question("?", expected, form)  # type: ignore[arg-type] # a Literal as text
    assert question.is_answered_by(text) is right


@pytest.mark.parametrize(
    ("right", "asked", "low", "high"),
    [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (5, 10, 0.237, 0.763), (50, 100, 0.404, 0.596)],
)
def test_an_accuracy_has_wilsons_interval(right: int, asked: int, low: float, high: float) -> None:
    assert Retrieval("line", 1, right, asked).interval == pytest.approx((low, high), abs=0.001)


def test_questions_in_longevals_form_and_ones_own_are_read(tmp_path: Path) -> None:
    lines = [
        {
            "test_id": 1,
            "prompt": "Record",
            "topics": ["the benefits of tea", "x"],
            "prompt_length": 9,
        },
        {"random_idx": ["a-b", 3], "expected_number": 42938, "num_lines": 200, "prompt": "Lines"},
        {"document": "D", "question": "Q?", "options": ["x", "y"], "answer": 1},
        {"document": "D", "question": "Q?", "answer": "Ashmere"},
        {
            "article_id": "1",
            "article": "A",
            "questions": [
                {
                    "question": "Q?",
                    "options": ["w", "x", "y", "z"],
                    "gold_label": 4,
                    "difficult": 1,
                },
                {
                    "question": "R?",
                    "options": ["w", "x", "y", "z"],
                    "gold_label": 1,
                    "difficult": 0,
                },
            ],
        },
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")

    (questions,) = read_questions(tmp_path).values()

    assert [(each.form, each.expected) for each in questions] == [
        ("name", "the benefits of tea"), ("number", "42938"), ("choice", "B"), ("name", "Ashmere"),
        ("choice", "D"), ("choice", "A"),
    ]  # fmt: skip
    assert "A. x\nB. y\n" in questions[2].prompt


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "line 1 of .*Expecting value"),
        ("{}", "line 1 of .*it needs prompt and topics"),
        ('{"prompt":"p","topics":[]}', "it needs prompt and topics"),
        ('{"document":"d","question":"q","options":["a"],"answer":3}', "answer must be the index"),
        ("", "holds no question"),
    ],
)
def test_a_question_that_cannot_be_read_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "a.jsonl").write_text(line)

    with pytest.raises(ValueError, match=said):
        read_questions(tmp_path)


def test_a_folder_without_questions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no \.jsonl file"):
        read_questions(tmp_path)
