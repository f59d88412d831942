"""The locks, and that everything is installed from them with hashes."""

import hashlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ENTRY = re.compile(r"^[a-z0-9-]+==\S+(?: ; [^\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+$")
LOCKS = {
    "requirements.lock": "development",
    "requirements/bench.lock": "bench",
    "requirements/docs.lock": "docs",
    "requirements/jobs.lock": "jobs",
    "requirements/scan.lock": "scan",
    "requirements/text-generation.lock": "text-generation",
    "lambda/invoke_proxy/requirements.lock": "invoke-proxy",
    "lambda/invoke_proxy/vocabularies.lock": "vocabularies",
}
CLIENTS = {
    f"requirements/clients/{path.stem}.lock": f"client-{path.stem}"
    for path in (ROOT / "requirements/clients").glob("*.lock")
}
BY_HAND = "requirements/torch-cpu.lock"


def entries(lock: str) -> list[str]:
    text = re.sub(r"^#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    return re.split(r"\n(?=\S)", text.rstrip())


def versions(lock: str) -> set[str]:
    return {re.split(r"[ \\]", entry)[0] for entry in entries(lock)}


def project(folder: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())


def test_every_lock_of_the_project_is_known_here() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.lock"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(listed.stdout.split()) == {*LOCKS, *CLIENTS, BY_HAND}


@pytest.mark.parametrize("lock", [*LOCKS, *CLIENTS, BY_HAND])
def test_a_lock_holds_versions_with_hashes_and_nothing_else(lock: str) -> None:
    assert [entry for entry in entries(lock) if not ENTRY.match(entry)] == []
    assert "://" not in (ROOT / lock).read_text()  # no index's address, nor a file's


@pytest.mark.parametrize(("lock", "group"), (LOCKS | CLIENTS).items())
def test_a_lock_has_the_versions_that_its_group_pins(lock: str, group: str) -> None:
    pins = [pin for pin in project(".")["dependency-groups"][group] if "==" in pin]
    if lock == "requirements.lock":
        pins += project("embedded_aws")["project"]["dependencies"]
        pins += re.findall(
            r"^[\w.-]+==[\w.]+", (ROOT / "requirements.txt").read_text(), re.MULTILINE
        )
    assert pins
    assert {re.sub(r"\[.*\]", "", pin) for pin in pins} <= versions(lock)


def test_no_lock_has_a_package_that_the_project_leaves_out() -> None:
    left_out = project(".")["tool"]["uv"]
    locked = {pin.partition("==")[0] for lock in LOCKS for pin in versions(lock)}
    assert locked.isdisjoint(left_out["exclude-dependencies"])


def test_the_function_is_tested_with_the_versions_that_it_is_built_with() -> None:
    assert versions("lambda/invoke_proxy/requirements.lock") <= versions("requirements.lock")


def test_the_cpu_build_of_torch_is_of_the_version_that_the_jobs_lock() -> None:
    (cpu,) = versions(BY_HAND)
    assert cpu.removesuffix("+cpu") in versions("requirements/jobs.lock")


def test_every_installation_requires_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    builds = (ROOT / "lambda/asset_build/dependencies.py").read_text()
    commands = re.findall(r"[^\n]*\bpip (?:install|sync)\b[^\n]*", makefile)
    assert len(commands) >= 5
    assert [command for command in commands if "--require-hashes" not in command] == []
    assert '"pip", "install", *options' in builds
    assert '"--require-hashes"' in builds


def wheel(folder: Path, name: str = "demo", version: str = "1.0") -> str:
    """Write a wheel with one module, and return its SHA-256."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        info = f"{name}-{version}.dist-info"
        archive.writestr(f"{info}/METADATA", about)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the Makefile and an environment into which nothing is installed yet."""
    (tmp_path / "Makefile").symlink_to(ROOT / "Makefile")
    venv = str(tmp_path / ".venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (tmp_path / ".venv/bin/uv").symlink_to(Path(sys.executable).parent / "uv")
    return tmp_path


def install(checkout: Path, digest: str) -> subprocess.CompletedProcess[str]:
    """Let make install the wheel beside it, of which the lock says this digest."""
    (checkout / "requirements.lock").write_text(entry("demo", "1.0", digest))
    return make(checkout, ".venv/installed")


def entry(name: str, version: str, digest: str) -> str:
    return f"{name}=={version} \\\n    --hash=sha256:{digest}\n"


def make(checkout: Path, target: str) -> subprocess.CompletedProcess[str]:
    """Make a target, with the checkout's wheels for an index."""
    outside = ("MAKE", "MFLAGS", "PIP_", "UV_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(outside)}
    offline = {
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(checkout),
        "UV_NO_CACHE": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(checkout),
    }
    return subprocess.run(
        ["make", "-s", "-C", str(checkout), target],
        env={**environment, **offline},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_package_that_is_what_the_lock_says_is_installed(checkout: Path) -> None:
    installed = install(checkout, wheel(checkout))
    assert installed.returncode == 0, installed.stderr
    assert list(checkout.glob(".venv/lib/*/site-packages/demo.py"))


def test_a_package_that_changed_under_its_version_is_refused(checkout: Path) -> None:
    refused = install(checkout, wheel(checkout)[::-1])
    assert refused.returncode != 0
    assert "Hash mismatch for `demo==1.0`" in refused.stderr
    assert not list(checkout.glob(".venv/lib/*/site-packages/demo.py"))


def torch_installed(checkout: Path, *, cpu: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Let make install torch, whose CPU build has this digest by the lock; return its version."""
    (checkout / "pyproject.toml").write_text('[dependency-groups]\njobs = ["torch==2.0"]\n')
    (checkout / "requirements.lock").touch()
    (checkout / "requirements").mkdir()
    general = wheel(checkout, "torch", "2.0")
    (checkout / "requirements/jobs.lock").write_text(entry("torch", "2.0", general))
    (checkout / "requirements/torch-cpu.lock").write_text(entry("torch", "2.0+cpu", cpu))
    (checkout / ".venv/installed").touch()
    made = make(checkout, ".venv-jobs/installed")
    found = checkout.glob(".venv-jobs/lib/*/site-packages/torch-*.dist-info")
    return made, ", ".join(each.stem.removeprefix("torch-") for each in found)


@pytest.mark.slow
def test_the_cpu_build_of_torch_is_installed_where_an_index_has_it(checkout: Path) -> None:
    made, version = torch_installed(checkout, cpu=wheel(checkout, "torch", "2.0+cpu"))
    assert (made.returncode, version) == (0, "2.0+cpu"), made.stderr


@pytest.mark.slow
def test_pypis_torch_is_installed_where_no_index_has_the_cpu_build(checkout: Path) -> None:
    made, version = torch_installed(checkout, cpu="0" * 64)
    assert (made.returncode, version) == (0, "2.0"), made.stderr


@pytest.mark.slow
def test_a_cpu_build_of_torch_that_is_not_the_locks_is_refused(checkout: Path) -> None:
    made, version = torch_installed(checkout, cpu=wheel(checkout, "torch", "2.0+cpu")[::-1])
    assert made.returncode != 0
    assert version == ""
    assert "DO NOT MATCH THE HASHES" in made.stderr
