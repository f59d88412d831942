"""Archives that try to leave their folder, with the filters of newer Pythons and without."""

import io
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from embedded_aws.host.archives import BROKEN, unpack
from embedded_aws.sagemaker import roles
from embedded_aws.sagemaker.components import adapters
from embedded_aws.sagemaker.hosting.containers import ContainerError


def _archive(*members: tarfile.TarInfo) -> tarfile.TarFile:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for member in members:
            member.size = 4 if member.isreg() else 0
            archive.addfile(member, io.BytesIO(b"text"))
    content.seek(0)
    return tarfile.open(fileobj=content)


def _link(name: str, target: str) -> tarfile.TarInfo:
    link = tarfile.TarInfo(name)
    link.type, link.linkname = tarfile.SYMTYPE, target
    return link


@pytest.fixture(params=["filters", "no filters"], autouse=True)
def _python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no filters":  # as before Python 3.11.4
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


def test_files_and_folders_are_unpacked(tmp_path: Path) -> None:
    with _archive(tarfile.TarInfo("a/b.txt"), tarfile.TarInfo("c.txt")) as archive:
        unpack(archive, tmp_path)
    assert (tmp_path / "a/b.txt").read_text() == (tmp_path / "c.txt").read_text() == "text"


def test_only_the_chosen_members_are_unpacked(tmp_path: Path) -> None:
    with _archive(tarfile.TarInfo("a.txt"), tarfile.TarInfo("b.txt")) as archive:
        unpack(archive, tmp_path, [archive.getmember("b.txt")])
    assert [each.name for each in tmp_path.iterdir()] == ["b.txt"]


@pytest.mark.parametrize(
    "member",
    [tarfile.TarInfo("../out.txt"), tarfile.TarInfo("a/../../out.txt"), _link("out", "/etc")],
    ids=["parent", "parent within", "link"],
)
def test_what_would_leave_the_folder_is_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with _archive(member) as archive, pytest.raises(tarfile.TarError):
        unpack(archive, folder)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]
    assert list(folder.iterdir()) == []


def _compressed() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.bin")
        member.size = 4096
        archive.addfile(member, io.BytesIO(bytes(range(256)) * 16))
    return content.getvalue()


def test_what_is_cut_off_or_damaged_anywhere_is_broken_and_nothing_else(tmp_path: Path) -> None:
    whole = _compressed()
    contents = [whole[:size] for size in range(len(whole))]
    contents += [
        whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :] for at in range(len(whole))
    ]
    for content in contents:
        with suppress(*BROKEN), tarfile.open(fileobj=io.BytesIO(content)) as archive:
            unpack(archive, tmp_path)


# Named, as the bytes of an archive hold the second in which it was made.
@pytest.mark.parametrize(
    "content", [b"", b"no archive", _compressed()[:60]], ids=["empty", "text", "cut off"]
)
def test_an_adapter_that_is_no_archive_is_told(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class _S3:
        def get_object(self, **_: str) -> dict[str, io.BytesIO]:
            return {"Body": io.BytesIO(content)}

    monkeypatch.setattr(roles, "client", lambda *_: _S3())
    with pytest.raises(ContainerError, match="Could not access the adapter at s3:"):
        adapters._extract("s3://b/a.tar.gz", "role", tmp_path)
