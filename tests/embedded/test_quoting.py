"""Values that a shell, or make, might evaluate: they reach their programs as they are."""

import subprocess
from pathlib import Path

import pytest

from operate.api.deployment import Deployment, print_openai_variables

ROOT = Path(__file__).parents[2]
_HOSTILE = """it's "a" $(touch pwned) `touch pwned` $HOME ; touch pwned & | \\ *"""
# what is installed need not be made again
_INSTALLED = [f"--old-file={path}/installed" for path in (".venv", ".venv-jobs", "node_modules")]


def _make(*words: str, folder: Path) -> str:
    """What make says when the programs refuse the values."""
    makefile = ROOT / "Makefile"
    ended = subprocess.run(
        ["make", "-s", "-f", str(makefile), *_INSTALLED, *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LOCAL_AWS_HOME": str(folder),
             "LOCAL_AWS_PORT": "1", "PYTEST_ADDOPTS": "--ignore-glob=*.py",
             "AWS_EC2_METADATA_DISABLED": "true"},
    )  # fmt: skip
    assert ended.returncode != 0
    return ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("variable", "refusal"),
    [
        ("MODE", "argument --mode: invalid choice: {!r}"),
        ("FAIL", "argument --fail: invalid choice: {!r}"),
        ("SET", "argument --set: close every quote, got {!r}"),
    ],
)
def test_make_hands_a_value_over_as_it_was_given(
    tmp_path: Path, variable: str, refusal: str
) -> None:
    hostile = f"$(shell touch {tmp_path}/pwned)$(touch {tmp_path}/pwned)`touch {tmp_path}/pwned`'"
    said = _make("finetune", f"{variable}={hostile}", folder=tmp_path)
    assert refusal.format(hostile) in said
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("variable", ["ENV", "CLIENT", "DATA"])
@pytest.mark.parametrize("verb", ["key", "finetune"])
def test_make_evaluates_no_value(tmp_path: Path, variable: str, verb: str) -> None:
    hostile = f"$(shell touch {tmp_path}/pwned)$(touch {tmp_path}/pwned)\"`touch {tmp_path}/pwned`'"
    _make(verb, f"{variable}={hostile}", folder=tmp_path)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("verb", "variable"), [("deploy", "UNGUARDED"), ("release", "DRY"), ("rehearse", "WRITE")]
)
@pytest.mark.parametrize("value", ["0", "no", "$(touch pwned)"])
def test_make_takes_no_switch_for_on_that_says_off(
    tmp_path: Path, verb: str, variable: str, value: str
) -> None:
    said = _make(verb, f"{variable}={value}", "--old-file=build", folder=tmp_path)
    assert f"{variable} must be 1, or not given: got {value}" in said
    assert not (ROOT / "pwned").exists()


def test_make_hands_a_selection_of_tests_over_as_it_was_given(tmp_path: Path) -> None:
    hostile = f"$(shell touch {tmp_path}/pwned)`touch {tmp_path}/pwned`\"'"
    said = _make("unit", f"T={hostile}", folder=tmp_path)
    assert f"Wrong expression passed to '-k': {hostile}" in said
    assert not (tmp_path / "pwned").exists()


def test_what_openai_prints_sets_the_variables_to_the_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed = Deployment(
        base_url=f"http://{_HOSTILE}", api_key=_HOSTILE, model="m", sagemaker_endpoint="e",
        aws_endpoint_url="u", region="r",
    )  # fmt: skip
    print_openai_variables(deployed)
    script = f'eval "$1"; printf "%s\\n" "$OPENAI_BASE_URL" "$OPENAI_API_KEY"; ls -A {tmp_path}'
    printed = subprocess.run(
        ["bash", "-c", script, "bash", capsys.readouterr().out],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert printed.stdout == f"http://{_HOSTILE}/v1\n{_HOSTILE}\n"
