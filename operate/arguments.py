"""The arguments of the verbs, checked as they are read."""

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


def _environment_name(text: str) -> str:
    name, declared = text.lower(), policy_files()
    if name not in declared:
        raise ArgumentTypeError(f"must be one of {', '.join(declared)}, got {text!r}")
    return name


def add_own_model(parser: ArgumentParser) -> None:
    """Add the file that is served in place of the packaged model, and what it is served as."""
    parser.add_argument(
        "--model", type=_path, metavar="FILE", help="your own GGUF file (the default: SmolLM2)"
    )
    parser.add_argument(
        "--entry",
        metavar="MODEL_ID",
        help="the model of the catalog that the file is (the default: mistral-7b-instruct)",
    )


def add_time_scale(parser: ArgumentParser) -> None:
    """Add how many seconds of AWS's pass in one."""
    parser.add_argument(
        "--time-scale",
        type=_time_scale,
        default=20,
        metavar="FACTOR",
        help="how many seconds of AWS's pass in one, from 1 to 60 (the default: 20)",
    )


def _time_scale(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 60):  # noqa: PLR2004 - a minute in a second
        raise ArgumentTypeError(f"must be a whole number from 1 to 60, got {text!r}")
    return int(text)


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
        type=_number,
        default=365,
        help="a retention of CloudWatch Logs, such as 30, 90 or 365 (the default: 365)",
    )


def add_source(parser: ArgumentParser) -> None:
    """Add the environment and the source of the weights."""
    add_environment(parser)
    parser.add_argument(
        "--from",
        dest="source",
        type=_path,
        metavar="PATH",
        help="a folder instead of the hub, or the file of a model that is one GGUF file",
    )


def add_conversion(parser: ArgumentParser) -> None:
    """Add the checkpoint, the file to write, and how its numbers are written."""
    parser.add_argument(
        "--from", dest="source", type=_path, metavar="FOLDER", help="the checkpoint"
    )
    parser.add_argument("--to", dest="target", type=_path, metavar="FILE", help="a new .gguf file")
    parser.add_argument(
        "--kind",
        choices=("F16", "Q8_0", "Q4_0"),
        default="Q8_0",
        help="how the weights are written (the default: Q8_0, one byte each)",
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
        "--data", type=_path, metavar="FOLDER", help="your data (the default: the mode's example)"
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
        help="watch this execution instead of starting one: the data say what is asked at the end",
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


def add_deployment(parser: ArgumentParser) -> None:
    """Add the environment, the assembly or the commit that is deployed, and whatever rings."""
    add_assembly(parser)
    _add_commit(parser)
    parser.add_argument(
        "--unguarded",
        action="store_true",
        help="let no alarm undo the update of the endpoint: for the way back while one rings",
    )


def add_assembly(parser: ArgumentParser) -> None:
    """Add the environment, and an assembly that was made before."""
    add_environment(parser)
    parser.add_argument(
        "--assembly",
        type=_path,
        metavar="FILE",
        help="what `assembly` wrote (the default: this checkout, synthesized now)",
    )
    parser.add_argument(
        "--digest", default="", help="the assembly's digest, which `assembly` printed"
    )


def add_destruction(parser: ArgumentParser) -> None:
    """Add the environment, and the name that its deletion wants typed."""
    add_environment(parser)
    parser.add_argument(
        "--confirm",
        default="",
        metavar="NAME",
        help="the environment's name, where nobody is asked",
    )


def add_synthesis(parser: ArgumentParser) -> None:
    """Add the commit, the environments, and where the assembly goes."""
    _add_commit(parser)
    parser.add_argument(
        "--environments",
        default="dev,staging,prod",
        metavar="NAMES",
        help="what is synthesized (the default: dev,staging,prod)",
    )
    parser.add_argument(
        "--file",
        type=_path,
        default=Path("build/assembly.tar.gz"),
        help="where the assembly is written (the default: build/assembly.tar.gz)",
    )


def add_release(parser: ArgumentParser) -> None:
    """Add the version, and whether it is only shown."""
    parser.add_argument("--version", default="", metavar="N.N.N", help="the version")
    parser.add_argument("--dry-run", action="store_true", help="print what would be, and stop")


def add_minutes(parser: ArgumentParser) -> None:
    """Add the environment, and how long it is watched."""
    add_environment(parser)
    parser.add_argument(
        "--minutes", type=_minutes, default=15, help="such as 15, the default, or 0.5"
    )


def add_assemblies(parser: ArgumentParser) -> None:
    """Add the assemblies that are compared, and the labels of the pull request."""
    for name, of, file in (("--before", "base", "base"), ("--after", "change", "assembly")):
        parser.add_argument(
            name,
            type=_path,
            default=Path(f"build/{file}.tar.gz"),
            metavar="FILE",
            help=f"the assembly of the {of} (the default: build/{file}.tar.gz)",
        )
    parser.add_argument(
        "--labels", default="", help="the labels of the pull request, separated by commas"
    )


def add_comment(parser: ArgumentParser) -> None:
    """Add the pull request, and the file of the comment's text."""
    parser.add_argument(
        "--number", type=_number, default=0, metavar="N", help="the number of the pull request"
    )
    parser.add_argument(
        "--file",
        type=_path,
        default=Path("build/comment.md"),
        help="the comment's text (the default: build/comment.md)",
    )


def _add_commit(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--commit", default="", metavar="HASH", help="tag what is deployed with this commit"
    )


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"give a number, got {text!r}")
    return int(text)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1
    if not 0 <= minutes < 10_000:  # noqa: PLR2004 - a week
        raise ArgumentTypeError(f"give minutes, such as 15 or 0.5, got {text!r}")
    return minutes


def _path(text: str) -> Path:
    """Return a path, whose tilde not every shell has replaced."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ArgumentTypeError(f"name a path in a known home, got {text!r}") from error


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
