"""A stage that changes its server from TGI to vLLM, and a tuned model's way to it alone."""

from pathlib import Path
from subprocess import CompletedProcess

from tests.embedded import served
from tests.embedded.conftest import LocalStage
from tests.lifecycle.stage import bootstrap, cdk
from tests.pipeline.released import TAUGHT, answer, approve_a_copy, rejection, served_package

_APP = ("tests/pipeline/other_server_app.py", "vllm")
_VLLM = ("--app", f"python {' '.join(_APP)}")
_TGI_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-tgi-inference:1"


def test_a_tuned_model_is_released_to_vllm_and_to_no_other_server(
    aws: LocalStage, tmp_path: Path
) -> None:
    assert "/huggingface-pytorch-tgi-inference:" in served.container(aws)["Image"]
    bootstrap(aws, tmp_path / "vllm", *_APP)  # it names the group of packages
    changed = _deploy(aws, *_VLLM)
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert "/vllm:0.30.0-" in served.container(aws)["Image"]
    assert TAUGHT not in answer(aws)

    tuned = aws.try_verb("finetune", "local")
    assert tuned.returncode == 0, tuned.stdout + tuned.stderr
    package = served_package(aws)
    assert "-smollm2-135m-instruct-vllm/" in package
    assert TAUGHT in answer(aws)
    aws.run("drift", "local")

    back = _deploy(aws)  # of the checkout, which says TGI
    assert back.returncode != 0
    assert "tuned from smollm2-135m-instruct for TGI 1.1.0" in back.stdout + back.stderr
    assert served_package(aws) == package

    other = approve_a_copy(aws, Image=_TGI_IMAGE)
    assert "was registered for another server" in rejection(aws, other)
    assert served_package(aws) == package

    aws.run("rollback", "local")
    assert served_package(aws) == ""
    assert TAUGHT not in answer(aws)
    aws.run("drift", "local")


def _deploy(aws: LocalStage, *app: str) -> CompletedProcess[str]:
    words = ("-c", "environments=local", "--require-approval", "never")
    return cdk(aws, "deploy", "Local/*", *words, *app)
