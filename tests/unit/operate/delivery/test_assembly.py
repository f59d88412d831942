"""The assembly as one file: the same bytes for the same files, and refused under another digest."""

import os
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TextIO

import pytest

from operate.delivery.assembly import assemble, digest_of, pack, unpacked
from operate.delivery.report.templates import templates_of


def _folder(parent: Path, name: str, *, text: str = "{}", mode: int = 0o755) -> Path:
    folder = parent / name
    (folder / "asset.1").mkdir(parents=True)
    (folder / "manifest.json").write_text(text)
    program = folder / "asset.1" / "run.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(mode)
    return folder


def _digest(folder: Path) -> str:
    file = folder.with_suffix(".tar.gz")
    pack(folder, file)
    return digest_of(file)


def test_the_same_files_have_the_same_digest_wherever_and_whenever(tmp_path: Path) -> None:
    one, other = _folder(tmp_path, "one"), _folder(tmp_path, "other")
    os.utime(other / "manifest.json", (0, 0))
    (other / "asset.1" / "run.sh").chmod(0o700)  # as another umask would have it
    assert _digest(one) == _digest(other)


@pytest.mark.parametrize(("text", "mode"), [("{ }", 0o755), ("{}", 0o644)], ids=["text", "mode"])
def test_another_text_or_a_program_that_is_none_has_another_digest(
    tmp_path: Path, text: str, mode: int
) -> None:
    one, other = _folder(tmp_path, "one"), _folder(tmp_path, "other", text=text, mode=mode)
    assert _digest(one) != _digest(other)


def test_what_is_unpacked_is_what_was_packed_programs_included(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "one")
    digest = _digest(folder)
    with unpacked(tmp_path / "one.tar.gz", digest) as found:
        assert (found / "manifest.json").read_text() == "{}"
        assert os.access(found / "asset.1" / "run.sh", os.X_OK)
    assert not found.exists()


def test_an_assembly_of_another_digest_is_refused(tmp_path: Path) -> None:
    digest = _digest(_folder(tmp_path, "one"))
    file = tmp_path / "one.tar.gz"
    with (
        pytest.raises(SystemExit, match=f"is not the assembly of digest 'f': its own is {digest}"),
        unpacked(file, "f"),
    ):
        pass
    with pytest.raises(SystemExit, match="`make assembly` writes one"), unpacked(tmp_path, digest):
        pass


def _links(_: Path) -> bytes:
    entry = tarfile.TarInfo("cdk.out")
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc"
    return _archive(entry)


def _archive(entry: tarfile.TarInfo) -> bytes:
    written = BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        archive.addfile(entry, BytesIO())
    return written.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        lambda _: b"",
        lambda _: b"no archive",
        lambda whole: whole.read_bytes()[:60],
        lambda _: _archive(tarfile.TarInfo("../outside.json")),
        _links,
    ],
    ids=["empty", "text", "cut off", "outside", "link"],
)
def test_what_cannot_be_unpacked_is_refused_and_writes_nothing(
    tmp_path: Path, content: Callable[[Path], bytes]
) -> None:
    _digest(_folder(tmp_path, "one"))
    file = tmp_path / "other.tar.gz"
    file.write_bytes(content(tmp_path / "one.tar.gz"))
    with (
        pytest.raises(SystemExit, match=r"other\.tar\.gz must be a cloud assembly"),
        unpacked(file, digest_of(file)),
    ):
        pass
    with pytest.raises(SystemExit, match=r"other\.tar\.gz must be a cloud assembly"):
        templates_of(file)
    assert not (tmp_path / "outside.json").exists()


_STACK = '"type": "aws:cloudformation:stack"'


@pytest.mark.parametrize(
    "text",
    [
        *("{", "\udcff", "[" * 100_000, "[]", "null", "7", '"x"', '{"artifacts": 7}'),
        *('{"artifacts": [{}]}', '{"artifacts": {"Serving": {}}}', '{"artifacts": {"Serving": 7}}'),
        f'{{"artifacts": {{"Serving": {{{_STACK}}}}}}}',
        f'{{"artifacts": {{"Serving": {{{_STACK}, "properties": ["templateFile"]}}}}}}',
        f'{{"artifacts": {{"Serving": {{{_STACK}, "properties": {{"templateFile": 7}}}}}}}}',
    ],
    ids=lambda text: text[:70],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    folder = _folder(tmp_path, "one")
    (folder / "manifest.json").write_text(text, errors="surrogateescape")
    _digest(folder)
    for assembly in (folder, tmp_path / "one.tar.gz"):
        with pytest.raises(SystemExit, match="must be a cloud assembly, or an archive of one: "):
            templates_of(assembly)


def test_an_assembly_is_synthesized_with_its_commit_and_its_digest_is_all_that_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[list[str]] = []

    def synth(arguments: list[str], stdout: TextIO) -> int:
        ran.append(arguments)
        print("built", file=stdout)
        (Path(arguments[3]) / "manifest.json").write_text("{}")
        return 0

    file = tmp_path / "new" / "assembly.tar.gz"
    assemble("0123abc", "dev,prod", file, synth)
    ((*_, first, names, second, commit),) = ran
    assert (first, names) == ("--context", "environments=dev,prod")
    assert (second, commit) == ("--context", "commit=0123abc")
    assert capsys.readouterr() == (f"{digest_of(file)}\n", "built\n")
    with pytest.raises(SystemExit, match="the synth failed"):
        assemble("", "dev", file, lambda *_, **__: 1)
