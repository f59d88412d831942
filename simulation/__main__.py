"""`make simulate`: each way to scale in each scenario, at each size, as tables."""

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import _paths  # noqa: F401  # isort: skip  # first: it makes the imports below find their packages

from sagemaker_llm.sizing.prices import HOURS_A_MONTH, instance_hour
from simulation.policies import plan
from simulation.scenarios import row, scenarios

_SIZES = (1, 3, 10, 100, 1000)
_PROCESSES = 2
_INSTANCE = "ml.g5.2xlarge"
_Cells = dict[str, tuple[float, float, float]]


def main(sizes: tuple[int, ...]) -> None:
    """Print a table for each size."""
    began = time.perf_counter()
    names = list(scenarios(1))
    tasks = [(size, name) for size in sorted(sizes, reverse=True) for name in names]
    _compile()
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("fork")) as pool:
        found = dict(zip(tasks, pool.map(_column, tasks), strict=True))
    for size in sizes:
        print(_table(size, {name: found[size, name] for name in names}))
    print(f"{time.perf_counter() - began:.0f} s")


def _compile() -> None:
    """Compile both ways to simulate a day once, for all processes that begin with this one."""
    steady = scenarios(1)["steady"]
    situation = replace(steady.situation, rate=steady.situation.rate[:60])
    for pooled in (False, True):
        situation.run(plan(steady.sizing).policy, 1, pooled=pooled)


def _column(task: tuple[int, str]) -> _Cells:
    size, name = task
    return {way: numbers for way, *numbers in row(scenarios(size)[name])}  # type: ignore[misc]


def _table(size: int, columns: dict[str, _Cells]) -> str:
    ways = list(next(iter(columns.values())))
    plural = "" if size == 1 else "s"
    lines = [
        f"A peak of {size:,} instance{plural}: missed %, instance-hours / the oracle's",
        "",
        f"| | {' | '.join(columns)} | USD a month, daily |",
        f"| --- |{' --- |' * (len(columns) + 1)}",
    ]
    for way in ways:
        cells = [f"{100 * c[way][0]:.2f} {c[way][2]:.2f}" for c in columns.values()]
        dollars = columns["daily"][way][1] * HOURS_A_MONTH / 24 * instance_hour(_INSTANCE)
        lines.append(f"| {way} | {' | '.join(cells)} | {dollars:,.0f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main(tuple(int(size) for size in sys.argv[1:]) or _SIZES)
