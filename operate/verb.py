"""A verb of the command line."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operate.environment import Environment


def no_arguments(_parser: ArgumentParser) -> None:
    """Add no argument."""


@dataclass(frozen=True, kw_only=True)
class Verb:
    """A verb: its line in the list, what it changes, an example, its arguments and its work.

    `work` names a function, "module:function", which is imported when the verb runs. It gets the
    arguments by their names, and the environment as an `Environment`.
    """

    name: str
    summary: str
    changes: str
    example: str
    work: str
    add_arguments: Callable[[ArgumentParser], None] = no_arguments

    def run(self, arguments: Namespace) -> None:
        """Do the work; raises SystemExit when it cannot be done."""
        given = {name: value for name, value in vars(arguments).items() if name != "verb"}
        if "environment" in given:
            given["environment"] = open_environment(given["environment"])
        resolve_name(self.work)(**given)


def open_environment(name: str) -> "Environment":
    """Return the environment of this name, as the shell or the embedded AWS has it."""
    if name == "local":
        from operate.laptop.account import local_environment

        return local_environment()
    from operate.environment import shell_environment

    return shell_environment(name)
