"""The arguments of the verbs for any environment."""

import shlex
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from operate.declared import policy_files


def add_environment(parser: ArgumentParser) -> None:
    """Add the environment, the one positional argument of a verb."""
    _add_name(parser, "environment")


def add_declared(parser: ArgumentParser) -> None:
    """Add the environment by its name, for what needs nothing but the checkout."""
    _add_name(parser, "declared")


def _add_name(parser: ArgumentParser, argument: str) -> None:
    parser.add_argument(
        argument,
        nargs="?",
        default="local",
        type=_environment_name,
        metavar="ENVIRONMENT",
        help=f"{', '.join(policy_files())} (the default: local)",
    )


def add_client(parser: ArgumentParser) -> None:
    """Add the environment and the client."""
    add_environment(parser)
    parser.add_argument(
        "--client",
        default="Demo",
        metavar="NAME",
        help="the client, as stacks/environments.py names it (the default: Demo)",
    )


def add_days(parser: ArgumentParser) -> None:
    """Add the environment and the number of days."""
    add_environment(parser)
    parser.add_argument(
        "--days",
        type=number,
        default=365,
        help="a retention of CloudWatch Logs, such as 30, 90 or 365 (the default: 365)",
    )


def add_source(parser: ArgumentParser) -> None:
    """Add the environment and the source of the weights."""
    add_environment(parser)
    parser.add_argument(
        "--from",
        dest="source",
        type=path,
        metavar="PATH",
        help="a folder instead of the hub, or the file of a model that is one GGUF file",
    )


def add_target(parser: ArgumentParser) -> None:
    """Add the environment and the model to return to."""
    add_environment(parser)
    parser.add_argument(
        "--to",
        default="",
        metavar="VERSION",
        help="a version of the registry, or base (the default: what was served before)",
    )


def add_tuning(parser: ArgumentParser) -> None:
    """Add the environment, the data and the parameters of a fine-tuning."""
    add_environment(parser)
    parser.add_argument(
        "--data", type=path, metavar="FOLDER", help="your data (the default: the mode's example)"
    )
    parser.add_argument(
        "--mode",
        choices=("instruction", "domain"),
        default="instruction",
        help="how the data is read (the default: instruction)",
    )
    parser.add_argument(
        "--fail",
        choices=("gate",),
        help="set a threshold that no model can reach, to see a refusal",
    )
    parser.add_argument(
        "--watch",
        default="",
        metavar="ARN",
        help="watch this execution instead of starting one; the data say what is asked at the end",
    )
    parser.add_argument(
        "--set",
        dest="values",
        type=_assignments,
        action="extend",
        default=[],
        metavar="'NAME=VALUE ...'",
        help="parameters of the pipeline, each quoted as in a shell if need be",
    )


def number(text: str) -> int:
    """Return a whole number, 0 or above."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"give a number, got {text!r}")
    return int(text)


def path(text: str) -> Path:
    """Return a path, whose tilde not every shell has replaced."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ArgumentTypeError(f"name a path in a known home, got {text!r}") from error


def _environment_name(text: str) -> str:
    name, declared = text.lower(), policy_files()
    if name not in declared:
        raise ArgumentTypeError(f"must be one of {', '.join(declared)}, got {text!r}")
    return name


def _assignments(text: str) -> list[tuple[str, str]]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ArgumentTypeError(f"close every quote, got {text!r}") from error
    return [_assignment(word) for word in words]


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentTypeError(f"give a parameter as NAME=VALUE, got {text!r}")
    return name, value
