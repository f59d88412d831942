"""The layout: source roots stay source roots, and dependencies run one way."""

import ast
import json
import re
import tarfile
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.infrastructure.assembly import ROOT

_JOBS = {path.parent.name for path in (ROOT / "jobs").glob("*/*.py")}

_OURS = {
    "app",
    "bootstrap",
    "stacks",
    "sagemaker_llm",
    "invoke_proxy",
    "api_authorizer",
    "model_release",
    "version_draining",
    "embedded_aws",
    "bench",
    "simulation",
    "least_privilege",
    "documentation",
    "operate",
    "rehearsal",
    *_JOBS,
}

# What each part may import of the project; the rest of `_OURS` is out of its reach.
_MAY_IMPORT = {
    "stacks": {"stacks", "sagemaker_llm"},
    "bootstrap": {"bootstrap", "stacks"},
    "constructs/sagemaker_llm": {"sagemaker_llm", "invoke_proxy", "allowed_values"},
    "lambda/invoke_proxy": {"invoke_proxy"},
    "lambda/api_authorizer": {"api_authorizer"},
    "lambda/model_release": {"model_release"},
    "lambda/version_draining": {"version_draining"},
    "embedded_aws": {"embedded_aws"},
    "simulation": {"simulation", "sagemaker_llm"},
    # It measures what is deployed, and holds it against what the app declares.
    "bench": {"bench", "app", "embedded_aws", "operate", "recall", "reports", "sagemaker_llm"},
    "least_privilege": {"least_privilege", "embedded_aws"},  # it probes what is deployed
    # `make proxy` runs the proxy from its sources, `make preflight` asks for what the app declares.
    "operate": {
        *("operate", "embedded_aws", "invoke_proxy", "app", "bootstrap", "sagemaker_llm"),
        *("stacks", "simulation", "gguf_files", "allowed_values"),
    },
    # It does what CI does, and its environments are small ones of the app.
    "rehearsal": {"rehearsal", "app", "embedded_aws", "operate", "sagemaker_llm", "stacks"},
    # It writes what they know into docs/, and parses commands with their parsers.
    "documentation": {
        *("documentation", "operate", "bench", "embedded_aws", "invoke_proxy", "sagemaker_llm"),
        *("stacks", "allowed_values"),
    },
    "jobs": _JOBS,
}

# The layers of a package from the top: each imports itself and what is below it.
_LAYERS = {
    "constructs/sagemaker_llm": ("tuning", "api release", "serving", "sizing", "common", "models"),
    "lambda/invoke_proxy": (
        "app",
        "application",
        "openapi schemas",
        "openai snapshots tgi",
        "model",
        "servers sagemaker",
        "http",
        "generation stops tgi_types",
        "settings",
        "prompt_formats tokens",
    ),
    "lambda/model_release": (
        "handler store",
        "queue packages serving candidates",
        "inventory",
        "settings",
        "errors",
    ),
}

# In one folder of a package: a reader sees them all at a glance.
_MAX_MODULES = 14


def _imports(folder: str) -> Iterator[tuple[Path, str]]:
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield path, node.module


@pytest.mark.parametrize("source_root", ["constructs", "lambda"])
def test_source_root_is_not_a_package(source_root: str) -> None:
    # `constructs` would shadow the library that the CDK is built on.
    assert not (ROOT / source_root / "__init__.py").exists()


@pytest.mark.parametrize("part", _MAY_IMPORT)
def test_dependencies_run_one_way(part: str) -> None:
    imported = {name.partition(".")[0] for _, name in _imports(part)}
    assert imported & _OURS <= _MAY_IMPORT[part]


def test_models_are_plain_data() -> None:
    roots = {name.partition(".")[0] for _, name in _imports("constructs/sagemaker_llm/models")}
    assert not roots & {"aws_cdk", "constructs"}


def test_the_packages_of_the_jobs_are_known() -> None:
    assert {"allowed_values", "preparation", "tuning", "evaluation"} <= _JOBS


@pytest.mark.parametrize(
    "part", ["lambda", "jobs", "embedded_aws", "bench", "least_privilege", "operate"]
)
def test_cdk_is_for_stacks_and_constructs(part: str) -> None:
    roots = {name.partition(".")[0] for _, name in _imports(part)}
    assert not roots & {"aws_cdk", "constructs", "cdk_nag"}


@pytest.mark.parametrize("package", _LAYERS)
def test_layers_of_a_package_import_downwards_only(package: str) -> None:
    layers = _LAYERS[package]
    depth = {name: number for number, layer in enumerate(layers) for name in layer.split()}
    root = ROOT / package
    for path, imported in _imports(package):
        importing = path.relative_to(root).with_suffix("").parts[0]
        _, _, imported_name = imported.partition(f"{root.name}.")
        if importing != "__init__" and imported_name:
            layer = imported_name.partition(".")[0]
            below = depth[importing] < depth[layer]
            assert importing == layer or below, f"{path} imports {imported}"


