"""Models whose weights are brought into the account, and that no model runs without isolation."""

import dataclasses
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import assertions

from sagemaker_llm import (
    CATALOG,
    CatalogEntry,
    InvokeApi,
    LlmEndpoint,
    PackagedWeights,
    StagedWeights,
    find_model,
)
from stacks import environments
from stacks.environment import Environment
from stacks.serving_stack import ServingStack
from stacks.stage import LlmStage
from stacks.training_stack import TrainingStack
from stacks.weights_stack import WeightsStack
from tests.infrastructure.assembly import Template
from tests.infrastructure.pipeline_definition import definition_of

_PLACE = cdk.Environment(account="111111111111", region="eu-west-1")
_REVISION = "0a" * 20
_PREFIX = f"base-models/mistrallite/{_REVISION}/"


def _environment(model: CatalogEntry) -> Environment:
    if isinstance(model.weights, PackagedWeights):
        return dataclasses.replace(environments.local(), model=model)
    dev = environments.dev(account=_PLACE.account, region=_PLACE.region)
    return dataclasses.replace(dev, model=model, sizing=None)


def _pinned(model: CatalogEntry) -> CatalogEntry:
    staged = isinstance(model.weights, StagedWeights)
    return model.at_revision(_REVISION) if staged else model


def _stacks(environment: Environment) -> tuple[cdk.Stage, ServingStack]:
    """The endpoint's stack and that of its weights: the API and the training take seconds."""
    stage = cdk.Stage(cdk.App(), "Any", env=_PLACE)
    weights, bucket = environment.model.weights, None
    if isinstance(weights, StagedWeights):
        bucket = WeightsStack(stage, "Weights", environment=environment, weights=weights).bucket
    return stage, ServingStack(stage, "Serving", environment=environment, weights_bucket=bucket)


def _template(stage: cdk.Stage, name: str) -> Template:
    stack = stage.node.find_child(name)
    assert isinstance(stack, cdk.Stack)
    body = dict(assertions.Template.from_stack(stack).to_json())
    return Template(f"Any/{name}", Path(), body)


@pytest.fixture(name="stage", scope="module")
def _stage() -> cdk.Stage:
    """An environment that serves and tunes MistralLite."""
    environment = _environment(_pinned(find_model("mistrallite")))
    stage, serving = _stacks(environment)
    assert environment.tuning
    TrainingStack(
        stage,
        "Training",
        environment=environment,
        settings=environment.tuning,
        published=serving.published,
    )
    return stage


@pytest.mark.parametrize("model", CATALOG.values(), ids=CATALOG.keys())
def test_every_model_runs_in_network_isolation(model: CatalogEntry) -> None:
    stage, _ = _stacks(_environment(_pinned(model)))
    properties = _template(stage, "Serving").only("AWS::SageMaker::Model")
    assert properties["EnableNetworkIsolation"] is True


def test_staged_weights_are_served_from_the_weights_stack(stage: cdk.Stage) -> None:
    weights, serving = _template(stage, "Weights"), _template(stage, "Serving")
    (bucket,) = weights.resources("AWS::S3::Bucket")
    outputs = {name: output["Value"] for name, output in weights.body["Outputs"].items()}
    assert outputs["WeightsBucketName"] == {"Ref": bucket}
    assert outputs["WeightsPrefix"] == _PREFIX
    assert (outputs["WeightsRepository"], outputs["WeightsRevision"]) == (
        "amazon/MistralLite",
        _REVISION,
    )
    _, base, _ = serving.only("AWS::SageMaker::Model")["PrimaryContainer"]["Fn::If"]
    source = base["ModelDataSource"]["S3DataSource"]
    assert source["CompressionType"] == "None"
    assert str(source["S3Uri"]).endswith(f"/{_PREFIX}']]}}")
    assert base["Environment"]["HF_MODEL_ID"] == "/opt/ml/model"


def test_endpoint_reads_its_weights_and_nothing_else_of_their_bucket(stage: cdk.Stage) -> None:
    policy = _template(stage, "Serving").only("AWS::IAM::Policy")
    s3 = [s for s in policy["PolicyDocument"]["Statement"] if "s3:" in str(s["Action"])]
    read, listed = s3
    assert read["Action"] == "s3:GetObject"
    assert str(read["Resource"]).endswith(f"/{_PREFIX}*']]}}")
    assert listed["Condition"] == {"StringLike": {"s3:prefix": f"{_PREFIX}*"}}


def test_bucket_of_weights_is_versioned_and_closed(stage: cdk.Stage) -> None:
    bucket = _template(stage, "Weights").only("AWS::S3::Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_tuning_starts_from_the_staged_weights(stage: cdk.Stage) -> None:
    parameters = definition_of(_template(stage, "Training"))["Parameters"]
    (base,) = (p["DefaultValue"] for p in parameters if p["Name"] == "BaseModelUri")
    assert base.endswith(f"/{_PREFIX}")


def test_staged_model_is_refused_before_its_commit_is_chosen() -> None:
    environment = _environment(find_model("mistrallite"))
    refusal = "revision of mistrallite must be chosen: pin a commit of amazon/MistralLite"
    with pytest.raises(ValueError, match=refusal):
        LlmStage(cdk.App(), "Any", environment=environment)


def test_model_of_the_embedded_container_is_refused_on_aws() -> None:
    stack = cdk.Stack(cdk.App(), "Own")
    endpoint = LlmEndpoint(stack, "Llm", model=find_model("smollm2-135m-instruct"))
    with pytest.raises(ValueError, match="must have weights that SageMaker can fetch"):
        InvokeApi(stack, "Api", endpoint=endpoint)
