"""The library's wheel in an environment of its own, and a stranger's app that is made from it."""

import json
import os
import re
import shutil
import stat
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.tests.wheels import install
from tests.infrastructure.assembly import ROOT, Assembly, Template, synth
from tests.infrastructure.cfn_lint import findings

_LIBRARY = ROOT / "constructs"
_APP = Path(__file__).parent / "foreign" / "app.py"

# What differs with the place of a resource: names, and policies, which hold names.
_PLACED = {
    "AWS::ApiGateway::Authorizer": {"Name"},
    "AWS::ApiGateway::RestApi": {"Name"},
    "AWS::ApiGateway::Deployment": {"Description"},
    "AWS::SageMaker::Pipeline": {"PipelineName", "PipelineDefinition"},
    "AWS::SageMaker::ModelPackageGroup": {"ModelPackageGroupName"},
    "AWS::IAM::Role": {"Policies", "PermissionsBoundary"},
    "AWS::IAM::Policy": {"PolicyDocument", "PolicyName"},
    "AWS::IAM::ManagedPolicy": {"PolicyDocument"},
}


@dataclass(frozen=True)
class Foreign:
    """A folder that is no checkout, with an environment in which the wheel is installed."""

    folder: Path

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "venv/bin/python", *arguments],
            env={**_outside(), **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def synth(self, app: str, out: str) -> Path:
        """Run an app as the CDK CLI does, with the flags that `cdk init` writes."""
        context = json.loads((ROOT / "cdk.json").read_text())["context"]
        context["aws:cdk:enable-analytics"] = False
        settings = {
            "CDK_OUTDIR": out,
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_VALIDATION": "false",  # cdk-nag runs all the same, and cfn-lint reads the template
        }
        done = self.python(app, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.folder / out


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    folder = tmp_path_factory.mktemp("foreign")
    install(_LIBRARY, folder)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    shutil.copy(_APP, folder / "app.py")
    return Foreign(folder)


@pytest.fixture(scope="module")
def built(foreign: Foreign, built_functions: None) -> Foreign:  # noqa: ARG001 - one is copied
    """Build two functions from the wheel; the largest one's asset is taken from the checkout.

    A build takes it for its own only if all that it is made from is the same, byte for byte.
    """
    (sources,) = (foreign.folder / "venv").glob("**/sagemaker_llm/sources")
    shutil.copytree(ROOT / "build" / "invoke_proxy", sources / "build" / "invoke_proxy")
    done = foreign.python("-m", "sagemaker_llm_build", "aws")
    assert done.returncode == 0, done.stderr
    states = dict(line.split(": ", 1) for line in done.stderr.splitlines())
    assert states.pop("invoke_proxy/aws") == "unchanged"
    assert {function: state.split(",")[0] for function, state in states.items()} == {
        "api_authorizer/aws": "built",
        "model_release/aws": "built",
        "version_draining/aws": "built",
    }
    return foreign


@pytest.fixture(scope="module")
def assembled(built: Foreign) -> Path:
    return built.synth("app.py", "cdk.out")


@pytest.fixture(scope="module")
def template(assembled: Path) -> dict[str, Any]:
    template: dict[str, Any] = json.loads((assembled / "Foreign.template.json").read_text())
    return template


def _outside() -> dict[str, str]:
    """Return this process's environment without what could lead to the checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def test_nothing_of_the_checkout_can_be_imported(foreign: Foreign) -> None:
    script = (
        "import sys, sagemaker_llm, invoke_proxy.schemas\n"
        "print(*sys.path, sagemaker_llm.__file__, invoke_proxy.__file__, sep='\\n')"
    )
    done = foreign.python("-c", script)
    assert done.returncode == 0, done.stderr
    *path, library, proxy = done.stdout.split()
    roots = {str(ROOT), *(str(ROOT / root) for root in ("constructs", "lambda", "jobs"))}
    assert not roots & set(path)
    assert library.startswith(f"{foreign.folder}/venv/")
    assert proxy.startswith(f"{foreign.folder}/venv/")
    for module in ("stacks", "operate", "embedded_aws"):
        assert f"No module named '{module}'" in foreign.python("-c", f"import {module}").stderr


def test_published_profile_is_in_the_wheel(foreign: Foreign) -> None:
    script = "import sagemaker_llm; print(len(sagemaker_llm.published_profile().rows))"
    done = foreign.python("-c", script)
    assert done.stdout == "20\n", done.stderr


def test_synth_before_the_build_says_how_to_build(foreign: Foreign) -> None:
    function = "function_code('no_such_function', FunctionTarget.AWS)"
    script = f"from sagemaker_llm.common.function_assets import *; {function}"
    refused = foreign.python("-c", script)
    assert "with 'python -m sagemaker_llm_build', missing" in refused.stderr


def test_build_without_the_compiler_says_what_to_install(foreign: Foreign, tmp_path: Path) -> None:
    script = f"import os, sagemaker_llm_build as b; os.chdir({str(tmp_path)!r}); b.main()"
    assert "run `npm install pyodide@" in foreign.python("-c", script).stderr


def test_script_that_starts_the_proxy_can_be_executed(foreign: Foreign) -> None:
    (script,) = (foreign.folder / "venv").glob("**/sources/lambda/invoke_proxy/run.sh")
    assert script.stat().st_mode & stat.S_IXUSR


def test_what_the_readme_shows_works(built: Foreign) -> None:
    readme = (_LIBRARY / "README.md").read_text()
    app, own_model, other_server = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (built.folder / "readme.py").write_text(app)
    template = json.loads(
        (built.synth("readme.py", "readme.out") / "Chat.template.json").read_text()
    )
    assert {"BaseUrl", "KeyId"} <= template["Outputs"].keys()
    shown = built.python("-c", f"{own_model}\nprint(mine.container_environment['HF_MODEL_ID'])")
    assert shown.stdout == "/opt/ml/model\n", shown.stderr
    shown = built.python("-c", f"{other_server}\nprint(longer.server.name)")
    assert shown.stdout == "vllm\n", shown.stderr


def test_readme_lists_every_public_construct(foreign: Foreign) -> None:
    script = (
        "import sagemaker_llm as library\n"
        "from constructs import Construct\n"
        "public = {name: getattr(library, name) for name in library.__all__}\n"
        "print(*(n for n, v in public.items() if isinstance(v, type) and issubclass(v, Construct)))"
    )
    listed = re.findall(r"^\| `(\w+)` \|", (_LIBRARY / "README.md").read_text(), re.MULTILINE)
    assert set(foreign.python("-c", script).stdout.split()) == set(listed)


def test_security_rules_find_nothing_unexplained(assembled: Path) -> None:
    reports = json.loads((assembled / "validation-report.json").read_text())["pluginReports"]
    (nag,) = (report for report in reports if report["pluginName"] == "AwsSolutions")
    assert (nag["conclusion"], nag["violations"]) == ("success", [])
    assert all(finding["reason"] for finding in nag["suppressedViolations"])


def test_template_passes_cfn_lint(assembled: Path) -> None:
    assert findings([assembled / "Foreign.template.json"]) == []


def test_two_endpoints_of_different_models_are_in_one_stack(template: dict[str, Any]) -> None:
    kinds = Counter(resource["Type"] for resource in template["Resources"].values())
    assert kinds["AWS::SageMaker::Endpoint"] == kinds["AWS::ApiGateway::RestApi"] == 2
    assert kinds["AWS::SageMaker::Pipeline"] == 1
    variables = [
        resource["Properties"]["Environment"]["Variables"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
        and "MODEL_ID" in resource["Properties"].get("Environment", {}).get("Variables", {})
    ]
    assert {each["MODEL_ID"] for each in variables} == {"mistral-7b", "mistral-7b-instruct"}


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory, built_functions: None) -> Assembly:  # noqa: ARG001 - synth packages them
    """The project's own stage, alone: the other tests look for faults in it."""
    folder = tmp_path_factory.mktemp("prod")
    done = synth(folder, "prod", settings={"CDK_VALIDATION": "false"})
    assert done.returncode == 0, done.stderr
    return Assembly(folder)


@pytest.mark.parametrize("stack", ["Serving", "Api", "Training"])
def test_resources_are_those_of_the_projects_own_stage(
    prod: Assembly, template: dict[str, Any], stack: str
) -> None:
    """Each resource of `Prod` is in the foreign stack too, with the same properties."""
    own, theirs = _resources(prod.template(f"Prod/{stack}")), _resources(template)
    assert own
    assert not [json.loads(each) for each in (own - theirs)]


# Logical ids of parameters, which a release sets: the project's own stacks override them.
_PARAMETERS = ("PARAMETER", "UNGUARDED")


def _resources(template: Template | dict[str, Any]) -> Counter[str]:
    body = template.body if isinstance(template, Template) else template
    return Counter(_comparable(resource) for resource in body["Resources"].values())


def _comparable(resource: dict[str, Any]) -> str:
    placed = _PLACED.get(resource["Type"], set())
    kept = {
        "Type": resource["Type"],
        "Properties": {
            name: _masked(value)
            for name, value in resource.get("Properties", {}).items()
            if name not in placed
        },
        "DeletionPolicy": resource.get("DeletionPolicy"),
        "UpdateReplacePolicy": resource.get("UpdateReplacePolicy"),
    }
    return json.dumps(kept, sort_keys=True)


def _masked(value: Any) -> Any:
    """Replace references, which lead to another stack or not, and hashes of what is the same."""
    match value:
        case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::Select": _} | {"Fn::Join": _}:
            return "<reference>"
        case {"Fn::If": [_, *choices]}:
            return {"Fn::If": _masked(choices)}
        case dict():
            return {name: _masked(each) for name, each in value.items() if name not in _PARAMETERS}
        case list():
            return [_masked(each) for each in value]
        case str():
            text = re.sub(r"[0-9a-f]{64}\.zip", "<asset>.zip", value)
            text = re.sub(r"\bcdk-[a-z0-9]+-assets-", "cdk-<qualifier>-assets-", text)
            return re.sub(r"\b(Prod-Serving|Foreign)\b", "<stack>", text)
        case _:
            return value
