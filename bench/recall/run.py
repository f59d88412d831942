"""Asks every question, several at once, and says how it goes."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import openai

from recall.measure import Answerer, Retrieval, is_right, measure_scale
from recall.questions import Question, Task

_FILE_ANSWER_TOKENS = 50  # As LongEval has it.
_MAX_COUNT = 10_000
_MIN_TOKENS = 128


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A length that the stage does not take, in its own words."""

    task: str
    tokens: int
    reason: str


Outcome = Retrieval | Refused


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is asked: tasks at lengths, or questions from files."""

    tasks: Sequence[Task]
    lengths: Sequence[int]
    trials: int
    users: int
    seed: int
    files: Mapping[str, Sequence[Question]]

    def __post_init__(self) -> None:
        for name in ("trials", "users"):
            if not 1 <= getattr(self, name) <= _MAX_COUNT:
                raise ValueError(
                    f"{name} must be from 1 to {_MAX_COUNT}, got {getattr(self, name)}"
                )
        if any(length < _MIN_TOKENS for length in self.lengths):
            raise ValueError(f"lengths must be {_MIN_TOKENS} tokens or more, got {self.lengths}")


def ask_all(answerer: Answerer, plan: Plan) -> Iterator[Outcome]:
    """Ask all; a length that is refused ends its task, as longer ones would be too."""
    with ThreadPoolExecutor(plan.users) as pool:
        yield from _by_length(answerer, plan, pool)
        yield from _of_files(answerer, plan, pool)


def _by_length(answerer: Answerer, plan: Plan, pool: ThreadPoolExecutor) -> Iterator[Outcome]:
    for task in plan.tasks:
        lengths = plan.lengths or task.lengths
        try:
            length = lengths[0]
            scale = measure_scale(answerer, task)
            for length in lengths:
                if length < scale.shortest:
                    reason = f"its shortest prompt and answer have {scale.shortest} tokens"
                    yield Refused(task=task.name, tokens=length, reason=reason)
                    continue
                questions = scale.questions(length, plan.trials, plan.seed)
                right = _right(answerer, questions, task.answer_tokens, pool)
                yield Retrieval(task.name, length, right, len(questions))
        except openai.BadRequestError as error:
            yield Refused(task=task.name, tokens=length, reason=str(error.code or error))


def _of_files(answerer: Answerer, plan: Plan, pool: ThreadPoolExecutor) -> Iterator[Outcome]:
    for name, questions in plan.files.items():
        try:
            tokens = answerer.prompt_tokens(max((each.prompt for each in questions), key=len))
            right = _right(answerer, questions, _FILE_ANSWER_TOKENS, pool)
            yield Retrieval(name, tokens, right, len(questions))
        except openai.BadRequestError as error:
            yield Refused(task=name, tokens=0, reason=str(error.code or error))


def _right(
    answerer: Answerer, questions: Sequence[Question], tokens: int, pool: ThreadPoolExecutor
) -> int:
    return sum(pool.map(partial(is_right, answerer, answer_tokens=tokens), questions))
