"""The programs that the documents' commands start, and what each takes."""

import contextlib
import io
import os
import re
import subprocess
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import botocore.loaders
from botocore import xform_name

from bench.__main__ import parser as bench_parser
from operate.command_line import parser as operate_parser

from .reading import ROOT

_SHELL = Path(__file__).parent / "recipe_shell.sh"
_ASSIGNMENT = re.compile(r"([A-Za-z_]+)=(.*)", re.DOTALL)
_PARSERS: Mapping[str, Callable[[], ArgumentParser]] = {
    "operate": cache(operate_parser),
    "bench": cache(bench_parser),
}
_CDK = {"bootstrap", "deploy", "destroy", "diff", "drift", "synth"}
_STACK = re.compile(r"(Local|Dev|Cpu|Staging|Prod)/(\*|Serving|Api|Training|Weights)")
_S3 = {"cp", "ls", "mv", "rm", "sync"}  # the AWS CLI's own, of no API


def make(words: Sequence[str]) -> str:
    """Return what is wrong with a command of make's."""
    given = [word for word in words if _ASSIGNMENT.fullmatch(word)]
    verbs = [word for word in words if not word.startswith("-") and word not in given]
    known_verbs, known_variables = _makefile()
    if unknown := set(verbs) - known_verbs:
        return f"make has no target {', '.join(sorted(unknown))}"
    if unknown := {word.partition("=")[0] for word in given} - known_variables:
        return f"make reads no variable {', '.join(sorted(unknown))}"
    # `NAME=` alone says that there is such a variable.
    said = tuple(word for word in given if not word.endswith("="))
    return next((wrong for verb in verbs if (wrong := _recipe(verb, said))), "")


@cache
def _makefile() -> tuple[frozenset[str], frozenset[str]]:
    """Return the targets and the variables that there are."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][a-z -]*):(?!=)", text, re.MULTILINE)
    named = re.findall(r"\bvalue ([A-Z]+)|\$[({]+([A-Z]+)\b|\b([A-Z]+)=", text)
    return frozenset(" ".join(targets).split()), frozenset(" ".join(map(" ".join, named)).split())


@cache
def _recipe(verb: str, given: tuple[str, ...]) -> str:
    """Return what is wrong with what a verb gives Python."""
    outside = ("MAKE", "MFLAGS", "GIVEN_")
    ran = subprocess.run(
        ["make", "-s", f"SHELL={_SHELL}", verb, *given],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(outside)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        return ran.stderr.strip()
    lines = (line.rstrip("\0").split("\0") for line in ran.stdout.splitlines())
    return next((wrong for words in lines if (wrong := python(words))), "")


def python(words: Sequence[str]) -> str:
    """Return what is wrong with a command of Python's."""
    if words[0] != "-m":
        return f"give Python a module, got {words[0]!r}"
    module, *arguments = words[1:]
    try:
        if find_spec(module) is None:
            return f"there is no module {module}"
    except ModuleNotFoundError as error:
        return str(error)
    if made := _PARSERS.get(module):
        return _parsed(made(), arguments)
    return ""


def _parsed(parser: ArgumentParser, arguments: Sequence[str]) -> str:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(arguments)
    except SystemExit as ended:
        return said.getvalue().strip().rpartition("\n")[2] if ended.code else ""
    return ""


def cdk(words: Sequence[str]) -> str:
    """Return what is wrong with a command of the CDK CLI's."""
    if not words or words[0] not in _CDK:
        return f"cdk has no command {' '.join(words[:1])!r} that is used here"
    stacks = [word for word in words if re.match(r"[A-Z]\w+/", word)]
    return next((f"there is no stack {s}" for s in stacks if not _STACK.fullmatch(s)), "")


def aws(words: Sequence[str]) -> str:
    """Return what is wrong with a command of the AWS CLI's."""
    if len(words) < 2:  # noqa: PLR2004 - a service and an operation
        return "give a service and an operation"
    service, operation, *options = words
    if service == "s3":
        return "" if operation in _S3 else f"aws s3 has no {operation}"
    shapes = _operations(service)
    if operation not in shapes and (service, operation) != ("cloudformation", "deploy"):
        return f"aws {service} has no {operation}"
    taken = shapes.get(operation)
    names = [word[2:] for word in options if word.startswith("--")]
    wrong = [name for name in names if taken and name not in taken | {"query", "output", "region"}]
    return f"aws {service} {operation} takes no --{wrong[0]}" if wrong else ""


@cache
def _operations(service: str) -> Mapping[str, frozenset[str]]:
    """Return the options of each operation of a service, as the AWS CLI names them."""
    try:
        model = botocore.loaders.Loader().load_service_model(service, "service-2")
    except botocore.loaders.UnknownServiceError:
        return {}
    return {
        _dashed(name): frozenset(
            map(
                _dashed,
                model["shapes"].get(each.get("input", {}).get("shape"), {}).get("members", ()),
            )
        )
        for name, each in model["operations"].items()
    }


def _dashed(name: str) -> str:
    return str(xform_name(name)).replace("_", "-")
