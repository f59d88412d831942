"""A person's own Mistral as a GGUF file: served, asked, and given back for the packaged model."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI
from sentencepiece import SentencePieceProcessor

from operate.api.deployment import Deployment
from tests.embedded import served
from tests.embedded.conftest import LocalStage
from tests.tiny_gguf import write_tiny_mistral
from tests.unit.invoke_proxy.real_tokenizers import vocabularies

_QUESTION = "Is </s> the end, <s>really?"


@pytest.fixture(scope="module")
def vocabulary() -> Path:
    return vocabularies() / "mistral-v1.model"


def _container(aws: LocalStage) -> dict[str, Any]:
    return {"InstanceType": served.variant(aws)["InstanceType"], **served.container(aws)}


def _links(aws: LocalStage) -> list[Path]:
    return list((aws.home / "models").iterdir())


def _counts_exactly(deployment: Deployment, vocabulary: Path) -> None:
    openai = OpenAI(base_url=f"{deployment.base_url}/v1", api_key=deployment.api_key)
    chat = openai.chat.completions.create(
        model="mistral-7b-instruct",
        messages=[{"role": "user", "content": "What is a monad?"}],
        max_tokens=9,
        temperature=0,
    )
    prompt = SentencePieceProcessor(model_file=str(vocabulary)).encode(
        "[INST] What is a monad? [/INST]"
    )
    assert chat.usage is not None
    assert chat.usage.prompt_tokens == 1 + len(prompt)
    assert (chat.usage.completion_tokens, chat.choices[0].finish_reason) == (9, "length")
    text = openai.completions.create(
        model="mistral-7b-instruct", prompt=_QUESTION, max_tokens=3, temperature=0
    )
    assert text.usage is not None
    assert text.usage.completion_tokens == 3


def _shows_the_playground(deployment: Deployment) -> None:
    page = httpx.get(f"{deployment.base_url}/playground", timeout=120).raise_for_status()
    assert "mistral-7b-instruct" in page.text


def test_own_model_is_served_in_place_of_the_packaged_one_and_given_back(
    aws: LocalStage, tmp_path: Path, vocabulary: Path
) -> None:
    mine = write_tiny_mistral(tmp_path / "mine.Q4_0.gguf", vocabulary)
    refused = aws.try_verb("up", f"--model={mine}", "--entry=smollm2-135m-instruct")
    assert "its vocabulary must be of llama.cpp's kind 'gpt2', got 'llama'" in refused.stderr
    assert aws.pid == 0

    served = aws.run("up", f"--model={mine}")
    assert "mine.Q4_0.gguf: 2 requests at a time, 8192 tokens each" in served.stdout
    container = _container(aws)
    assert container["InstanceType"] == "ml.c7g.2xlarge"
    assert Path(container["Environment"]["SM_LLAMA_CPP_MODEL"]).resolve() == mine
    deployment = aws.deployment()
    assert deployment.model == "mistral-7b-instruct"
    assert aws.run("key").stdout.strip() == deployment.api_key
    _counts_exactly(deployment, vocabulary)
    _shows_the_playground(deployment)
    tuned = aws.try_verb("finetune", "local")
    assert "a MODEL of your own is served as it is" in tuned.stderr

    (link,) = _links(aws)
    assert link.resolve() == mine

    aws.run("up")
    assert _links(aws) == []
    assert aws.deployment().model == "smollm2-135m-instruct"
    assert _container(aws)["InstanceType"] == "ml.g5.2xlarge"
    aws.run("up", f"--model={mine}", "--entry=mistral-7b")
    assert _container(aws)["Environment"]["SM_LLAMA_CPP_ALIAS"] == "mistral-7b"
    assert "the pipeline of local tunes models for" in aws.try_verb("finetune", "local").stderr
    aws.run("drift", "local")
