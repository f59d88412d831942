"""A synth of all environments, and what it wrote, for the tests to inspect."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ENVIRONMENTS = ("Local", "Dev", "Staging", "Prod", "Cpu")
ROOT = Path(__file__).parents[2]
# Not the file of who forks the repository.
ACCOUNTS = ROOT / "tests" / "accounts.toml"

# Whose findings a synth reports, by the beginning of their ids.
_SYNTH_RULES = ("AwsSolutions::", "CloudFormation-Validate::")


@dataclass(frozen=True)
class Template:
    """One synthesized template."""

    stack: str
    path: Path
    body: dict[str, Any]

    @cached_property
    def paths(self) -> dict[str, str]:
        """The construct path of each resource; where the CDK made no template, the logical id."""
        file = self.path.with_name(f"{self.path.name.partition('.')[0]}.metadata.json")
        if not file.exists():
            return {name: f"{self.stack}/{name}" for name in self.body["Resources"]}
        return {
            entry["data"]: path.lstrip("/")
            for path, entries in json.loads(file.read_text()).items()
            for entry in entries
            if entry["type"] == "aws:cdk:logicalId"
        }

    def resources(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Return the resources of a type, by logical id."""
        found = self.body["Resources"].items()
        return {key: value for key, value in found if value["Type"] == resource_type}

    def only(self, resource_type: str, containing: str = "") -> dict[str, Any]:
        """Return the properties of the one resource of a type, told apart by its logical id."""
        (found,) = (
            resource["Properties"]
            for key, resource in self.resources(resource_type).items()
            if containing in key
        )
        properties: dict[str, Any] = found
        return properties


@dataclass(frozen=True)
class Assembly:
    """What one synth wrote."""

    folder: Path

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Each stack's template file, by the name of the stack."""
        return {
            artifact["displayName"]: manifest.parent / artifact["properties"]["templateFile"]
            for manifest in sorted(self.folder.glob("assembly-*/manifest.json"))
            for artifact in json.loads(manifest.read_text())["artifacts"].values()
            if artifact["type"] == "aws:cloudformation:stack"
        }

    def templates(self) -> Iterator[Template]:
        """Yield every stack's template."""
        yield from map(self.template, self._files)

    def template(self, stack: str) -> Template:
        """Return the template of one stack, such as `Prod/Api`, read anew: a test may change it."""
        path = self._files[stack]
        return Template(stack, path, json.loads(path.read_text()))

    def stacks(self, environment: str) -> dict[str, dict[str, Any]]:
        """Return the bodies of an environment's templates, by the names of its stacks."""
        found = (each for each in self.templates() if each.stack.startswith(f"{environment}/"))
        return {each.stack.replace("/", "-"): each.body for each in found}

    def acknowledgements(self, *, of_synth: bool) -> dict[tuple[str, str], str]:
        """Return the reasons, by construct path and finding.

        The rules that synth checks itself come with `of_synth`, those of `make scan` without.
        """
        return {
            (path.lstrip("/"), finding): reason
            for file in self.folder.glob("assembly-*/*.metadata.json")
            for path, entries in json.loads(file.read_text()).items()
            for entry in entries
            if entry["type"] == "aws:cdk:acknowledged-rules"
            for finding, reason in entry["data"].items()
            if finding.startswith(_SYNTH_RULES) == of_synth
        }


def synth(
    folder: Path,
    *environments: str,
    cwd: Path = ROOT,
    settings: dict[str, str] | None = None,
    options: tuple[str, ...] = (),
    context: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `python app.py` in a process of its own, for some environments or for all."""
    chosen = {"environments": ",".join(environments)} if environments else {}
    outside = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith(("_ACCOUNT", "_REGION"))
    }
    return subprocess.run(
        [sys.executable, *options, str(ROOT / "app.py")],
        cwd=cwd,
        env={
            **outside,
            "ACCOUNTS_FILE": str(ACCOUNTS),
            "CDK_OUTDIR": str(folder),
            "CDK_CONTEXT_JSON": json.dumps(
                {**chosen, **(context or {})}
            ),  # as the CDK CLI hands `-c` over
            **(settings or {}),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def refusal_of(gateway_response: dict[str, Any]) -> dict[str, Any]:
    """Return the error that a gateway response makes, with API Gateway's own words filled in."""
    template = gateway_response["ResponseTemplates"]["application/json"]
    body = json.loads(template.replace("$context.error.messageString", '"Forbidden"'))
    assert body["error"].keys() == {"message", "type", "param", "code"}
    error: dict[str, Any] = body["error"]
    return error
