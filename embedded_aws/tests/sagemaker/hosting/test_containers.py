"""Which images the embedded SageMaker runs: by tag it sees the version, by digest it cannot."""

import pytest

from embedded_aws.sagemaker.hosting.containers import ContainerError, _container_definition

_REPOSITORY = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-tgi-inference"
_DIGEST = f"sha256:{'0123456789abcdef' * 4}"


@pytest.mark.parametrize("reference", [":2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04", f"@{_DIGEST}"])
def test_tgi_runs_by_tag_and_by_digest(reference: str) -> None:
    model = {"PrimaryContainer": {"Image": f"{_REPOSITORY}{reference}"}}
    assert _container_definition(model) == model["PrimaryContainer"]


@pytest.mark.parametrize(
    "image",
    [
        f"{_REPOSITORY}:2.4.0-tgi3.0.1-gpu-py311-cu124-ubuntu22.04",
        f"{_REPOSITORY}@{_DIGEST[:-1]}",
        f"{_REPOSITORY}-other@{_DIGEST}",
        f"763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference@{_DIGEST}",
    ],
)
def test_other_image_is_refused(image: str) -> None:
    with pytest.raises(ContainerError, match=r"at TGI 1\.1\.0 only, got"):
        _container_definition({"PrimaryContainer": {"Image": image}})
