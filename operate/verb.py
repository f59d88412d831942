"""A verb of the command line."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass


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
