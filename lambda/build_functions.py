"""Builds the functions' assets under build/, for AWS and for this machine: run it before synth.

    python lambda/build_functions.py [aws] [local]

An asset whose inputs have not changed since is left as it is.
"""

import errno
import hashlib
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from asset_build.byte_code import compile_for_aws, compile_here, pyodide
from asset_build.dependencies import add_dependencies
from asset_build.errors import BuildError
from asset_build.vocabularies import add_vocabularies

SOURCES = Path(__file__).parent
BUILD = SOURCES.parent / "build"
TARGETS = ("aws", "local")

# The functions' runtime: python3.13 on arm64, which is Amazon Linux 2023.
_AWS_PYTHON = "3.13"
_AWS = ("--python-platform", "aarch64-manylinux_2_34", "--python-version", _AWS_PYTHON)
_LOCAL_ONLY = ("tokenizers",)  # the local model's; Mistral's is SentencePiece


def main(targets: list[str]) -> None:
    """Build what is out of date, and say what became of each asset."""
    for function in functions():
        for target in targets or TARGETS:
            built = build(function, target)
            _say(
                f"{function}/{target}: {_size(BUILD / function / target) if built else 'unchanged'}"
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
    source, for_aws = SOURCES / function, target == "aws"
    ignored = shutil.ignore_patterns("__pycache__", "*.lock", "*.sh")
    shutil.copytree(source, asset / function, ignore=ignored)
    for script in source.glob("*.sh"):
        shutil.copy(script, asset)
    if (lock := source / "requirements.lock").is_file():
        _say(f"{function}/{target}: installing its dependencies")
        left_out, platform_options = (_LOCAL_ONLY, _AWS) if for_aws else ((), ())
        add_dependencies(lock, asset, scratch, left_out, platform_options)
    if (lock := source / "vocabularies.lock").is_file():
        _say(f"{function}/{target}: adding the tokenizers' vocabularies")
        folder = asset / function / "tokenizers"
        add_vocabularies(lock, folder, scratch, local_model=not for_aws)
    if for_aws:
        compile_for_aws(asset, _AWS_PYTHON)
    else:
        compile_here(asset)
    _open_to_lambda(asset)


def _open_to_lambda(asset: Path) -> None:
    """Set the modes that Lambda's user needs, whatever the checkout's or the caller's umask was."""
    asset.chmod(0o755)
    for path in asset.rglob("*"):
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)


def _inputs(function: str, target: str) -> str:
    """Return a digest of all that an asset is made from."""
    digest = hashlib.sha256(target.encode())
    if target == "local":
        digest.update(f"{sys.version} {platform.platform()}".encode())
    else:
        digest.update(pyodide().joinpath("package.json").read_bytes())
    builders = (*sorted(SOURCES.glob("*.*")), *_files(SOURCES / "asset_build"))
    for file in (*builders, *_files(SOURCES / function)):
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
    return f"built, {sum(sizes) / 1e3:,.0f} kB in {len(sizes)} files"


def run(targets: list[str]) -> None:
    """Build, or end the process with what is wrong."""
    if unknown := set(targets) - set(TARGETS):
        sys.exit(f"build targets are {' and '.join(TARGETS)}, got {' '.join(sorted(unknown))}")
    try:
        main(targets)
    except (BuildError, OSError) as error:
        sys.exit(f"build_functions: {_advice(error)}{error}")


def _advice(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{BUILD} must be writable (install into an environment of your own, if need be): "
    return ""


if __name__ == "__main__":
    # Otherwise it would leave the folder that it builds in.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    run(sys.argv[1:])
