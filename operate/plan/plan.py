"""The verb: the table, the simulated day, its cost beside others', and the picture; offline."""

from pathlib import Path

import app  # isort: skip  # first: it makes the imports below find their packages

from operate.plan import picture, table
from operate.plan.days import costs, simulated
from operate.plan.hosting import by_load
from operate.plan.rows import shown
from sagemaker_llm.sizing.formula.staffing import MAX_INSTANCES

_FOLDER = Path("build") / "plan"


def plan(declared: str) -> None:
    """Print an environment's plan, and draw its day; raises SystemExit for what is refused."""
    environment = app.environment_of(declared)
    if environment.sizing is None:
        print(f"{declared} declares no load: its numbers are chosen in stacks/environments.py\n")
        print(shown(table.chosen(environment)))
        return
    try:
        print(shown(table.rows(environment, environment.sizing)))
        print("\nThe declared day, simulated (some seconds):\n", flush=True)
        days = simulated(environment.sizing)
        hosting = environment.api.hosting
        print(shown(costs(environment.sizing, hosting, days)))
        print(
            "\nUSD for a million tokens, at a tenth of the load, at the load and at ten times the"
            f" load (or as much of it as {MAX_INSTANCES:,} instances serve within the promise):\n"
        )
        print(shown(list(by_load(environment.sizing, hosting))))
    except ValueError as error:
        raise SystemExit(f"{declared} cannot be planned: {error}") from error
    _FOLDER.mkdir(parents=True, exist_ok=True)
    path = _FOLDER / f"{declared}.svg"
    picture.draw(environment.sizing, days, path)
    print(f"\n{path} shows the latency curve with the operating point, and the day")
