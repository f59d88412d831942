"""The CDK app: one stage an environment. The only file that reads the process environment."""

import _paths  # isort: skip  # first: it makes the imports below find their packages

import json
import os

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from stacks import environments
from stacks.stage import LlmStage


def location(prefix: str) -> dict[str, str | None]:
    """Return account and region as given from outside, by `DEV_ACCOUNT`, `DEV_REGION` and so on."""
    return {
        "account": os.environ.get(f"{prefix}_ACCOUNT") or None,
        "region": os.environ.get(f"{prefix}_REGION") or None,
    }


def build() -> cdk.App:
    """Build all environments, the same whether the CDK CLI or `python app.py` asks."""
    settings = json.loads((_paths.ROOT / "cdk.json").read_text())
    app = cdk.App(context=settings["context"], analytics_reporting=False, stack_traces=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    LlmStage(app, "Local", environment=environments.local())
    LlmStage(app, "Dev", environment=environments.dev(**location("DEV")))
    LlmStage(app, "Staging", environment=environments.staging(**location("STAGING")))
    LlmStage(app, "Prod", environment=environments.prod(**location("PROD")))
    return app


if __name__ == "__main__":
    build().synth()
