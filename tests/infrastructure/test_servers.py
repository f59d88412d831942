"""Environments whose model another server than TGI runs: what differs in their templates."""

import dataclasses
import json
import re
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from cdk_nag import AwsSolutionsChecks

from sagemaker_llm import (
    LLAMA_CPP,
    TGI,
    VLLM,
    CatalogEntry,
    LlmEndpoint,
    StagedGguf,
    TargetTracking,
    WeightsBucket,
    find_model,
)
from stacks import environments
from stacks.environment import Environment
from stacks.stage import LlmStage
from tests.infrastructure.assembly import Assembly, Template
from tests.infrastructure.cfn_lint import findings
from tests.infrastructure.pipeline_definition import definition_of
from tests.infrastructure.reviewed import check_reviewed

_REVISION = "0a" * 20
_GGUF = StagedGguf(repository="a/b", file="m.Q4_K_M.gguf", file_bytes=4_368_438_944)
_BY_VLLM = find_model("mistral-7b-instruct").served_by(VLLM, window=32_768)


def _environment(model: CatalogEntry, instance_type: str) -> Environment:
    return dataclasses.replace(
        environments.dev(account="111111111111", region="eu-west-1"),
        model=model,
        instance_type=instance_type,
        scaling=TargetTracking(target_concurrent_requests=1),
        sizing=None,
    )


@pytest.fixture(name="vllm", scope="module")
def _vllm(tmp_path_factory: pytest.TempPathFactory, built_functions: None) -> Assembly:  # noqa: ARG001 - synth packages them
    """An environment that serves Mistral's whole window with vLLM, with synth's validators."""
    folder = tmp_path_factory.mktemp("vllm")
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    LlmStage(app, "Vllm", environment=_environment(_BY_VLLM, "ml.g5.2xlarge"))
    app.synth()
    return Assembly(folder)


@pytest.fixture(name="by_llama_cpp", scope="module", params=["ml.c6i.2xlarge", "ml.c7g.2xlarge"])
def _by_llama_cpp(request: pytest.FixtureRequest) -> Template:
    """The endpoint of a GGUF file, on processors of each kind."""
    place = cdk.Environment(account="111111111111", region="eu-west-1")
    stack = cdk.Stack(cdk.App(), "Cpu", env=place)
    model = find_model("mistral-7b-instruct").served_by(
        LLAMA_CPP, weights=_GGUF, max_concurrent_requests=4
    )
    LlmEndpoint(
        stack,
        "Llm",
        model=model.at_revision(_REVISION),
        instance_type=request.param,
        scaling=TargetTracking(target_concurrent_requests=1),
        weights_bucket=WeightsBucket(stack, "W", removal_policy=cdk.RemovalPolicy.RETAIN),
    )
    return Template(request.param, Path(), dict(assertions.Template.from_stack(stack).to_json()))


def test_security_rules_find_nothing_unexplained_with_vllm(vllm: Assembly) -> None:
    reports = json.loads((vllm.folder / "validation-report.json").read_text())["pluginReports"]
    assert [report["violations"] for report in reports] == [[]] * len(reports)


def test_endpoint_of_vllm_passes_cfn_lint(vllm: Assembly) -> None:
    assert findings([vllm.template("Vllm/Serving").path]) == []


def test_endpoint_of_vllm_is_as_reviewed(vllm: Assembly, pytestconfig: pytest.Config) -> None:
    check_reviewed("vllm", "serving", vllm.template("Vllm/Serving").body, pytestconfig)


def test_vllm_gets_the_driver_that_its_image_needs_and_a_longer_start(vllm: Assembly) -> None:
    config = vllm.template("Vllm/Serving").only("AWS::SageMaker::EndpointConfig")
    (variant,) = config["ProductionVariants"]
    assert variant["InferenceAmiVersion"] == "al2023-ami-sagemaker-inference-gpu-4-1"
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 900
    assert "KmsKeyId" not in config  # g5 has disks of its own


def test_vllm_reads_jumpstarts_weights_in_network_isolation(vllm: Assembly) -> None:
    model = vllm.template("Vllm/Serving").only("AWS::SageMaker::Model")
    assert model["EnableNetworkIsolation"] is True
    _, base, released = model["PrimaryContainer"]["Fn::If"]
    assert base["Image"].endswith("/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker")
    assert base["Environment"] == released["Environment"] == _BY_VLLM.container_environment
    assert base["Environment"]["SM_VLLM_MAX_MODEL_LEN"] == "32768"
    uri = "s3://jumpstart-cache-prod-eu-west-1/huggingface-llm/huggingface-llm-mistral-7b-instruct/"
    assert base["ModelDataSource"]["S3DataSource"]["S3Uri"].startswith(uri)


