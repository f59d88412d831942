"""A verb of the command line, and its argument ENVIRONMENT."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import dataclass

from operate.declared import policy_files


def no_arguments(_parser: ArgumentParser) -> None:
    """Add no argument."""


@dataclass(frozen=True, kw_only=True)
class Verb:
    """A verb: its line in the list, what it changes, an example, its arguments and its work."""

    name: str
    summary: str
    changes: str
    example: str
    run: Callable[[Namespace], None]
    add_arguments: Callable[[ArgumentParser], None] = no_arguments


def add_environment(parser: ArgumentParser) -> None:
    """Add the environment, the one positional argument of a verb."""
    parser.add_argument(
        "environment",
        nargs="?",
        default="local",
        type=_environment_name,
        metavar="ENVIRONMENT",
        help=f"{', '.join(policy_files())} (the default: local)",
    )


def _environment_name(text: str) -> str:
    name, declared = text.lower(), policy_files()
    if name not in declared:
        raise ArgumentTypeError(f"must be one of {', '.join(declared)}, got {text!r}")
    return name
