"""The CDK app: a stage for each environment. The only file that reads the process environment."""

import _paths  # isort: skip  # first: it makes the imports below find their packages

import json
import os
from collections.abc import Callable, Iterable, Mapping

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from sagemaker_llm import CatalogEntry
from stacks import environments, loads
from stacks.accounts import Accounts, Place, read_accounts
from stacks.environment import Environment
from stacks.stage import LlmStage

_GIVEN: Mapping[str, str] = os.environ


def chosen(wanted: str | None, known: Iterable[str]) -> list[str]:
    """Return the environments of `-c environments=local,dev`, or all of them by default."""
    by_name = {name.lower(): name for name in known}
    if wanted is None:
        return list(by_name.values())
    names = [name.strip().lower() for name in wanted.split(",")]
    for name in names:
        if name not in by_name:
            raise SystemExit(f"environments must be of {', '.join(by_name)}, got {name!r}")
    return [by_name[name] for name in by_name if name in names]


def accounts() -> Accounts:
    """Return what accounts.toml says, and this process's environment instead of it."""
    try:
        return read_accounts(_GIVEN)
    except ValueError as error:
        raise SystemExit(str(error)) from error


def declared() -> dict[str, Callable[[], Environment]]:
    """Return what makes each environment, by its stage's name."""
    placed: dict[str, Callable[..., Environment]] = {
        "Dev": environments.dev,
        "Cpu": environments.cpu,
        "Staging": environments.staging,
        "Prod": environments.prod,
    }
    known = accounts()
    if unknown := known.places.keys() - {name.lower() for name in placed}:
        raise SystemExit(
            f"accounts.toml has {', '.join(sorted(unknown))}, which app.py does not declare:"
            f" it declares {', '.join(placed).lower()}"
        )

    def at(name: str) -> Callable[[], Environment]:
        place: Place = known.place(name.lower())
        return lambda: placed[name](account=place.account, region=place.region)

    return {
        "Local": local(),
        **{name: at(name) for name in placed},
    }


def local() -> Callable[[], Environment]:
    """Return what makes the environment `local`: as it is, or for what a verb was given."""
    if _GIVEN.get("LOCAL_LOAD") == "rehearsed":
        return lambda: environments.local_under(loads.rehearsed())
    own = own_model()
    return (lambda: environments.local_with(own)) if own else environments.local


def own_model() -> CatalogEntry | None:
    """Return the model that `make up MODEL=` serves from a person's own file; None without it."""
    if not (path := _GIVEN.get("LOCAL_MODEL")):
        return None
    window, threads = int(_GIVEN["LOCAL_WINDOW"]), int(_GIVEN["LOCAL_THREADS"])
    return environments.own_model(path, _GIVEN["LOCAL_ENTRY"], window=window, threads=threads)


def environment_of(name: str) -> Environment:
    """Return a declared environment, by its name in lower case; raises SystemExit if refused."""
    makers = {stage.lower(): make for stage, make in declared().items()}
    return _configured(name, makers[name])


def _configured(name: str, make: Callable[[], Environment]) -> Environment:
    try:
        return make()
    except ValueError as error:
        raise SystemExit(
            f"{name} cannot be configured (stacks/environments.py, accounts.toml,"
            f" {name.upper()}_ACCOUNT and {name.upper()}_REGION): {error}"
        ) from error


def empty(outdir: str | None = None) -> cdk.App:
    """Return an app with the settings of cdk.json, whose stacks are held to the security rules."""
    context = json.loads((_paths.ROOT / "cdk.json").read_text())["context"]
    app = cdk.App(context=context, outdir=outdir, analytics_reporting=False, stack_traces=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def build(
    outdir: str | None = None,
    *,
    known: Mapping[str, Callable[[], Environment]] | None = None,
) -> cdk.App:
    """Return the app with the chosen environments, the same for the CDK CLI and `python app.py`.

    `known`: what makes each of them, as it is declared here by default.
    """
    app = empty(outdir)
    known, placed = known or declared(), accounts()
    commit = app.node.try_get_context("commit")
    for name in chosen(app.node.try_get_context("environments"), known):
        environment = _configured(name, known[name])
        try:
            tags = placed.tags_of(name.lower(), commit)
        except ValueError as error:
            raise SystemExit(str(error)) from error
        LlmStage(app, name, environment=environment, tags=tags)
    return app


if __name__ == "__main__":
    build().synth()
