"""One real synth for the whole session, as the CDK CLI runs it, validators included."""

import subprocess
import sys

import pytest

import _paths  # noqa: F401  # a test that starts jsii itself must start the pinned Node
from tests.infrastructure.assembly import ENVIRONMENTS, ROOT, Assembly, Template, synth


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden templates anew")


@pytest.fixture(scope="session")
def built_functions() -> None:
    """Bring the function assets up to date."""
    subprocess.run([sys.executable, "lambda/build_functions.py"], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory, built_functions: None) -> Assembly:  # noqa: ARG001 - synth packages them
    """Synthesize all environments, once, from function assets that are up to date."""
    folder = tmp_path_factory.mktemp("cdk.out")
    done = synth(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(folder)


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def serving(request: pytest.FixtureRequest, assembly: Assembly) -> Template:
    return assembly.template(f"{request.param}/Serving")


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def api(request: pytest.FixtureRequest, assembly: Assembly) -> Template:
    return assembly.template(f"{request.param}/Api")
