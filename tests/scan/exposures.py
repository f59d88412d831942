"""Runs cloudsplaining over the policies that the templates give to principals."""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

from tests.infrastructure.assembly import ROOT, Template
from tests.scan.findings import Finding

_PYTHON = ROOT / ".venv-scan" / "bin" / "python"
_JUDGE = ROOT / "tests" / "scan" / "judge_policies.py"


def check(templates: Sequence[Template]) -> list[Finding]:
    """Return each action that a policy allows too widely, by what it is good for."""
    policies = [policy for template in templates for policy in _policies(template)]
    done = subprocess.run(
        [str(_PYTHON), str(_JUDGE)],
        input=json.dumps(policies),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"cloudsplaining failed: {done.stderr}")
    return [
        Finding(path, f"Cloudsplaining::{finding}") for path, finding in json.loads(done.stdout)
    ]


def _policies(template: Template) -> Iterator[tuple[str, Any]]:
    """Yield the documents of roles and of policies with where they stand."""
    for logical_id, resource in template.body["Resources"].items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::IAM::Role" | "AWS::IAM::User" | "AWS::IAM::Group":
                documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" | "AWS::IAM::RolePolicy":
                documents = [properties["PolicyDocument"]]
            case _:
                documents = []
        for document in documents:
            yield template.paths[logical_id], _resolved(document)


def _resolved(value: Any) -> Any:  # noqa: PLR0911 - one for each form
    """Write every intrinsic function as a text that is no wildcard: it stands for one name."""
    match value:
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{AWS::(\w+)\}", r"\1", text)
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(str(_resolved(part)) for part in parts)
        case {"Fn::GetAtt": [str(logical_id), "Arn" | "EndpointArn"]} | {"Ref": str(logical_id)}:
            return logical_id.replace("::", "-")
        case dict() if len(value) == 1 and next(iter(value)).startswith("Fn::"):
            return "resolved-at-deployment"
        case dict():
            return {key: _resolved(item) for key, item in value.items()}
        case list():
            return [_resolved(item) for item in value]
    return value
