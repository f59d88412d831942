"""The command line: what it reads, what it lists, and how it ends when something is wrong."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import NoCredentialsError

from operate import command_line
from operate.verb import Verb
from operate.verbs import FOR_SCRIPTS, GROUPS
from tests.unit.operate.doubles import refusal

ROOT = Path(__file__).parents[3]
_VERBS = [verb for group in GROUPS.values() for verb in group]


def test_parameters_are_split_as_in_a_shell() -> None:
    given = ["finetune", "--set=epoch=3 text='a b'", "--set", "seed=7", "--set=", "--", "local"]
    values = command_line.parser().parse_args(given).values
    assert values == [("epoch", "3"), ("text", "a b"), ("seed", "7")]


@pytest.mark.parametrize("given", ["epoch", "=3", "epoch=3 seven"])
def test_a_parameter_without_a_name_or_a_value_is_refused(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["finetune", "local", "--set", given])
    assert ended.value.code == 2
    assert "give a parameter as NAME=VALUE, got" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["local", "Local", "LOCAL"])
def test_an_environment_is_known_in_any_case(given: str) -> None:
    assert command_line.parser().parse_args(["drift", given]).environment == "local"


@pytest.mark.parametrize("given", ["dve", "", "../dev"])
def test_an_unknown_environment_is_refused(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["drift", "--", given])
    assert ended.value.code == 2
    said = f"ENVIRONMENT: must be one of dev, local, prod, staging, got {given!r}"
    assert said in capsys.readouterr().err


def test_no_verb_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main([])
    assert ended.value.code == 2
    assert "arguments are required: VERB" in capsys.readouterr().err


@pytest.mark.parametrize("verb", _VERBS, ids=lambda verb: verb.name)
def test_a_verb_gives_its_function_what_it_takes(verb: Verb) -> None:
    given = vars(command_line.parser().parse_args([verb.name])).keys() - {"verb"}
    inspect.signature(resolve_name(verb.work)).bind(**dict.fromkeys(given))


_errors: list[BaseException] = []


def fail() -> None:
    """Do the work of a verb that fails."""
    raise _errors.pop()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyboardInterrupt(), "^interrupted: run the same command again to go on$"),
        (NoCredentialsError(), "^AWS cannot be asked: Unable to locate .*\nset the .*AWS_PROFILE"),
        (refusal("ExpiredToken"), "^AWS refused the credentials: .*\nset the .*AWS_REGION"),
        (refusal("AccessDenied"), "^AWS refused the request: .*AccessDenied.*: no$"),
        (S3UploadFailedError("Failed to upload"), "^AWS cannot be asked: Failed to upload"),
        (SystemExit("what to do"), "^what to do$"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_foreseen_failure_is_a_sentence(
    error: BaseException, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Verb(name="fail", summary="", changes="", example="", work=f"{__name__}:fail")
    _errors.append(error)
    monkeypatch.setitem(GROUPS, "failing", (failing,))
    with pytest.raises(SystemExit) as ended:
        command_line.main(["fail"])
    assert re.search(said, str(ended.value.code))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AWS_PROFILE": "nobody", "AWS_REGION": "eu-west-1"}, "profile (nobody) could not"),
        ({}, "You must specify a region"),
        ({"AWS_REGION": "eu-west-1"}, "Unable to locate credentials"),
    ],
    ids=["profile", "region", "credentials"],
)
def test_a_shell_without_access_is_told_what_to_set(
    variables: dict[str, str], said: str, tmp_path: Path
) -> None:
    home = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    ended = _program("drift", "dev", **home, **variables)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert ended.stderr.splitlines()[1].startswith("set the environment's credentials")
    assert "Traceback" not in ended.stderr


def test_an_output_that_nobody_reads_is_no_traceback(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "operate", "env"],
        cwd=ROOT,
        env={"LOCAL_AWS_HOME": str(tmp_path)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, "")


def _program(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operate", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_verb_in_its_group() -> None:
    ended = _program("--help")
    assert ended.returncode == 0
    for group, verbs in GROUPS.items():
        listed = ended.stdout.partition(f"\n{group}:\n")[2].partition("\n\n")[0].splitlines()
        assert [line.split()[0] for line in listed] == [verb.name for verb in verbs]


@pytest.mark.parametrize("verb", _VERBS, ids=lambda verb: verb.name)
def test_help_of_a_verb_says_what_it_changes_and_shows_an_example(
    verb: Verb, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main([verb.name, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert verb.summary in shown
    assert f"changes: {verb.changes}" in " ".join(shown.split())
    assert f"example: {verb.example}" in shown


def test_make_and_the_command_line_offer_the_same_verbs_in_the_same_words() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for group, verbs in GROUPS.items():
        if verbs is FOR_SCRIPTS:
            continue
        section = makefile.partition(f"## --- {group}")[2].partition("\n## ---")[0]
        offered = dict(re.findall(r"^([a-z-]+):.*?## (.*)$", section, flags=re.MULTILINE))
        assert {verb.name: verb.summary for verb in verbs} == {
            name: re.sub(r" \([^()]*\)$", "", text) for name, text in offered.items()
        }
        for name in offered:
            assert f"\npython -m operate {name}" in section.replace("\t@", "")
