"""Answerers whose accuracy is known, so that the scoring itself can be judged."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Reader:
    """Reads what it sees of a prompt without a mistake; a token is a character.

    `sees` cuts the prompt: the question, its last paragraph, is always seen.
    """

    sees: Callable[[str], str] = lambda prompt: prompt
    asked: list[str] = field(default_factory=list)

    def prompt_tokens(self, prompt: str) -> int:
        """Return the number of characters."""
        return len(prompt)

    def answer_text(self, prompt: str, max_new_tokens: int, until: re.Pattern[str] | None) -> str:
        """Answer in a sentence, ended where the measurement wants it to."""
        del max_new_tokens
        self.asked.append(prompt)
        text = self._answer(self.sees(prompt), prompt.rpartition("\n\n")[2])
        ended = until.search(text) if until else None
        return text[: ended.end()] if ended else text

    def _answer(self, seen: str, question: str) -> str:
        if "first topic" in question:
            found = re.search(r"the topic of ([^.]+)\.", seen)
            return f"We first discussed {found[1]}." if found else "I do not remember."
        if line := re.search(r"in line (\S+)\?", question):
            found = re.search(rf"line {line[1]}: the value is <(\d+)>", seen)
            return f" in line {line[1]} is {found[1]}." if found else " lost."
        if person := re.search(r"did (.+) open", question):
            found = re.search(rf"{person[1]} opened a workshop in (\w+)", seen)
            letter = re.search(rf"([A-D])\. {found[1]}", question) if found else None
            return f"{letter[1]}." if letter else "E."
        found = re.search(r"The pass key is (\d+)\.", seen)
        return f" {found[1]}." if found else " gone."


@dataclass
class Guesser:
    """Reads nothing, and guesses."""

    draw: random.Random

    def prompt_tokens(self, prompt: str) -> int:
        """Return the number of characters."""
        return len(prompt)

    def answer_text(self, prompt: str, max_new_tokens: int, until: re.Pattern[str] | None) -> str:
        """Guess a letter, or five digits."""
        del max_new_tokens
        if "Answer with the letter" in prompt:
            return self.draw.choice("ABCD")
        return f" {self.draw.randrange(10_000, 100_000)}." if until else "music"


def without_the_middle(prompt: str) -> str:
    """Forget the middle third."""
    third = len(prompt) // 3
    return prompt[:third] + prompt[-third:]
