"""LoRA adapters: loaded by SageMaker's routes, chosen by its header."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embedded_aws.model_server.vllm.adapters import Adapters, may_change
from embedded_aws.model_server.vllm.errors import VllmError
from embedded_aws.model_server.weights import Weights
from embedded_aws.tests.model_server.conftest import ModelServer
from embedded_aws.tests.model_server.test_adapter import write_model

_HEADER = "X-Amzn-SageMaker-Adapter-Identifier"
_ASKED = {"prompt": "The capital of France is", "max_tokens": 8, "temperature": 0}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The files of a random adapter, as an archive has them."""
    write_model(tmp_path, scale=0.2)
    return tmp_path / "adapter"


def _load(vllm: ModelServer, name: str, source: Path) -> str:
    body = {"name": name, "src": str(source)}
    return vllm.http.post("/adapters", json=body, timeout=300).raise_for_status().text


def _ask(vllm: ModelServer, adapter: str | None = None) -> str:
    headers = {_HEADER: adapter} if adapter else {}
    answer = vllm.http.post("/invocations", json=_ASKED, headers=headers, timeout=300)
    return str(answer.raise_for_status().json()["choices"][0]["text"])


@pytest.fixture
def tuned(vllm: ModelServer, source: Path) -> Iterator[ModelServer]:
    assert _load(vllm, "support", source) == "Adapter support registered"
    yield vllm
    forgotten = vllm.http.delete("/adapters/support", timeout=300)
    assert forgotten.text == "Adapter support unregistered"


def test_the_header_chooses_an_adapter_beside_its_base(tuned: ModelServer) -> None:
    base, adapted = _ask(tuned), _ask(tuned, "support")
    assert adapted != base
    # In any order: no request leaves its adapter to the next.
    assert (_ask(tuned), _ask(tuned, "support")) == (base, adapted)
    named = tuned.http.post("/v1/completions", json=_ASKED | {"model": "support"}, timeout=300)
    assert named.json()["choices"][0]["text"] == adapted
    cards = tuned.http.get("/v1/models").json()["data"]
    assert [(card["id"], card["parent"]) for card in cards] == [
        ("small", None),
        ("support", "small"),
    ]


def test_an_adapter_is_refused_twice_and_of_too_large_a_rank(
    tuned: ModelServer, source: Path
) -> None:
    again = tuned.http.post("/adapters", json={"name": "support", "src": str(source)})
    assert "has already been loaded" in again.json()["error"]["message"]
    config = json.loads((source / "adapter_config.json").read_text())
    (source / "adapter_config.json").write_text(json.dumps({**config, "r": 9}))
    large = tuned.http.post("/adapters", json={"name": "large", "src": str(source)})
    assert (large.status_code, large.json()["error"]["message"]) == (
        400,
        "LoRA rank 9 is greater than max_lora_rank 8.",
    )
    missing = tuned.http.post("/adapters", json={"name": "gone", "src": "/nowhere"})
    assert missing.status_code == 404
    assert "No adapter found for /nowhere" in missing.json()["error"]["message"]
    unknown = tuned.http.post("/invocations", json=_ASKED, headers={_HEADER: "gone"})
    assert unknown.status_code == 404
    assert tuned.http.delete("/adapters/gone").status_code == 404


@pytest.mark.parametrize(
    ("value", "may"), [("true", True), (" True ", True), ("1", True), ("false", False), ("", False)]
)
def test_routes_for_adapters_are_there_when_they_may_change(value: str, *, may: bool) -> None:
    assert may_change({"VLLM_ALLOW_RUNTIME_LORA_UPDATING": value}) is may
    assert not may_change({})


def test_an_adapter_is_refused_where_lora_is_not_enabled(source: Path) -> None:
    flags: Any = SimpleNamespace(enable_lora=False)
    start: Any = SimpleNamespace
    adapters = Adapters(Weights(Path("m.gguf")), Path("/none"), flags, lambda _weights: start())
    with pytest.raises(VllmError, match="LoRA is not enabled"):
        asyncio.run(adapters.load("support", str(source)))
    assert (adapters.names, adapters.options("support")) == ([], {})
