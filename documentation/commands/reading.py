"""What a page tells its reader to run: lines of its consoles, examples, verbs in its text."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
# Those that a newcomer follows from their first line to their last: each command of theirs is run.
GUIDES = (
    "README.md",
    "docs/guide/call.md",
    "docs/guide/fine-tune.md",
    "docs/runbook.md",
    "docs/guide/deploy.md",  # the last one: it ends with the destruction of the environment
)
_CONSOLES = {"console", "bash", "sh", "shell"}
_PROGRAM = re.compile(r"(?:[A-Z_]+=\S+ )*(?:make|python -m|cdk|aws) \S")
_COMMENT = re.compile(r"(?:^|\s+)#(?:\s.*)?$")


class Command(NamedTuple):
    """A command, or an example in another language, and where it stands."""

    page: str
    line: int
    text: str
    language: str = "console"

    @property
    def place(self) -> str:
        """Where it stands, as an editor opens it."""
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Return every page that people read, but the records of decisions and of changes."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/guide/*.md")]
    return sorted(str(each.relative_to(ROOT)) for each in found if each.name != "CHANGELOG.md")


def blocks(page: str) -> Iterator[Command]:
    """Yield the commands of a page's consoles, in their order, and its examples."""
    for token in _tokens(page):
        if token.type == "fence" and token.info in _CONSOLES:
            yield from _lines(page, token)
        elif token.type == "fence" and token.info in {"python", "js"}:
            yield Command(page, _first(token), token.content, token.info)
        elif token.type == "code_block":
            yield from (each for each in _lines(page, token) if _PROGRAM.match(each.text))


def inline(page: str) -> Iterator[Command]:
    """Yield the commands that stand in a page's text, which say what a verb is for."""
    for token in _tokens(page):
        for child in token.children or ():
            text = " ".join(child.content.split())
            if child.type == "code_inline" and _PROGRAM.match(text):
                yield Command(page, _first(token), text)


def _tokens(page: str) -> list[Token]:
    reader = MarkdownIt("commonmark").enable("table")
    return reader.parse((ROOT / page).read_text(encoding="utf-8"))


def _first(token: Token) -> int:
    return (token.map or [0])[0] + 1


def _lines(page: str, token: Token) -> Iterator[Command]:
    after = _first(token) + (token.type == "fence")
    text = ""
    for number, line in enumerate(token.content.splitlines(), after):
        text = f"{text} {line}".strip() if text else _COMMENT.sub("", line).strip()
        if text.endswith("\\"):
            text = text.removesuffix("\\").rstrip()
        elif text:
            yield Command(page, number, text)
            text = ""