def test_proxy_knows_vllm_and_the_longer_window(vllm: Assembly) -> None:
    proxy = vllm.template("Vllm/Api").only("AWS::Lambda::Function", "Proxy")
    variables = proxy["Environment"]["Variables"]
    assert (variables["SERVER"], variables["MAX_TOTAL_TOKENS"]) == ("vllm", "32768")
    assert variables["MAX_INPUT_LENGTH"] == "32767"


def test_tuned_model_is_registered_for_vllm_and_released_to_it_only(vllm: Assembly) -> None:
    training = vllm.template("Vllm/Training")
    steps = json.dumps(definition_of(training))
    assert "/vllm:0.30.0-gpu" in steps
    assert '"SM_VLLM_MODEL": "/opt/ml/model"' in steps
    release = training.only("AWS::Lambda::Function", "Release")["Environment"]["Variables"]
    assert "/vllm:0.30.0-gpu" in str(release["IMAGE"])
    assert json.loads(release["CONTAINER_ENVIRONMENT"]) == _BY_VLLM.packaged_environment
    group = training.only("AWS::SageMaker::ModelPackageGroup")["ModelPackageGroupName"]
    parameter = vllm.template("Vllm/Serving").body["Parameters"]["ModelPackageArn"]
    assert str(group).endswith("-mistral-7b-instruct-vllm']]}")
    arn = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/x-1a2b3c4d-mistral-7b-instruct"
    assert re.search(parameter["AllowedPattern"], f"{arn}-vllm/3")
    assert not re.search(parameter["AllowedPattern"], f"{arn}/3")


def test_llama_cpp_has_the_image_of_the_instances_processors(by_llama_cpp: Template) -> None:
    _, base, _ = by_llama_cpp.only("AWS::SageMaker::Model")["PrimaryContainer"]["Fn::If"]
    suffix = "-arm64" if "c7g" in by_llama_cpp.stack else ""
    image = f"763104351884.dkr.ecr.eu-west-1.amazonaws.com/llama-cpp{suffix}"
    assert base["Image"] == f"{image}:server-sagemaker-cpu-v1"


def test_llama_cpp_reads_one_prefix_in_network_isolation(by_llama_cpp: Template) -> None:
    model = by_llama_cpp.only("AWS::SageMaker::Model")
    assert model["EnableNetworkIsolation"] is True
    _, base, _ = model["PrimaryContainer"]["Fn::If"]
    source = base["ModelDataSource"]["S3DataSource"]
    assert (source["S3DataType"], source["CompressionType"]) == ("S3Prefix", "None")
    assert f"/base-models/mistral-7b-instruct/{_REVISION}/" in str(source["S3Uri"])


def test_processors_take_the_key_of_their_volumes_and_no_gpus_driver(
    by_llama_cpp: Template,
) -> None:
    config = by_llama_cpp.only("AWS::SageMaker::EndpointConfig")
    (key,) = by_llama_cpp.resources("AWS::KMS::Key")
    assert config["KmsKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    assert "InferenceAmiVersion" not in config["ProductionVariants"][0]


@pytest.mark.parametrize(
    ("model", "instance_type", "message"),
    [
        (
            find_model("mistrallite").served_by(TGI, window=16_384),
            "ml.g5.2xlarge",
            "max_total_tokens of mistrallite must be at most 12288 with TGI 1.1.0",
        ),
        (_BY_VLLM, "ml.g4dn.xlarge", "mistral-7b-instruct computes in bfloat16"),
        (_BY_VLLM, "ml.c7g.2xlarge", "must have a GPU, such as ml.g5.2xlarge"),
    ],
)
def test_combination_that_cannot_work_is_refused_before_synth(
    model: CatalogEntry, instance_type: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _environment(model, instance_type)
    with pytest.raises(ValueError, match=message):
        LlmEndpoint(cdk.Stack(cdk.App(), "S"), "E", model=model, instance_type=instance_type)


def test_load_that_was_derived_from_another_servers_profile_is_refused() -> None:
    dev = environments.dev(account="111111111111", region="eu-west-1")
    with pytest.raises(ValueError, match=r"sizing must be from a profile of vLLM, .* under tgi"):
        dataclasses.replace(dev, model=_BY_VLLM)


def test_region_without_the_servers_image_is_refused() -> None:
    message = "region must be one that AWS keeps the image vllm in, got 'us-gov-west-1'"
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(
            environments.dev(account="111111111111", region="eu-west-1"),
            model=_BY_VLLM,
            region="us-gov-west-1",
            sizing=None,
            allow_unlisted_region=True,
        )
