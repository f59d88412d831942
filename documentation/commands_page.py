"""The reference of how each command of the README and the guides is tested."""

from collections.abc import Iterator

from .commands.reading import GUIDES, Command, blocks
from .commands.ways import Elsewhere, Parsed, Run, Way, way_of
from .markdown import code, page, table

_INTRODUCTION = """
`make docs-commands` clones the checkout into an empty folder and follows the README and the
guides from their first command to their last, in one shell, as a newcomer would: set-up
included, with the embedded AWS for an account. What a laptop cannot do is run elsewhere or only
parsed, and says why. A unit test parses every command of every page (`make` and its variables,
the verbs' arguments, the API's operations) and fails for one that this table does not know.
"""


def commands_page() -> str:
    """Return docs/reference/commands.md."""
    return page(
        "How the commands are tested",
        _INTRODUCTION,
        table(("page", "command", "how it is tested", "why so"), dict.fromkeys(_rows())),
    )


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for name in GUIDES:
        for command in blocks(name):
            if way := way_of(command):
                yield (
                    name.removeprefix("docs/"),
                    _shown(command),
                    _how(way),
                    getattr(way, "why", ""),
                )


def _shown(command: Command) -> str:
    if command.language != "console":
        return f"the example in {'Python' if command.language == 'python' else 'JavaScript'}"
    return code(command.text if len(command.text) < 100 else f"{command.text[:60]}…")  # noqa: PLR2004


def _how(way: Way) -> str:
    match way:
        case Run(instead=""):
            return "run"
        case Run(instead=other):
            return f"run as {code(other)}"
        case Elsewhere(suite=suite):
            return f"run by {code(suite)}"
        case Parsed():
            return "parsed"
