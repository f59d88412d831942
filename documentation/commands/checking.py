"""Whether a command can be one: its program is known, its verb exists, its arguments parse."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence

from . import programs

# What a reader's machine has: such a command is read as a shell's, and no further.
_OF_THE_MACHINE = {
    ".",
    "apt-get",
    "cd",
    "curl",
    "eval",
    "export",
    "git",
    "pip",
    "tar",
    "uv",
    "$EDITOR",
}
_CHECKS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "make": programs.make,
    "python": programs.python,
    "cdk": programs.cdk,
    "aws": programs.aws,
}


def problem(text: str) -> str:
    """Return what is wrong with a command, or nothing."""
    return next((said for words in _commands(text) if (said := _problem(words))), "")


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of a line, without the variables that are set before it."""
    # A shell would read placeholders as redirections.
    words = shlex.split(re.sub(r"<[^<>]*>", "X", text))
    command: list[str] = []
    for word in [*words, "&&"]:
        if word in {"&&", "|"}:
            if command:
                yield command
            command = []
        elif command or not re.match(r"[A-Z_]+=", word):
            command.append(word)


def _problem(words: Sequence[str]) -> str:
    program, *arguments = words
    if check := _CHECKS.get(program):
        return check(arguments)
    return "" if program in _OF_THE_MACHINE else f"unknown program {program!r}"
