"""A stage that gets an adapter: the real templates, the real proxy, real answers."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from openai import NotFoundError, OpenAI

from embedded_aws.tests.sagemaker.adapters import random_adapter
from tests.embedded.conftest import LocalStage
from tests.lifecycle.stage import bootstrap, endpoints, generates

_APP = "tests/lifecycle/adapters_app.py"
_BASE = "smollm2-135m-instruct"
_DEPLOY = """
from operate.laptop import stage
from operate.laptop.account import local_environment
from operate.laptop.cdk_cli import only_cli
with only_cli() as cli:
    stage.deploy(cli, local_environment())
"""


def _deploy(aws: LocalStage) -> None:
    """Deploy what was synthesized last, as `make up` does."""
    done = aws.try_run("-c", _DEPLOY)
    assert done.returncode == 0, done.stdout + done.stderr


def _release(aws: LocalStage, package: str) -> None:
    """Update the serving stack as the release function does."""
    cloudformation = aws.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="Local-Serving")["Stacks"]
    others = [each["ParameterKey"] for each in stack["Parameters"]]
    others.remove("ModelPackageArn")
    cloudformation.update_stack(
        StackName="Local-Serving",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "ModelPackageArn", "ParameterValue": package},
            *({"ParameterKey": name, "UsePreviousValue": True} for name in others),
        ],
        Capabilities=["CAPABILITY_IAM"],
    )


def _components(aws: LocalStage) -> list[str]:
    found = aws.client("sagemaker").list_inference_components()["InferenceComponents"]
    return sorted(each["InferenceComponentName"] for each in found)


def _grants_nothing_without_need(aws: LocalStage) -> None:
    """Take away each permission that adapters add, in turn."""
    tried = aws.try_run("-m", "least_privilege", "--role", "adapters", "--home", str(aws.home))
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert "4 killed" in tried.stdout


def test_a_stage_serves_an_adapter_beside_its_base(stage: LocalStage, tmp_path: Path) -> None:
    s3 = stage.client("s3")
    s3.create_bucket(Bucket="tuned-adapters")
    archive = random_adapter(tmp_path / "support", seed=1)
    s3.put_object(Bucket="tuned-adapters", Key="support/1.tar.gz", Body=archive)

    bootstrap(stage, stage.home / "cdk.out", _APP)
    _deploy(stage)
    (host,) = endpoints(stage)
    assert _components(stage) == sorted([f"{_BASE}-{host}", f"support-{host}"])
    deployment = stage.deployment()
    openai = OpenAI(base_url=f"{deployment.base_url}/v1", api_key=deployment.api_key)
    assert [model.id for model in openai.models.list()] == [_BASE, "support"]

    def answer(model: str) -> tuple[str, str]:
        chat = openai.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "Name a colour."}],
            max_tokens=8,
            temperature=0,
        )
        return chat.model, chat.choices[0].message.content or ""

    base, support = answer(_BASE), answer("support")
    assert (base[0], support[0]) == (_BASE, "support")
    assert base[1] != support[1]
    assert answer(_BASE) == base
    with pytest.raises(NotFoundError, match=f"this API serves the models {_BASE}, support"):
        answer("other")
    assert generates(deployment)

    _grants_nothing_without_need(stage)
    stage.run("drift", "local")
    with pytest.raises(ClientError, match=f"adapters were tuned from the base weights of {_BASE}"):
        _release(stage, "arn:aws:sagemaker:us-east-1:000000000000:model-package/any/1")
    assert answer("support") == support
    (component,) = (name for name in _components(stage) if name.startswith("support"))
    stage.client("sagemaker").delete_inference_component(InferenceComponentName=component)
    stage.client("application-autoscaling").deregister_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=f"inference-component/{_BASE}-{host}",
        ScalableDimension="sagemaker:inference-component:DesiredCopyCount",
    )
    drifted = stage.try_verb("drift", "local")
    assert drifted.returncode != 0
    assert "DRIFTED component" in drifted.stdout
    assert "DRIFTED scaling policy" in drifted.stdout
