"""The arguments of the verbs that CI runs."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from operate.arguments import add_declared, add_environment, number, path


def add_deployment(parser: ArgumentParser) -> None:
    """Add the environment, the assembly or the commit that is deployed, and whatever rings."""
    add_assembly(parser)
    _add_commit(parser)
    parser.add_argument(
        "--unguarded",
        action="store_true",
        help="let no alarm undo the update of the endpoint: for the way back while one rings",
    )


def add_tagged(parser: ArgumentParser) -> None:
    """Add the environment, and the commit that its stacks are tagged with."""
    add_environment(parser)
    _add_commit(parser)


def add_assembly(parser: ArgumentParser) -> None:
    """Add the environment, and an assembly that was made before."""
    add_environment(parser)
    parser.add_argument(
        "--assembly",
        type=path,
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
        type=path,
        default=Path("build/assembly.tar.gz"),
        help="where the assembly is written (the default: build/assembly.tar.gz)",
    )


def add_release(parser: ArgumentParser) -> None:
    """Add the version, and whether it is only shown."""
    parser.add_argument("--version", default="", metavar="N.N.N", help="the version")
    parser.add_argument("--dry-run", action="store_true", help="print what would be, and stop")


def add_no_return(parser: ArgumentParser) -> None:
    """Add the environment by its name, and the commit that nothing can return to."""
    add_declared(parser)
    _add_commit(parser, "the commit that is deployed there (the default: none)")


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
            type=path,
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
        "--number", type=number, default=0, metavar="N", help="the number of the pull request"
    )
    parser.add_argument(
        "--file",
        type=path,
        default=Path("build/comment.md"),
        help="the comment's text (the default: build/comment.md)",
    )


def _add_commit(
    parser: ArgumentParser, words: str = "tag what is deployed with this commit"
) -> None:
    parser.add_argument("--commit", default="", metavar="HASH", help=words)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1
    if not 0 <= minutes < 10_000:  # noqa: PLR2004 - a week
        raise ArgumentTypeError(f"give minutes, such as 15 or 0.5, got {text!r}")
    return minutes
