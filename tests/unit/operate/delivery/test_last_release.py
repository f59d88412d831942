"""What a release leaves: a small one is kept and restored, and the checkout has its own."""

import tarfile
import tomllib
from pathlib import Path

import pytest

from operate.cdk_cli import ROOT
from operate.delivery import last_release

_BUILD = """
import sys
from pathlib import Path
package = Path(__file__).parents[1] / "build" / "proxy" / sys.argv[1] / "proxy"
package.mkdir(parents=True)
(package / "handler.py").write_text("built again")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one function, which is built."""
    for name, text in {
        "lambda/build_functions.py": _BUILD,
        "lambda/proxy/__init__.py": "",
        "bootstrap/local.json": "{}",
        "tests/upgrades/last_release.tar.gz": "",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def _synth(arguments: list[str]) -> int:
    folder = Path(arguments[arguments.index("--output") + 1])
    for place in ("asset.c0ffee/proxy", "asset.0ther/job"):
        (folder / place).mkdir(parents=True)
        (folder / place / "handler.py").write_text("as it was built")
    return 0


def test_a_release_is_kept_without_packages_and_restored_with_them(checkout: Path) -> None:
    last_release.keep("1.2.0", checkout, _synth)
    with tarfile.open(checkout / last_release.FILE) as archive:
        names = archive.getnames()
    assert "assembly/asset.0ther/job/handler.py" in names
    assert "assembly/asset.c0ffee/proxy/handler.py" not in names

    release = last_release.restored(checkout)
    assert release.version == "1.2.0"
    assert release.policies.read_text() == "{}"
    built = release.assembly / "asset.c0ffee" / "proxy" / "handler.py"
    assert built.read_text() == "built again"
    built.write_text("kept")
    assert last_release.restored(checkout) == release
    assert built.read_text() == "kept"  # it is built once


def test_another_release_is_restored_anew(checkout: Path) -> None:
    last_release.keep("1.2.0", checkout, _synth)
    before = last_release.restored(checkout)
    last_release.keep("1.3.0", checkout, _synth)
    assert last_release.restored(checkout).version == "1.3.0"
    assert before.version == "1.2.0"


def test_a_failed_synth_or_build_ends_a_release(checkout: Path) -> None:
    with pytest.raises(SystemExit, match="the synth failed"):
        last_release.keep("1.2.0", checkout, lambda _: 1)
    (checkout / "lambda" / "build_functions.py").write_text("raise SystemExit(1)")
    last_release.keep("1.2.0", checkout, _synth)
    with pytest.raises(SystemExit, match="could not be built"):
        last_release.restored(checkout)
    assert not list((checkout / "build" / "last-release").glob("*"))


def test_the_checkout_keeps_the_version_that_it_was_released_as() -> None:
    with tarfile.open(ROOT / last_release.FILE) as archive:
        kept = archive.extractfile("version.txt")
        assert kept
        version = kept.read().decode().strip()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert version == project["version"]
