"""A cloud assembly as one file with a digest: what was tested is what is deployed."""

import fcntl
import gzip
import hashlib
import os
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from embedded_aws.host.archives import BROKEN, unpack
from operate.cdk_cli import ROOT, run_cdk

_EXECUTABLE, _PLAIN = 0o755, 0o644
_PREFIX, _RANDOM = "assembly-", 8  # and as many characters, which `tempfile` adds
_LEVEL = 6  # of compression: the highest takes three times as long, for a hundredth less


def assemble(
    commit: str, environments: str, file: Path, run_cdk: Callable[..., int] = run_cdk
) -> None:
    """Synthesize environments into one file, and print its digest alone; raises SystemExit."""
    with synthesized(commit, environments, run_cdk) as folder:
        file.parent.mkdir(parents=True, exist_ok=True)
        pack(folder, file)
    print(digest_of(file))


@contextmanager
def synthesized(
    commit: str, environments: str, run_cdk: Callable[..., int] = run_cdk
) -> Iterator[Path]:
    """Hand out a folder with this checkout's assembly, tagged with its commit if there is one."""
    with scratch() as folder:
        command = ["synth", "--quiet", "--output", str(folder)]
        command += ["--context", f"environments={environments}"]
        command += ["--context", f"commit={commit}"] if commit else []
        if run_cdk(command, stdout=sys.stderr):
            raise SystemExit("the synth failed: see above")
        yield folder


def pack(folder: Path, file: Path) -> None:
    """Write a folder's files, and which of them are programs, into an archive without a time."""
    with (
        file.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=_LEVEL, fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = tarfile.TarInfo(str(path.relative_to(folder)))
            entry.size = path.stat().st_size
            entry.mode = _EXECUTABLE if path.stat().st_mode & 0o100 else _PLAIN
            with path.open("rb") as content:
                archive.addfile(entry, content)


def extract(file: Path, folder: Path, suffix: str = "") -> None:
    """Unpack an archive's files, or those whose names end so; raises SystemExit for what is none.

    Whatever would lie outside the folder is refused, too.
    """
    try:
        with tarfile.open(file) as archive:
            unpack(archive, folder, [each for each in archive if each.name.endswith(suffix)])
    except BROKEN as error:
        raise SystemExit(
            f"{file} must be a cloud assembly, or an archive of one: {error}"
        ) from error


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def unpacked(file: Path, digest: str) -> Iterator[Path]:
    """Hand out a folder with an archive's files; raises SystemExit if its digest is another."""
    if not file.is_file():
        raise SystemExit(f"there is no assembly {file}: `make assembly` writes one")
    if (found := digest_of(file)) != digest:
        raise SystemExit(f"{file} is not the assembly of digest {digest!r}: its own is {found}")
    with scratch() as folder:
        extract(file, folder)
        yield folder


@contextmanager
def scratch() -> Iterator[Path]:
    """Hand out a folder of this checkout, for as long as it is needed.

    What killed verbs left behind is removed when no verb and no CDK CLI of one uses such a folder.
    """
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with (build / "assembly.lock").open("a+b") as lock:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in build.glob(f"{_PREFIX}{'?' * _RANDOM}"):
                shutil.rmtree(left, ignore_errors=True)
        fcntl.flock(lock, fcntl.LOCK_SH)
        # A CLI outlives the verb that is killed.
        os.set_inheritable(lock.fileno(), True)  # noqa: FBT003 - the standard library's
        with TemporaryDirectory(prefix=_PREFIX, dir=build, ignore_cleanup_errors=True) as folder:
            yield Path(folder)
