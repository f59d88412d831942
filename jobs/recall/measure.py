"""Asks a model each task's questions at growing lengths."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Protocol

from recall.questions import Question, Task

_Z = 1.96  # 95 % confidence


class Answerer(Protocol):
    """A model that is asked."""

    def prompt_tokens(self, prompt: str) -> int:
        """Return the number of tokens in a prompt as the model reads it."""

    def answer_text(self, prompt: str, max_new_tokens: int, until: re.Pattern[str] | None) -> str:
        """Answer greedily; the answer may end once `until` is found in it."""


@dataclass(frozen=True)
class Retrieval:
    """How many questions of about one length a model answered rightly."""

    task: str
    tokens: int
    right: int
    asked: int

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return self.right / self.asked

    @property
    def interval(self) -> tuple[float, float]:
        """What holds the accuracy with 95 % confidence, by Wilson's score."""
        share, asked = self.accuracy, self.asked
        centre = share + _Z**2 / (2 * asked)
        spread = _Z * sqrt(share * (1 - share) / asked + _Z**2 / (4 * asked**2))
        whole = 1 + _Z**2 / asked
        return max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)


def measure_retrieval(
    answerer: Answerer, tasks: Sequence[Task], lengths: Sequence[int], trials: int, seed: int
) -> Iterator[Retrieval]:
    """Ask `trials` questions of each task at each length; the same seed asks the same."""
    for task in tasks:
        for length in lengths:
            questions = questions_of(answerer, task, length, trials, seed)
            right = sum(is_right(answerer, each, task.answer_tokens) for each in questions)
            yield Retrieval(task.name, length, right, trials)


def questions_of(
    answerer: Answerer, task: Task, length: int, trials: int, seed: int
) -> list[Question]:
    """Write questions whose prompt and answer fit `length` tokens; a seed writes the same again."""
    size = _fitting_size(answerer, task, length - task.answer_tokens)
    draw = random.Random(f"{seed}:{task.name}:{length}")  # noqa: S311 - repeatable, not secret
    return [task.write(draw, size) for _ in range(trials)]


def is_right(answerer: Answerer, question: Question, answer_tokens: int) -> bool:
    """Ask one question."""
    text = answerer.answer_text(question.prompt, answer_tokens, question.until)
    return question.is_answered_by(text)


def _fitting_size(answerer: Answerer, task: Task, length: int) -> int:
    """Return how many sentences, lines, topics or entries fit, from two measured sizes."""
    few, many = (
        answerer.prompt_tokens(task.write(random.Random(0), size).prompt)  # noqa: S311 - repeatable
        for size in (1, task.probe_size)
    )
    return max(1, int((length - few) / ((many - few) / (task.probe_size - 1))))
