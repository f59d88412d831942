"""The command line: its help, and its exits when something fails."""

import sys
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from textwrap import fill

from operate.failures import sentence
from operate.terminal import end_output, is_text
from operate.verb import Verb
from operate.verbs import GROUPS

_WIDTH = 80
_INTERRUPTED = 130
_PROGRAM = "python -m operate"
_MORE = f"`{_PROGRAM} VERB --help` shows a verb's options, what it changes and an example."


def main(words: Sequence[str] | None = None) -> None:
    """Run one verb; exit with 1 if it fails, with 2 if the words are not a command.

    An interrupted one exits with 130, as a shell says it.
    """
    given = sys.argv[1:] if words is None else words
    environment = "local"
    try:
        try:
            arguments = _parsed(given)
            environment = getattr(arguments, "environment", environment)
            arguments.verb.run(arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted: run the same command again to continue", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError as error:  # `make logs | head` stops reading.
        end_output()
        if isinstance(error.__context__, SystemExit):
            raise error.__context__ from None
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        if isinstance(error, OSError):
            end_output()
        sys.exit(sentence(error, environment))


def _parsed(words: Sequence[str]) -> Namespace:
    made = parser()
    if broken := [word for word in words if not is_text(word)]:
        made.error(f"give each argument as text in UTF-8, got {broken[0]!r}")
    return made.parse_args(words)


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
