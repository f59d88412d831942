"""The CDK app as it is changed, step by step: `python tests/upgrades/variants.py FOLDER`.

Each step is the one before with one change more, in a cloud assembly of its own; beside it are its
bootstrap's policies.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # isort: split

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Generator, Iterator
from typing import Any

import app
from bootstrap.stage import Stage
from bootstrap.template import template
from operate.delivery.report.templates import templates_of
from sagemaker_llm import (
    VLLM,
    CatalogEntry,
    Client,
    GuardedUpdates,
    RequestLimits,
    TargetTracking,
)
from sagemaker_llm.api.settings import ControlTokens
from sagemaker_llm.common import sources
from sagemaker_llm.models.servers.server import Server
from sagemaker_llm.models.weights import PackagedWeights
from stacks import environments
from stacks.environment import Environment

# Longer than any stream here, on a busy machine too.
_DRAINING_SECONDS = 20


def steps() -> Iterator[tuple[str, Environment]]:
    """Yield each step's name and environment."""
    # With the waits of the environments on AWS, which pass faster here, but for a function's.
    now = dataclasses.replace(environments.local(), updates=GuardedUpdates())
    now = _change(now, draining_seconds=_DRAINING_SECONDS)
    yield "release", now
    limits = RequestLimits(max_input_length=512, max_total_tokens=1024, max_concurrent_requests=96)
    clients = (Client(name="Demo", rate_limit=50, burst_limit=60, daily_quota=500_000),)
    now = _change(now, model=dataclasses.replace(now.model, limits=limits), clients=clients)
    yield "limits", now
    now = _change(now, control_tokens=ControlTokens.REFUSE, playground=False)
    yield "proxy", now
    now = _change(now, model=_tuned(now, 1))
    yield "model", now
    # Those who call it by its name of before go on.
    renamed = dataclasses.replace(now.model, model_id="smollm2-tuned")
    now = _change(now, model=renamed, model_aliases=(now.model.model_id,))
    yield "renamed-model", now
    tgi = now.model.server
    now = yield from _exchanged(now, VLLM, ("both-servers", "vllm", "vllm-alone"))
    # SageMaker would not roll a fleet of one: it is two before the updates are by rolling.
    two = TargetTracking(min_instances=2, max_instances=2)
    now = _change(now, scaling=two)
    yield "two-instances", now
    two = dataclasses.replace(two, initial_instances=2)
    now = _change(now, scaling=two, model=_tuned(now, 2))
    yield "rolling", now
    # Here both servers have a share of the requests until the second instance is replaced.
    now = yield from _exchanged(now, tgi, ("both-servers-again", "tgi", "tgi-alone"))
    now = _change(now, scaling=TargetTracking())
    yield "one-instance", now
    now = _change(
        now, clients=(*now.api.clients, Client(name="Next", rate_limit=50, burst_limit=60))
    )
    yield "key-added", now
    now = _change(now, clients=now.api.clients[1:])
    yield "key-removed", now


def _exchanged(
    now: Environment, server: Server, names: tuple[str, str, str]
) -> Generator[tuple[str, Environment], None, Environment]:
    """Yield the three deployments that bring another server, and return the last."""
    changes: tuple[dict[str, Any], ...] = (
        {"other_server": server},
        {"model": now.model.served_by(server), "other_server": now.model.server},
        {"other_server": None},
    )
    for name, change in zip(names, changes, strict=True):
        now = _change(now, **change)
        yield name, now
    return now


def _tuned(environment: Environment, version: int) -> CatalogEntry:
    weights = PackagedWeights(hf_model_id=f"HuggingFaceTB/SmolLM2-135M-Instruct-{version}")
    return dataclasses.replace(environment.model, weights=weights)


def _change(environment: Environment, **settings: Any) -> Environment:
    """Return the environment with other settings, of its own or of its API."""
    own = {name for name in settings if hasattr(environment, name)}
    api = {name: value for name, value in settings.items() if name not in own}
    return dataclasses.replace(
        environment,
        api=dataclasses.replace(environment.api, **api),
        **{name: settings[name] for name in own},
    )


def change_the_proxy(folder: Path) -> None:
    """Let the proxy's package have one file more from now on."""
    built, package = folder / "build", Path("invoke_proxy", "local")
    for function in sources.BUILT.glob("*/local.contents"):
        name = function.parent.name
        shutil.copytree(function.parent / "local", built / name / "local")
        shutil.copy(function, built / name)
    (built / package / "CHANGED").touch()
    contents = (built / package).with_suffix(".contents")
    contents.write_text(hashlib.sha256(contents.read_bytes()).hexdigest())
    sources.BUILT = built


def main(folder: Path) -> None:
    """Synthesize every step."""
    app.chosen = lambda *_: ["Local"]
    for name, environment in steps():
        if name == "proxy":
            change_the_proxy(folder)
        _declare(environment)
        app.build(str(folder / name)).synth()
        policies = template(Stage("Local", templates_of(folder / name)))
        (folder / f"{name}.json").write_text(json.dumps(policies))


def _declare(environment: Environment) -> None:
    environments.local = lambda: environment


if __name__ == "__main__":
    main(Path(sys.argv[1]))
