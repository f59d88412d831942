"""A checkpoint written as a GGUF file: llama.cpp reads what transformers reads."""

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from transformers import MistralForCausalLM

from tests.jobs.tiny_model import write_weights

ROOT = Path(__file__).parents[2]
# The project's own environment, which has llama.cpp: the verb runs in it.
_PYTHON = ROOT / ".venv/bin/python"
_PROMPT = [1, 5567, 272, 3608]
_COUNT = 12

_GREEDY = """
import asyncio, json, sys
from pathlib import Path
from embedded_aws.model_server.llama import Llama
from embedded_aws.model_server.weights import Weights

async def main(prompt, count):
    llama, options = Llama(Weights(Path(sys.argv[1])), 128), {"n_predict": count, "temperature": 0}
    frames = llama.generate(prompt, options | {"n_probs": 1})
    print([each.id async for frame in frames for each in frame.completion_probabilities])

asyncio.run(main(*json.loads(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Mistral with Mistral's vocabulary, as a tuning job writes one."""
    folder = tmp_path_factory.mktemp("tuned")
    write_weights(folder, 32_000)
    common = find_spec("mistral_common")
    assert common is not None
    assert common.origin is not None
    vocabulary = Path(common.origin).parent / "data/tokenizer.model.v1"
    shutil.copy(vocabulary, folder / "tokenizer.model")
    return folder


@pytest.fixture(scope="module")
def expected(checkpoint: Path) -> list[int]:
    model = MistralForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    written = model.generate(torch.tensor([_PROMPT]), max_new_tokens=_COUNT, do_sample=False)
    tokens: list[int] = written[0].tolist()[len(_PROMPT) :]
    return tokens


def _convert(folder: Path, target: Path, kind: str) -> subprocess.CompletedProcess[str]:
    command = [str(_PYTHON), "-m", "operate", "gguf", f"--from={folder}", f"--to={target}"]
    return subprocess.run(
        [*command, f"--kind={kind}"], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("kind", ["F16", "Q8_0"])
def test_llama_cpp_goes_on_as_transformers_does(
    checkpoint: Path, expected: list[int], tmp_path: Path, kind: str
) -> None:
    target = tmp_path / "tuned.gguf"
    converted = _convert(checkpoint, target, kind)
    assert converted.returncode == 0, converted.stderr
    command = [str(_PYTHON), "-c", _GREEDY, str(target), json.dumps([_PROMPT, _COUNT])]
    answered = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(answered.stdout) == expected
