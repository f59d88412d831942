"""Times the synth of all environments beside that of an empty CDK app, same settings."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_RUNS = 5

# The smallest app that the validator accepts: one stack, one resource, our flags and rules.
_EMPTY_APP = """
import _paths
import json
import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
settings = json.loads((_paths.ROOT / "cdk.json").read_text())
app = cdk.App(context=settings["context"], analytics_reporting=False, stack_traces=False)
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
cdk.CfnWaitConditionHandle(cdk.Stack(app, "Empty"), "Handle")
app.synth()
"""

_APPS = {"empty app": ["-c", _EMPTY_APP], "all environments": ["app.py"]}


def seconds(arguments: list[str], out: Path, *, validation: bool) -> float:
    """Run one synth in a process of its own and return how long it took."""
    settings = {"CDK_OUTDIR": str(out), "CDK_VALIDATION": str(validation).lower()}
    start = time.perf_counter()
    subprocess.run(  # noqa: S603  # the two commands above
        [sys.executable, *arguments], cwd=_ROOT, env={**os.environ, **settings}, check=True
    )
    return time.perf_counter() - start


def measure(folder: Path, *, validation: bool) -> dict[str, list[float]]:
    """Alternate the two, so that whatever else the machine does falls on both."""
    times: dict[str, list[float]] = {name: [] for name in _APPS}
    for run in range(_RUNS + 1):
        for name, arguments in _APPS.items():
            # As with `cdk synth`, the output folder is the one of the run before.
            taken = seconds(arguments, folder / name, validation=validation)
            if run:  # the first one warms the caches up
                times[name].append(taken)
    return times


def main() -> None:
    """Measure with and without CDK's validator; cdk-nag's rules always run."""
    print(f"synth in seconds: median (least to most) of {_RUNS}, after one to warm up")
    for validation in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            times = measure(Path(folder), validation=validation)
        print(f"{'with' if validation else 'without'} CDK's validator")
        medians = {name: statistics.median(values) for name, values in times.items()}
        for name, values in times.items():
            print(f"  {name:17} {medians[name]:.2f} ({min(values):.2f} to {max(values):.2f})")
        print(f"  ratio             {medians['all environments'] / medians['empty app']:.2f}")


if __name__ == "__main__":
    main()
