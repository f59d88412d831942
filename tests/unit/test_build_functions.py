"""The asset build as it is run, into a folder of its own."""

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import build_functions

ROOT = Path(__file__).parents[2]
FUNCTION = "api_authorizer"


def build(
    root: Path, *targets: str, umask: int = -1, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the script of a copy of the sources."""
    return subprocess.run(
        [sys.executable, root / "lambda/build_functions.py", *targets],
        env={**os.environ, **(environment or {})},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sources with every asset built."""
    root = tmp_path_factory.mktemp("project")
    copy_sources(root, *build_functions.functions())
    built = build(root)
    assert built.returncode == 0, built.stderr
    return root


def copy_sources(root: Path, *functions: str) -> None:
    """Lay out the build's own files and these functions as the repository does."""
    for folder in ("asset_build", *functions):
        shutil.copytree(ROOT / "lambda" / folder, root / "lambda" / folder)
    for file in (ROOT / "lambda").glob("*.*"):
        shutil.copy(file, root / "lambda")
    (root / "node_modules").symlink_to(ROOT / "node_modules")


def test_the_aws_asset_is_for_the_functions_platform_and_small(project: Path) -> None:
    asset = project / "build/invoke_proxy/aws"
    libraries = [path.name for path in asset.rglob("*.so")]
    assert libraries
    assert all("cpython-313-aarch64" in name or "abi3" in name for name in libraries)
    assert not (asset / "tokenizers").exists()
    assert not (asset / "invoke_proxy/tokenizers/smollm2.json").exists()
    assert sum(path.stat().st_size for path in asset.rglob("*")) < 20_000_000


def test_an_asset_has_what_the_function_needs_and_no_more(project: Path) -> None:
    for target in ("aws", "local"):
        asset = project / "build/invoke_proxy" / target
        assert (asset / "run.sh").stat().st_mode & stat.S_IXUSR
        assert (asset / "invoke_proxy/app.py").is_file()
        assert (asset / "invoke_proxy/tokenizers/mistral-v1.model").stat().st_size == 493_443
        assert (
            "Apache License" in (asset / "invoke_proxy/tokenizers/mistral-v1.LICENSE").read_text()
        )
        services = [path.name for path in (asset / "botocore/data").iterdir() if path.is_dir()]
        assert services == ["sagemaker-runtime"]
        assert not list(asset.rglob("RECORD")) + list(asset.rglob("requirements*"))
        assert list(asset.glob("*.dist-info/licenses")) + list(asset.glob("*.dist-info/LICENSE*"))


def test_the_aws_asset_is_compiled_for_the_functions_python(project: Path) -> None:
    for asset in (project / "build").glob("*/aws"):
        sources = {path.relative_to(asset) for path in asset.rglob("*.py")}
        compiled = {
            path.relative_to(asset).parent.parent / f"{path.name.partition('.')[0]}.py": path
            for path in asset.rglob("*.cpython-313.pyc")
        }
        assert compiled.keys() == sources
        # CPython 3.13's magic number, and the flag that the source is never looked at
        heads = {path.read_bytes()[:8] for path in compiled.values()}
        assert heads == {(3571).to_bytes(2, "little") + b"\r\n" + (1).to_bytes(4, "little")}


def test_the_trimmed_botocore_knows_the_same_endpoints(project: Path) -> None:
    script = (
        "import botocore.session as b\n"
        "for region in ('us-east-1', 'cn-north-1', 'us-gov-west-1', 'eu-isoe-west-1'):\n"
        "    client = b.Session().create_client('sagemaker-runtime', region_name=region)\n"
        "    print(b.__file__.split('/')[-3], client.meta.endpoint_url)\n"
    )
    asset = project / "build/invoke_proxy/local"
    printed = [
        subprocess.run(
            [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for folder in (asset, project)
    ]
    trimmed, whole = ([line.split() for line in lines] for lines in printed)
    assert {folder for folder, _ in trimmed} == {"local"}
    assert {folder for folder, _ in whole} == {"site-packages"}
    assert [url for _, url in trimmed] == [url for _, url in whole]


def test_the_authorizers_asset_is_its_source(project: Path) -> None:
    asset = project / "build/api_authorizer/aws"
    assert {name for name in contents(asset) if not name.endswith(".pyc")} == {
        "api_authorizer/__init__.py",
        "api_authorizer/handler.py",
    }


def test_a_second_build_touches_nothing(project: Path) -> None:
    times = {path: path.stat().st_mtime_ns for path in (project / "build").rglob("*")}
    again = build(project)
    assert again.stderr.count("unchanged") == 2 * len(build_functions.functions())
    assert {path: path.stat().st_mtime_ns for path in (project / "build").rglob("*")} == times


def test_a_build_elsewhere_is_the_same_byte_for_byte(project: Path) -> None:
    assert build(ROOT).returncode == 0
    for target in ("aws", "local"):
        first = contents(ROOT / "build/invoke_proxy" / target)
        assert contents(project / "build/invoke_proxy" / target) == first


def test_a_changed_source_is_built_anew(tmp_path: Path) -> None:
    copy_sources(tmp_path, "api_authorizer")
    assert "built" in build(tmp_path, "local").stderr
    (tmp_path / "lambda/api_authorizer/more.py").write_text("")
    assert "built" in build(tmp_path, "local").stderr
    assert (tmp_path / "build/api_authorizer/local/api_authorizer/more.py").is_file()
    (tmp_path / "lambda/api_authorizer/more.py").unlink()
    build(tmp_path, "local")
    assert not (tmp_path / "build/api_authorizer/local/api_authorizer/more.py").exists()


def test_lambda_can_read_what_is_built_under_any_umask(tmp_path: Path) -> None:
    for umask in (0o077, 0o002):
        root = tmp_path / f"{umask:o}"
        copy_sources(root, FUNCTION)
        (root / "lambda" / FUNCTION / "run.sh").touch(0o777)
        for source in (root / "lambda").rglob("*"):  # as a checkout under this umask is
            source.chmod(source.stat().st_mode & ~umask)
        assert build(root, "local", umask=umask).returncode == 0
        asset = root / "build" / FUNCTION / "local"
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (asset, *asset.rglob("*"))}
        folders = {path for path in modes if path.is_dir()}
        assert {
            path: 0o755 if path in folders | {asset / "run.sh"} else 0o644 for path in modes
        } == modes


def test_standard_output_is_left_to_what_the_cdk_prints(project: Path) -> None:
    assert build(project).stdout == ""


def test_an_asset_is_named_by_what_is_in_it(tmp_path: Path) -> None:
    copy_sources(tmp_path, "api_authorizer")

    def name() -> str:
        assert "built" in build(tmp_path, "local").stderr
        return (tmp_path / "build/api_authorizer/local.contents").read_text()

    first = name()
    (tmp_path / "lambda/another.txt").write_text("an input of the build that no asset holds")
    assert name() == first
    (tmp_path / "lambda/api_authorizer/more.py").write_text("")
    assert name() != first


def test_a_package_that_changed_under_its_version_is_refused(tmp_path: Path) -> None:
    copy_sources(tmp_path, "invoke_proxy")
    lock = tmp_path / "lambda/invoke_proxy/requirements.lock"
    (entry,) = re.findall(r"^h11==(?:.*\\\n)+.*", lock.read_text(), flags=re.MULTILINE)
    lock.write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", entry) + "\n")
    failed = build(tmp_path, "aws")
    assert failed.returncode == 1
    assert "Hash mismatch for `h11" in failed.stderr
    assert not (tmp_path / "build/invoke_proxy/aws").exists()


def test_an_interrupted_build_is_done_again(tmp_path: Path) -> None:
    copy_sources(tmp_path, "api_authorizer")
    build(tmp_path, "local")
    (tmp_path / "build/api_authorizer/local.inputs").unlink()
    assert "built" in build(tmp_path, "local").stderr


def test_a_build_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    copy_sources(tmp_path, FUNCTION)
    with (tmp_path / "lambda/asset_build/byte_code.py").open("a") as compiler:
        compiler.write(
            "\n\ndef compile_here(asset):\n    print('compiling', flush=True)\n    input()\n"
        )
    with subprocess.Popen(
        [sys.executable, tmp_path / "lambda/build_functions.py", "local"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as builder:
        assert builder.stdout
        assert builder.stdout.readline() == b"compiling\n"
        builder.terminate()
        assert builder.wait() == 128 + signal.SIGTERM
    assert not list((tmp_path / "build" / FUNCTION).iterdir())


def test_the_local_vocabulary_is_read_with_what_the_project_pins() -> None:
    pins = (ROOT / "lambda/invoke_proxy/vocabularies.lock").read_text()
    pinned = set(re.findall(r"^[\w-]+==[\w.]+", pins, flags=re.MULTILINE))
    pinned = {pin for pin in pinned if not pin.startswith("mistral-common")}  # not in the project
    assert pinned
    assert pinned <= set((ROOT / "requirements.lock").read_text().split())


def test_the_build_itself_needs_no_installed_package() -> None:
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", "import build_functions"],
        env={"PYTHONPATH": str(ROOT / "lambda")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr


def test_an_unreachable_index_is_told_clearly_and_leaves_no_asset(tmp_path: Path) -> None:
    copy_sources(tmp_path, "invoke_proxy")
    offline = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}
    failed = build(tmp_path, "aws", environment=offline)
    assert failed.returncode == 1
    assert "check that the package index can be reached" in failed.stderr
    assert not (tmp_path / "build/invoke_proxy/aws").exists()


def test_a_folder_that_takes_no_asset_is_told_clearly(tmp_path: Path) -> None:
    copy_sources(tmp_path, FUNCTION)
    (tmp_path / "build").symlink_to("/sys/kernel")  # nobody may make a folder there
    failed = build(tmp_path, "local")
    assert failed.returncode == 1
    assert f"build_functions: {tmp_path}/build must be writable" in failed.stderr


def test_a_missing_compiler_is_told_clearly(tmp_path: Path) -> None:
    copy_sources(tmp_path, "api_authorizer")
    (tmp_path / "node_modules").unlink()
    failed = build(tmp_path, "aws")
    assert failed.returncode == 1
    assert "run `npm ci` first" in failed.stderr


def test_an_unknown_target_is_refused(project: Path) -> None:
    failed = build(project, "arm")
    assert (failed.returncode, failed.stderr) == (1, "build targets are aws and local, got arm\n")
