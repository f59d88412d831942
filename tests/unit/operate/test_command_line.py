"""The command line: what it reads, what it lists, and how it ends when something is wrong."""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name

import boto3
import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from operate import command_line
from operate.environment import Environment, client, shell_environment
from operate.verb import Verb
from operate.verbs import FOR_SCRIPTS, GROUPS
from tests.unit.operate.doubles import refusal

ROOT = Path(__file__).parents[3]
_VERBS = [verb for group in GROUPS.values() for verb in group]
_NAMED = {verb.name: verb for verb in _VERBS}


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


def test_a_folder_may_begin_with_a_tilde(
    shell: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.setenv("HOME", "/at/home")
    parsed = command_line.parser().parse_args(["finetune", "--data", "~/mine"])
    assert parsed.data == Path("/at/home/mine")
    with pytest.raises(SystemExit):
        command_line.main(["stage-weights", "--from", "~nobody-at-all/x"])
    assert "name a path in a known home, got '~nobody-at-all/x'" in capsys.readouterr().err


def test_days_are_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.main(["job-logs", "--days", "a week"])
    assert "give a number, got 'a week'" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["local", "Local", "LOCAL"])
def test_an_environment_is_known_in_any_case(given: str) -> None:
    assert command_line.parser().parse_args(["drift", given]).environment == "local"


@pytest.mark.parametrize("given", ["dve", "", "../dev"])
def test_an_unknown_environment_is_refused(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["drift", "--", given])
    assert ended.value.code == 2
    said = f"ENVIRONMENT: must be one of cpu, dev, local, prod, staging, got {given!r}"
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


def fail(environment: Environment) -> None:  # noqa: ARG001 - the verb's argument
    """Do the work of a verb that fails."""
    raise _errors.pop()


_KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "^AWS cannot be asked: Unable to locate .*\nset .*AWS_PROFILE"),
        (refusal("ExpiredToken"), "^AWS refused the credentials: .*\nset .*AWS_SESSION_TOKEN"),
        (refusal("AccessDenied"), "^AWS refused the request: .*AccessDenied.*: no$"),
        (S3UploadFailedError("Failed to upload"), "^AWS cannot be asked: Failed to upload$"),
        (EndpointConnectionError(endpoint_url="https://x"), "connect to .*\ncheck the network"),
        (SystemExit("what to do"), "^what to do$"),
        (PermissionError(13, "Permission denied", "/x"), "^/x: Permission denied$"),
        (ZeroDivisionError("by 0"), r"^unexpected ZeroDivisionError: by 0 \(.*\nit is a fault of"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_foreseen_failure_is_a_sentence(
    error: BaseException, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert re.search(said, str(_exit_code(error, monkeypatch)))


def _exit_code(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> object:
    failing = replace(_NAMED["drift"], name="fail", work=f"{__name__}:fail")
    _errors.append(error)
    monkeypatch.setitem(GROUPS, "failing", (failing,))
    with pytest.raises(SystemExit) as ended:
        command_line.main(["fail", "dev"])
    return ended.value.code


def test_an_interrupted_verb_ends_as_a_shell_says_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _exit_code(KeyboardInterrupt(), monkeypatch) == 130
    said = "interrupted: run the same command again to continue\n"
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    ("variables", "said", "hint"),
    [
        ({"AWS_PROFILE": "nobody"}, "profile (nobody) could not", "set AWS_PROFILE to one that"),
        ({"DEV_REGION": ""}, "You must specify a region", "set the environment's region: in acc"),
        ({}, "Unable to locate credentials", "set the environment's credentials: AWS_PROFILE"),
        ({"DEV_REGION": "the moon"}, "doesn't match a supported", "set the environment's region"),
        ({"AWS_CONFIG_FILE": __file__}, "Unable to parse config file", "fix that file"),
        ({"AWS_CONFIG_FILE": sys.executable}, "Unable to parse config file", "fix that file"),
        ({"AWS_SHARED_CREDENTIALS_FILE": __file__}, "Unable to parse config file", "fix that"),
        ({"AWS_ACCESS_KEY_ID": "x"}, "Partial credentials", "set the environment's credentials"),
        ({"AWS_MAX_ATTEMPTS": "many"}, "ValueError: invalid literal", "fix the AWS_ variables"),
        ({"AWS_RETRY_MODE": "none"}, 'Invalid value provided to "mode"', ""),
        ({"AWS_ENDPOINT_URL": "x", **_KEYS}, "Invalid endpoint: x", "fix the AWS_ variables"),
        ({"AWS_CONFIG_FILE": "none", **_KEYS}, "", "check the network, its proxy"),
    ],
)
def test_a_shell_without_access_is_told_what_to_set(
    variables: dict[str, str], said: str, hint: str, shell: pytest.MonkeyPatch
) -> None:
    for name, value in {"DEV_REGION": "eu-west-1", **variables}.items():
        shell.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        command_line.main(["drift", "dev"])
    lines = str(ended.value.code).splitlines()
    assert said in lines[0]
    assert [line.startswith(hint) for line in lines[1:]] == [True] * bool(hint)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A shell that says nothing of AWS, at home where nothing does."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "DEV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    client.cache_clear()
    yield monkeypatch
    client.cache_clear()


@pytest.mark.parametrize("variable", ["DEV_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"])
def test_a_region_is_found_where_a_hint_says_it_is(
    variable: str, shell: pytest.MonkeyPatch
) -> None:
    shell.setenv(variable, "eu-west-3")
    assert shell_environment("dev").client("sts").meta.region_name == "eu-west-3"


def test_an_argument_that_is_no_text_is_refused() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "operate", "info", b"--client=\xff"],
        cwd=ROOT, env={}, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert b"give each argument as text in UTF-8, got '--client=\\udcff'" in ended.stderr


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_no_traceback(stream: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m operate env {stream}"],
        cwd=ROOT,
        env={"LOCAL_AWS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_output_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "operate", "env"],
            cwd=ROOT, env={"LOCAL_AWS_HOME": str(tmp_path)},
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (1, "this machine: No space left on device\n")


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
