"""The command line: its help, and what becomes of a mistake."""

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
    """Run one verb; exits with 1 when it fails and with 2 when the words are no command."""
    arguments = parser().parse_args(words)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit("interrupted: run the same command again to go on")
    except BrokenPipeError:  # `make logs | head`: nobody reads on.
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
        one.set_defaults(run=verb.run)
    return made


def _listed(verbs: tuple[Verb, ...]) -> str:
    return "\n".join(f"  {verb.name:<15} {verb.summary}" for verb in verbs)
