"""Asks a model each task's questions at growing lengths."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Protocol

from recall.questions import Question, Task

_Z = 1.96  # 95 % confidence
_ROOM = 0.99  # Of a length: what is left is what two sizes do not tell of others.


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


@dataclass(frozen=True)
class Scale:
    """How long a task's prompts are in a model's tokens: measured once, good for every length."""

    task: Task
    least: int  # tokens at size 1
    each: float  # tokens of a further sentence, line, topic or entry

    @property
    def shortest(self) -> int:
        """The tokens of the task's shortest prompt and its answer."""
        return self.least + self.task.answer_tokens

    def questions(self, length: int, trials: int, seed: int) -> list[Question]:
        """Write questions whose prompt and answer fit `length` tokens; a seed writes them again."""
        task = self.task
        size = 1 + max(0, int((_ROOM * length - self.shortest) / self.each))
        draw = random.Random(f"{seed}:{task.name}:{length}")  # noqa: S311 - repeatable, not secret
        return [task.write(draw, size) for _ in range(trials)]


def measure_scale(answerer: Answerer, task: Task) -> Scale:
    """Let a model count the tokens of a task's prompts of two sizes."""
    least, more = (
        answerer.prompt_tokens(task.write(random.Random(0), size).prompt)  # noqa: S311 - repeatable
        for size in (1, task.probe_size)
    )
    return Scale(task, least, (more - least) / (task.probe_size - 1))


def measure_retrieval(
    answerer: Answerer, tasks: Sequence[Task], lengths: Sequence[int], trials: int, seed: int
) -> Iterator[Retrieval]:
    """Ask `trials` questions of each task at each length; the same seed asks the same."""
    for task in tasks:
        scale = measure_scale(answerer, task)
        for length in lengths:
            questions = scale.questions(length, trials, seed)
            right = sum(is_right(answerer, each, task.answer_tokens) for each in questions)
            yield Retrieval(task.name, length, right, trials)


def is_right(answerer: Answerer, question: Question, answer_tokens: int) -> bool:
    """Ask one question."""
    text = answerer.answer_text(question.prompt, answer_tokens, question.until)
    return question.is_answered_by(text)
