"""The CDK app: a stage for each environment. The only file that reads the process environment."""

import _paths  # isort: skip  # first: it makes the imports below find their packages

import json
import os
from collections.abc import Callable, Iterable

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from stacks import environments
from stacks.stage import LlmStage


def location(prefix: str) -> dict[str, str | None]:
    """Return the account and region in `DEV_ACCOUNT`, `DEV_REGION` and so on."""
    return {
        "account": os.environ.get(f"{prefix}_ACCOUNT") or None,
        "region": os.environ.get(f"{prefix}_REGION") or None,
    }


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


def declared() -> dict[str, Callable[[], environments.Environment]]:
    """Return what makes each environment, by its stage's name."""
    return {
        "Local": environments.local,
        "Dev": lambda: environments.dev(**location("DEV")),
        "Staging": lambda: environments.staging(**location("STAGING")),
        "Prod": lambda: environments.prod(**location("PROD")),
    }


def _configured(
    name: str, make: Callable[[], environments.Environment]
) -> environments.Environment:
    try:
        return make()
    except ValueError as error:
        raise SystemExit(
            f"{name} cannot be configured (stacks/environments.py, {name.upper()}_ACCOUNT and"
            f" {name.upper()}_REGION): {error}"
        ) from error


def build() -> cdk.App:
    """Return the app with the chosen environments, the same for the CDK CLI and `python app.py`."""
    settings = json.loads((_paths.ROOT / "cdk.json").read_text())
    app = cdk.App(context=settings["context"], analytics_reporting=False, stack_traces=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    known = declared()
    for name in chosen(app.node.try_get_context("environments"), known):
        LlmStage(app, name, environment=_configured(name, known[name]))
    return app


if __name__ == "__main__":
    build().synth()
