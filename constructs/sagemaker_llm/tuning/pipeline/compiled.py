"""The compiled definition, which synth checks against its sources and fills in."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from .parameters import PipelineParameter, shapes
from .steps.facts import Facts, ParameterShape

Json = dict[str, Any]

FILE = Path(__file__).with_name("definition.json")
STEPS = Path(__file__).with_name("steps")
_PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")


class StaleDefinitionError(Exception):
    """The compiled definition is missing, or older than the steps."""


def digest(parameters: Iterable[ParameterShape]) -> str:
    """Return a digest of everything that the definition is compiled from."""
    found = hashlib.sha256()
    for shape in parameters:
        found.update(f"{shape}\n".encode())
    for file in sorted(STEPS.glob("*.py")):
        found.update(f"{file.name}\n{file.read_text()}\n".encode())
    return found.hexdigest()


def to_text(on_demand: Json, spot: Json, *, made_from: str) -> str:
    """Return the file's text: one definition, and the steps that managed spot training changes."""
    changed = [step for step in spot["Steps"] if step not in on_demand["Steps"]]
    kept = {"made_from": made_from, "definition": on_demand, "steps_on_spot": changed}
    return json.dumps(kept, indent=1) + "\n"


def definition(
    facts: Facts, parameters: Sequence[PipelineParameter], *, managed_spot: bool
) -> Json:
    """Return the definition, filled in; raise StaleDefinitionError when it is out of date."""
    kept = read(FILE, made_from=digest(shapes()))
    on_spot = {step["Name"]: step for step in kept["steps_on_spot"] if managed_spot}
    compiled = kept["definition"]
    steps = [on_spot.get(step["Name"], step) for step in compiled["Steps"]]
    filled: Json = _fill({**compiled, "Steps": steps}, _values(facts, parameters))
    return filled


@cache
def read(file: Path, *, made_from: str) -> Json:
    """Return the file's content; raise StaleDefinitionError when the digest differs."""
    kept: Json = json.loads(file.read_text()) if file.exists() else {}
    if kept.get("made_from") != made_from:
        state = "older than its steps" if kept else "missing"
        raise StaleDefinitionError(
            f"compile the pipeline's definition with `make definition`: {file} is {state}"
        )
    return kept


def _values(facts: Facts, parameters: Iterable[PipelineParameter]) -> Json:
    values = asdict(facts)
    for parameter in parameters:
        values[f"parameters.{parameter.name}"] = parameter.default
        values[f"choices.{parameter.name}"] = list(parameter.choices)
    return values


def _fill(value: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name: _fill(member, values) for name, member in value.items()}
    if isinstance(value, list):
        return [_fill(member, values) for member in value]
    if not isinstance(value, str):
        return value
    if whole := _PLACEHOLDER.fullmatch(value):
        return values[whole[1]]  # of any type
    return _PLACEHOLDER.sub(lambda found: values[found[1]], value)
