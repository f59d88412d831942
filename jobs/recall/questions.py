"""A question about a long prompt, and whether an answer is right."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

# How an answer is read: numbers as a whole, a name anywhere, or the first letter of a choice.
Form = Literal["number", "name", "choice"]

LETTERS = "ABCD"  # Of the options of a choice.

# A number is complete with what follows it, as it may be written digit by digit.
_NUMBER_ENDED = re.compile(r"\d{5}\D")
_CHOSEN = re.compile(r"(?:^|[\s(*\"'])([A-D])(?:[\s.):*,\"']|$)")


@dataclass(frozen=True)
class Question:
    """A prompt, the answer that is right, and how an answer is read."""

    prompt: str
    expected: str
    form: Form = "number"

    @property
    def until(self) -> re.Pattern[str] | None:
        """What ends an answer early: nothing that follows it is read."""
        return _NUMBER_ENDED if self.form == "number" else None

    def is_answered_by(self, text: str) -> bool:
        """Whether an answer is right."""
        match self.form:
            case "number":
                return self.expected in re.findall(r"\d+", text)
            case "choice":
                chosen = _CHOSEN.search(text)
                return chosen is not None and chosen[1] == self.expected
            case _:
                return self.expected.casefold() in " ".join(text.split()).casefold()


def choice_question(document: str, question: str, options: Sequence[str], right: int) -> Question:
    """Return a question about a document, with up to four options, of which one is right."""
    choices = "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=False))
    return Question(
        f"{document}\n\n{question}\n{choices}\nAnswer with the letter of the right choice only.",
        LETTERS[right],
        "choice",
    )


# Writes a question whose prompt grows with a size: sentences, lines, topics or entries.
Writer = Callable[[random.Random, int], Question]


@dataclass(frozen=True)
class Task:
    """One of the evaluations: `card` has the model card's accuracies by length in tokens.

    `probe_size` is the larger of the two sizes whose lengths are measured; 1 is the other.
    """

    name: str
    write: Writer
    answer_tokens: int
    probe_size: int = 21
    card: Sequence[tuple[int, float, float]] = ()  # length, Mistral-7B-Instruct-v0.1, MistralLite

    @property
    def lengths(self) -> Sequence[int]:
        """The card's lengths; about the same ones where it has none."""
        return [length for length, *_ in self.card] or (3000, 6000, 9000, 12_000)
