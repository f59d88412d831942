"""Finds out whether a model still reads all of a long prompt: pass-key and line retrieval."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluation.subject import Subject

_FILLER = (
    "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
)
_ANIMALS = ("badger", "crane", "dingo", "eagle", "ferret", "gecko", "heron", "ibis", "jackal")
_MOODS = ("amber", "bold", "calm", "dusty", "eager", "frosty", "gentle", "hollow", "ivory")
# An instructed model may say first which line it was asked for.
_ANSWER_TOKENS = 48
_ANSWERED = re.compile(r"\d{5}\D")  # with what follows, as a number may be written digit by digit

Prompt = tuple[str, str]  # what is asked, and the digits that must be answered
Writer = Callable[[random.Random, int], Prompt]


@dataclass(frozen=True)
class Retrieval:
    """The share of prompts of about one length that a model answered rightly."""

    task: str
    tokens: int
    accuracy: float


def passkey_prompt(draw: random.Random, sentences: int) -> Prompt:
    """Return a filler text with a number hidden at a random depth."""
    key = str(draw.randrange(10_000, 100_000))
    hidden = f"The pass key is {key}. Remember it. {key} is the pass key."
    before = draw.randrange(sentences + 1)
    text = " ".join([*[_FILLER] * before, hidden, *[_FILLER] * (sentences - before)])
    start = "There is a pass key hidden in the text below. Find it and remember it."
    return f"{start}\n\n{text}\n\nWhat is the pass key? The pass key is", key


def line_prompt(draw: random.Random, lines: int) -> Prompt:
    """Return many named lines, each with its own number, and ask for one of them."""
    names = [f"{mood}-{animal}" for mood in _MOODS for animal in _ANIMALS]
    draw.shuffle(names)
    values = {
        f"{names[number % len(names)]}-{number // len(names)}": str(draw.randrange(10_000, 100_000))
        for number in range(max(1, lines))
    }
    asked = draw.choice(list(values))
    record = "\n".join(f"line {name}: the value is <{value}>" for name, value in values.items())
    start = "Below is a record of lines. Remember the value of each line."
    return f"{start}\n\n{record}\n\nWhat is the value in line {asked}? The value is", values[asked]


TASKS: dict[str, Writer] = {"pass key": passkey_prompt, "line": line_prompt}


def measure_retrieval(
    subject: Subject, lengths: Sequence[int], trials: int, seed: int
) -> list[Retrieval]:
    """Ask `trials` prompts of each task at each length; the same seed asks the same."""
    return [
        Retrieval(
            task, length, _accuracy(subject, write, length, trials, f"{seed}:{task}:{length}")
        )
        for task, write in TASKS.items()
        for length in lengths
    ]


def _accuracy(subject: Subject, write: Writer, length: int, trials: int, seed: str) -> float:
    size = _fitting_size(subject, write, length - _ANSWER_TOKENS)
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    prompts = [write(draw, size) for _ in range(trials)]
    answers = [subject.answer(prompt, _ANSWER_TOKENS, until=_ANSWERED) for prompt, _ in prompts]
    found = [
        key in re.findall(r"\d+", answer.text)
        for answer, (_, key) in zip(answers, prompts, strict=True)
    ]
    return sum(found) / trials


def _fitting_size(subject: Subject, write: Writer, length: int) -> int:
    """Return how many sentences or lines fit `length` tokens, from two measured sizes."""
    few, many = (
        subject.prompt_tokens(write(random.Random(0), size)[0])  # noqa: S311 - repeatable
        for size in (1, 21)
    )
    return max(1, int((length - few) / ((many - few) / 20)))
