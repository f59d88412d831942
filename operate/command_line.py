"""The command line: its help, and its exits when something fails."""

import os
import sys
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from textwrap import fill

from operate.failures import aws_errors, sentence
from operate.verb import Verb
from operate.verbs import GROUPS

_WIDTH = 80
_PROGRAM = "python -m operate"
_MORE = f"`{_PROGRAM} VERB --help` shows a verb's options, what it changes and an example."


def main(words: Sequence[str] | None = None) -> None:
    """Run one verb; exit with 1 if it fails, and with 2 if the words are not a command."""
    arguments = parser().parse_args(words)
    try:
        arguments.verb.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit("interrupted: run the same command again to go on")
    except BrokenPipeError:  # `make logs | head` stops reading.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except aws_errors() as error:
        sys.exit(sentence(error))


def parser() -> ArgumentParser:
    """Return the parser of all verbs, whose help lists them in groups."""
    groups = (f"{group}:\n{_listed(verbs)}" for group, verbs in GROUPS.items())
    made = ArgumentParser(
        prog=_PROGRAM,
        usage="%(prog)s VERB [ENVIRONMENT] [options]",
        description="\n\n".join(groups),
        epilog=_MORE,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verbs = made.add_subparsers(metavar="VERB", prog=_PROGRAM, required=True, help=SUPPRESS)
    for verb in (verb for group in GROUPS.values() for verb in group):
        one = verbs.add_parser(
            verb.name,
            description=f"{verb.summary}\n\n{fill(f'changes: {verb.changes}', _WIDTH)}",
            epilog=f"example: {verb.example}",
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        verb.add_arguments(one)
        one.set_defaults(verb=verb)
    return made


def _listed(verbs: tuple[Verb, ...]) -> str:
    return "\n".join(f"  {verb.name:<15} {verb.summary}" for verb in verbs)