@pytest.mark.parametrize("package", [*_LAYERS, "jobs", "rehearsal"])
def test_every_folder_of_a_package_can_be_overlooked(package: str) -> None:
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    for folder in folders:
        modules = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
        assert len(modules) <= _MAX_MODULES, folder


def test_constructs_know_the_proxy_by_its_types_only() -> None:
    known = {name for _, name in _imports("constructs") if name.startswith("invoke_proxy")}
    modules = ("schemas", "http.errors", "http.cors")
    assert known == {f"invoke_proxy.{module}" for module in modules}


@pytest.mark.parametrize("folder", ["stacks", "constructs"])
def test_synth_depends_on_nothing_outside_the_checkout(folder: str) -> None:
    # No process environment, clock, user, git or network: only app.py reads the first.
    outside = {"os", "time", "datetime", "random", "uuid", "getpass", "socket", "subprocess"}
    found = {(path.name, name.partition(".")[0]) for path, name in _imports(folder)}
    # What hides the user's configuration from the SDK while it is imported.
    found.discard(("sdk.py", "os"))
    assert not [(file, root) for file, root in found if root in outside]


def test_sagemaker_sdk_is_imported_at_one_place_which_is_kept_offline() -> None:
    sdk = {"sagemaker", "boto3", "botocore"}
    places = {path.name for path, name in _imports("constructs") if name.partition(".")[0] in sdk}
    assert places == {"sdk.py"}


def test_steps_depend_on_nothing_that_the_definition_does_not_name() -> None:
    # The definition's digest is over these files.
    folder = "constructs/sagemaker_llm/tuning/pipeline/steps"
    found = {(path.name, name.partition(".")[0]) for path, name in _imports(folder)}
    library = {file for file, root in found if root in {*_OURS, "aws_cdk", "constructs"}}
    assert library == {"__main__.py"}
    parents = [
        path.name
        for path in (ROOT / folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level > 1
    ]
    assert parents == []


def test_app_reads_the_environment_at_one_place() -> None:
    reads = [line for line in (ROOT / "app.py").read_text().splitlines() if "os.environ" in line]
    assert len(reads) == 1  # it hands it over to what reads accounts.toml


def test_every_recommended_feature_flag_is_set() -> None:
    aws_cdk = find_spec("aws_cdk")
    assert aws_cdk
    assert aws_cdk.origin
    (bundle,) = Path(aws_cdk.origin).parent.glob("_jsii/aws-cdk-lib@*.tgz")
    with tarfile.open(bundle) as archive:
        member = archive.extractfile("package/recommended-feature-flags.json")
        assert member
        recommended = json.load(member)
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    assert context == recommended


def test_types_are_read_of_every_module_of_the_cdk_that_is_imported_or_inherited_from() -> None:
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (followed,) = (set(each["module"]) for each in overrides if "aws_cdk" in each["module"])
    folders = ("constructs", "stacks", "tests", "embedded_aws", "operate", "least_privilege")
    imported = {name for folder in folders for _, name in _imports(folder) if _is_of_cdk(name)}
    needed = {"aws_cdk"}
    while imported:
        needed |= imported
        imported = {base for name in imported for base in _bases(name)} - needed
    assert needed - followed == set(), "add them to [[tool.mypy.overrides]] in pyproject.toml"


def _is_of_cdk(module: str) -> bool:
    return module.partition(".")[0] == "aws_cdk"


def _bases(module: str) -> set[str]:
    """Return the modules of the CDK from which a module's classes inherit."""
    spec = find_spec(module)
    assert spec
    assert spec.origin
    source = Path(
        spec.origin
    ).read_text()  # As the CDK's generator lays it out: parsing takes 13 s.
    imports = re.findall(r"^ +import (\S+) as (\w+)$", source, re.MULTILINE)
    names = {alias: name for name, alias in imports}
    classes = re.findall(r"^class \w+\(([^)]*)\)", source, re.MULTILINE)
    bases = {name for each in classes for name in re.findall(r"(\w+)\.\w+", each)}
    return {names[base] for base in bases if _is_of_cdk(names.get(base, ""))}


def test_cdk_watch_sees_the_sources_and_not_what_the_build_makes() -> None:
    watch = json.loads((ROOT / "cdk.json").read_text())["watch"]
    watched = {pattern.partition("/")[0] for pattern in watch["include"]}
    assert {"constructs", "stacks", "lambda", "jobs"} <= watched
    assert not watched & {"**", "build", "cdk.out", ".local"}
