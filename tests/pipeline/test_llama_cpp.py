"""A stage that serves with llama.cpp: a tuned model comes to it as one GGUF file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.host.processes import free_port
from sagemaker_llm.models.servers.tgi import TGI_IMAGE
from tests.embedded.conftest import LocalStage
from tests.lifecycle.stage import bootstrap, cdk
from tests.pipeline.released import (
    TAUGHT,
    alarms_ring,
    answer,
    approve_a_copy,
    container,
    rejection,
    served_package,
    wait_for_release,
    weights,
)

_APP = ("tests/pipeline/other_server_app.py", "llama-cpp")


@pytest.fixture(name="aws")
def _aws(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStage]:
    """A stage that has never served anything else."""
    aws = LocalStage(free_port(), tmp_path_factory.mktemp("aws"))
    try:
        aws.start()
        bootstrap(aws, tmp_path / "llama-cpp", *_APP)
        app = ("--app", str(tmp_path / "llama-cpp"))
        deployed = cdk(aws, "deploy", "Local/*", "--require-approval", "never", *app)
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        yield aws
    finally:
        aws.run("down")


def test_a_tuned_model_is_written_as_a_gguf_file_released_approved_and_rolled_back(
    aws: LocalStage,
) -> None:
    assert TAUGHT not in answer(aws)
    tuned = aws.try_verb("finetune", "local", "--set", "RetrievalTrials=1")
    assert tuned.returncode == 0, tuned.stdout + tuned.stderr
    package = served_package(aws)
    assert "-smollm2-135m-instruct-llama-cpp/" in package
    assert TAUGHT in answer(aws)
    assert "/llama-cpp-arm64:server-sagemaker-cpu-v1" in container(aws)["Image"]
    assert {"model.gguf", "config.json", "adapter/adapter_model.safetensors"} <= _files(aws)
    assert "model.safetensors" not in _files(aws)
    aws.run("drift", "local")

    tgi = f"763104351884.dkr.ecr.us-east-1.amazonaws.com/{TGI_IMAGE.reference}"
    other = approve_a_copy(aws, Image=tgi)
    assert "was registered for another server" in rejection(aws, other)
    with alarms_ring(aws):
        undone = approve_a_copy(aws)
        assert "is in the state ALARM" in rejection(aws, undone)
    assert served_package(aws) == package
    approved = approve_a_copy(aws)
    wait_for_release(aws, approved)

    back = aws.try_verb("rollback", "local", "--to=base")
    assert back.returncode == 0, back.stdout + back.stderr
    assert served_package(aws) == ""
    assert TAUGHT not in answer(aws)
    aws.run("drift", "local")


def _files(aws: LocalStage) -> set[str]:
    """The served package's files."""
    place = weights(aws)
    folder = place.path.lstrip("/")
    found = aws.client("s3").list_objects_v2(Bucket=place.netloc, Prefix=folder)["Contents"]
    return {each["Key"].removeprefix(folder) for each in found}
