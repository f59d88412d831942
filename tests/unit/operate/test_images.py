"""The images' digests: as deployed, as the registry has them, and what the verb says of both."""

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from operate.account.images import check_images
from operate.environment import Environment
from tests.unit.operate.doubles import Stacks

_REGISTRY = "763104351884.dkr.ecr.eu-west-1.amazonaws.com"
_TGI, _TRAINING = "huggingface-pytorch-tgi-inference", "huggingface-pytorch-training"
_OLD, _NEW = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
_OUTPUTS = {
    "Serving": {"EndpointName": "llm", "ServingImageTag": f"{_TGI}:1.1.0"},
    "Training": {
        "PipelineName": "prod-training-fine-tune",
        "TrainingImageTag": f"{_TRAINING}:2.8.0",
    },
}


class _SageMaker:
    """A deployed stage: its serving and its training image, and the digest that runs."""

    def __init__(
        self, serving: str, training: str, *, running: str = "", package: str = ""
    ) -> None:
        self._serving, self._training = serving, training
        self._running, self._package = running, package

    def describe_endpoint(self, **_: str) -> dict[str, Any]:
        images = [{"ResolvedImage": f"{_REGISTRY}/{_TGI}@{self._running}"}] if self._running else []
        variant = {"VariantName": "AllTraffic", "DeployedImages": images}
        return {"EndpointConfigName": "c", "ProductionVariants": [variant]}

    def describe_endpoint_config(self, **_: str) -> dict[str, Any]:
        return {"ProductionVariants": [{"ModelName": "m"}]}

    def describe_model(self, **_: str) -> dict[str, Any]:
        container = (
            {"ModelPackageName": self._package} if self._package else {"Image": self._serving}
        )
        return {"PrimaryContainer": container}

    def describe_model_package(self, **_: str) -> dict[str, Any]:
        return {"InferenceSpecification": {"Containers": [{"Image": self._serving}]}}

    def describe_pipeline(self, **_: str) -> dict[str, Any]:
        steps = [
            {"Arguments": {"AppSpecification": {"ImageUri": self._training}}},
            {"Arguments": {"AlgorithmSpecification": {"TrainingImage": self._training}}},
            {"Arguments": {"InferenceSpecification": {"Containers": [{"Image": self._serving}]}}},
        ]
        return {"PipelineDefinition": json.dumps({"Version": "2020-12-01", "Steps": steps})}


def _check(sagemaker: _SageMaker, *, serving: str, training: str = _OLD) -> None:
    """Check the images of a stage against a registry with these digests."""
    ecr = boto3.client(
        "ecr", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    with Stubber(ecr) as registry:
        for repository, tag, digest in ((_TGI, "1.1.0", serving), (_TRAINING, "2.8.0", training)):
            found = [{"imageId": {"imageDigest": digest, "imageTag": tag}}] if digest else []
            failures = [] if digest else [{"failureReason": "Requested image not found"}]
            registry.add_response(
                "batch_get_image",
                {"images": found, "failures": failures},
                {
                    "registryId": "763104351884",
                    "repositoryName": repository,
                    "imageIds": [{"imageTag": tag}],
                },
            )
        regions: list[str] = []
        clients = {"sagemaker": sagemaker, "ecr": ecr, "cloudformation": Stacks(_OUTPUTS)}

        def client(name: str, *region: str) -> Any:
            regions.extend(region)
            return clients[name]

        check_images(Environment("prod", client))
        assert regions == ["eu-west-1", "eu-west-1"]


def _by_tag(**more: str) -> _SageMaker:
    return _SageMaker(f"{_REGISTRY}/{_TGI}:1.1.0", f"{_REGISTRY}/{_TRAINING}:2.8.0", **more)


def _pinned(**more: str) -> _SageMaker:
    return _SageMaker(f"{_REGISTRY}/{_TGI}@{_OLD}", f"{_REGISTRY}/{_TRAINING}@{_OLD}", **more)


def test_image_by_its_tag_is_shown_with_how_to_pin_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _check(_by_tag(), serving=_NEW)
    shown = capsys.readouterr().out
    assert f'serving_image=TGI_IMAGE.pinned("{_NEW}") in stacks/environments.py' in shown
    assert f'tuning: image=TRAINING.pinned("{_OLD}") in stacks/environments.py' in shown


@pytest.mark.parametrize("package", ["", "arn:aws:sagemaker:eu-west-1:1:model-package/p/1"])
def test_pinned_image_that_the_registry_has_passes(
    capsys: pytest.CaptureFixture[str], package: str
) -> None:
    _check(_pinned(running=_OLD, package=package), serving=_OLD)
    assert "to pin it" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("deployed", "serving", "training"),
    [
        (_pinned(), _NEW, _OLD),
        (_pinned(), _OLD, _NEW),
        (_by_tag(running=_OLD), _NEW, _OLD),  # the tag was moved after the deployment
    ],
)
def test_image_that_its_tag_does_not_name_fails(
    deployed: _SageMaker, serving: str, training: str
) -> None:
    with pytest.raises(SystemExit, match="runs an image that its tag no longer names"):
        _check(deployed, serving=serving, training=training)


def test_tag_that_the_registry_does_not_have_is_said() -> None:
    with pytest.raises(SystemExit, match=f"has no {_TGI}:1.1.0: Requested image not found"):
        _check(_by_tag(), serving="")


def test_stage_that_was_deployed_before_it_named_its_images_is_to_be_deployed_again() -> None:
    deployed = {"Serving": {"EndpointName": "llm"}, "Training": {"PipelineName": "p"}}
    clients = {"sagemaker": _pinned(), "cloudformation": Stacks(deployed)}
    with pytest.raises(SystemExit, match=r"has no output ServingImageTag: .*deploy it"):
        check_images(Environment("prod", clients.__getitem__))
