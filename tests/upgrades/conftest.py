"""A stage as the last release left it, with 32 streams and a call a second from then on."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import until
from operate.delivery import last_release
from tests.embedded.conftest import LocalStage
from tests.lifecycle.stage import cdk
from tests.upgrades.load import Count, Load

# A stream takes four seconds and a fleet that must outlive it sixteen, of AWS's eight minutes: on a
# busy machine streams take longer, and waits do not.
_TIME_SCALE = 30
_TOKEN_SECONDS = 0.25
_CIRCUMSTANCES = {
    "time_scale": _TIME_SCALE,
    "service_model": {
        "step": 1000 * _TIME_SCALE * _TOKEN_SECONDS,
        "per_request": 0,
        "per_word": 0,
    },
}
_SCALED_SECONDS = 180
_HEAD = ("change", "seconds", "streams", "calls", "failed", "cut", "longest wait")
_ROW = "{:<36} {:>8} {:>8} {:>6} {:>7} {:>4} {:>13}"
_BOOTSTRAP = """
import json, sys
from pathlib import Path
from operate.laptop import stage
from operate.laptop.account import local_environment
from operate.laptop.cdk_cli import only_cli

with only_cli() as cli:
    stage.bootstrap(cli, local_environment(), json.loads(Path(sys.argv[1]).read_text()))
"""


class Stage:
    """A stage under load, and what is deployed over it."""

    def __init__(self, aws: LocalStage, steps: Path) -> None:
        self.aws = aws
        self.load: Load
        self.counts: list[Count] = []
        self._steps = steps

    def bootstrap(self, policies: Path) -> None:
        """Let deployments do what these policies allow."""
        done = self.aws.try_run("-c", _BOOTSTRAP, str(policies))
        assert done.returncode == 0, done.stdout + done.stderr

    def deploy(self, assembly: Path, *stacks: str) -> None:
        """Deploy an assembly, or some of its stacks."""
        what = (*stacks, "--exclusively") if stacks else ("Local/*",)
        how = ("--require-approval", "never", "--method", "direct", "--concurrency", "2")
        done = cdk(self.aws, "deploy", *what, *how, "--app", str(assembly))
        assert done.returncode == 0, done.stdout + done.stderr

    def wait_for_instances(self, count: int) -> None:
        """Wait until the endpoint has scaled to a count, and takes another update."""
        describe = self.aws.client("sagemaker").describe_endpoint
        name = self.load.deployment.sagemaker_endpoint

        def has_scaled() -> bool:
            found = describe(EndpointName=name)
            (variant,) = found["ProductionVariants"]
            return (found["EndpointStatus"], variant["CurrentInstanceCount"]) == (
                "InService",
                count,
            )

        until(has_scaled, seconds=_SCALED_SECONDS)

    def go(self, change: str, step: str, *stacks: str) -> None:
        """Deploy a step, and require that nobody noticed."""
        self.during(change, lambda: self.deploy(self._steps / step, *stacks))

    def go_bootstrapped(self, change: str, step: str, *stacks: str) -> None:
        """Likewise, after a `make bootstrap` of the step."""

        def make() -> None:
            self.bootstrap(self._steps / f"{step}.json")
            self.deploy(self._steps / step, *stacks)

        self.during(change, make)

    def during(self, change: str, make: Callable[[], None]) -> None:
        """Make a change, and require that nobody noticed."""
        with self.load.counted(change, self.counts):
            make()
        count = self.counts[-1]
        say(row(count))
        assert (count.failed, count.cut) == ([], []), count.faults()


def say(line: str) -> None:
    """Print at once, also where pytest keeps what is printed."""
    print(line, file=sys.stderr, flush=True)


def row(count: Count) -> str:
    """Return a change's line of the table."""
    numbers = (count.streams, count.calls, len(count.failed), len(count.cut))
    wait = f"{count.longest_wait:.1f} s"
    return _ROW.format(count.change, f"{count.seconds:.0f}", *numbers, wait)


@pytest.fixture(scope="session")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assemblies of all steps, by name."""
    folder = tmp_path_factory.mktemp("steps")
    done = LocalStage(0, folder / "home").try_run("tests/upgrades/variants.py", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, steps: Path) -> Iterator[Stage]:
    aws = LocalStage(free_port(), tmp_path_factory.mktemp("aws"))
    (aws.home / "circumstances.json").write_text(json.dumps(_CIRCUMSTANCES))
    stage = Stage(aws, steps)
    try:
        aws.start()
        release = last_release.restored()
        say(f"\ndeploying the last release, {release.version}")
        stage.bootstrap(release.policies)
        stage.deploy(release.assembly)
        stage.load = Load(aws.deployment())
        say(_ROW.format(*_HEAD))
        with stage.load.flowing():
            stage.load.settle()
            yield stage
    finally:
        aws.run("down")
        say("\n".join(["", _ROW.format(*_HEAD), *map(row, stage.counts)]))
