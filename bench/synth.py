"""Benchmark of synth: one environment, and all, beside an empty CDK app with the same settings."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
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

_EMPTY = "empty app"
# By name: the command, and the environments that it is told to synthesize.
_APPS = {
    _EMPTY: (["-c", _EMPTY_APP], None),
    "one environment": (["app.py"], "prod"),
    "all environments": (["app.py"], None),
}


@dataclass(frozen=True)
class Run:
    """What one synth took, in seconds."""

    elapsed: float
    processor: float  # of Python and Node together


def measure(out: Path, arguments: list[str], environments: str | None) -> Run:
    """Run one synth in a process of its own."""
    context = {"environments": environments} if environments else {}
    settings = {"CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(context)}
    start, used = time.perf_counter(), _processor_time()
    subprocess.run(  # noqa: S603 - the commands above
        [sys.executable, *arguments], cwd=_ROOT, env={**os.environ, **settings}, check=True
    )
    return Run(time.perf_counter() - start, _processor_time() - used)


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Alternate the apps, so that whatever else the machine does falls on all of them."""
    runs: dict[str, list[Run]] = {name: [] for name in _APPS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(_RUNS + 1):
            for name, (arguments, environments) in _APPS.items():
                # As with `cdk synth`, the output folder is the one of the run before.
                run = measure(Path(folder) / name, arguments, environments)
                if number:  # the first one warms the caches up
                    runs[name].append(run)
    print(f"synth in seconds, medians of {_RUNS} (least to most); processor time: Python and Node")
    for name, taken in runs.items():
        elapsed = [run.elapsed for run in taken]
        times = _ratio(runs, name, "elapsed")
        used = statistics.median(run.processor for run in taken)
        print(
            f"  {name:17} {statistics.median(elapsed):5.2f}"
            f" ({min(elapsed):.2f} to {max(elapsed):.2f}), {times:.2f} times\n"
            f"{'processor':>19} {used:5.2f}, {_ratio(runs, name, 'processor'):.2f} times"
        )


def _ratio(runs: dict[str, list[Run]], name: str, figure: str) -> float:
    """Return the median of the ratios to the empty app of the same round."""
    pairs = zip(runs[name], runs[_EMPTY], strict=True)
    ratios = [getattr(run, figure) / getattr(empty, figure) for run, empty in pairs]
    median: float = statistics.median(ratios)
    return median


if __name__ == "__main__":
    main()
