"""The app from outside: it refuses bad input before it synthesizes anything."""

import subprocess
import sys
from pathlib import Path

import pytest

import app
from app import chosen
from tests.infrastructure.assembly import ACCOUNTS, ROOT


def test_app_refuses_half_a_location_before_synth(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        app, "_GIVEN", {"ACCOUNTS_FILE": str(ACCOUNTS), "DEV_ACCOUNT": "123456789012"}
    )
    with pytest.raises(SystemExit, match="account and region must be given together or not at all"):
        app.build(str(tmp_path / "out"))
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ("[environments.qa]\n", "accounts.toml has qa, which app.py does not declare"),
        ('[environments.dev]\naccount = "1"', "account and region of dev must be given together"),
    ],
)
def test_app_refuses_accounts_that_it_cannot_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, refusal: str
) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text(said)
    monkeypatch.setattr(app, "_GIVEN", {"ACCOUNTS_FILE": str(file)})
    with pytest.raises(SystemExit, match=refusal):
        app.declared()


@pytest.mark.parametrize(("home", "cache"), [("/dev/null/x", "disabled"), (str(ROOT), "")])
def test_jsii_is_given_no_cache_where_the_home_cannot_be_written(home: str, cache: str) -> None:
    said = "import os, _paths; print(os.environ.get('JSII_RUNTIME_PACKAGE_CACHE', ''))"
    words = [sys.executable, "-c", said]
    done = subprocess.run(
        words, cwd=ROOT, env={"HOME": home}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{cache}\n"


_KNOWN = ("Local", "Dev", "Cpu", "Staging", "Prod")


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (None, ["Local", "Dev", "Cpu", "Staging", "Prod"]),
        ("local", ["Local"]),
        ("PROD, dev,prod", ["Dev", "Prod"]),
    ],
)
def test_environments_are_chosen_by_name(wanted: str | None, names: list[str]) -> None:
    assert chosen(wanted, _KNOWN) == names


@pytest.mark.parametrize("wanted", ["", "local,", "test", "local;dev"])
def test_unknown_environment_is_refused(wanted: str) -> None:
    with pytest.raises(
        SystemExit, match="environments must be of local, dev, cpu, staging, prod, got"
    ):
        chosen(wanted, _KNOWN)
