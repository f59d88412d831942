"""What vLLM is told of adapters, and the memory that they take."""

import pytest

from sagemaker_llm import Adapter, Vllm, find_model
from sagemaker_llm.models.instances import find_instance

_MODEL = find_model("mistral-7b-instruct")


def _adapters(count: int, rank: int) -> tuple[Adapter, ...]:
    names = (f"a{number}" for number in range(count))
    return tuple(Adapter(name=n, artifact=f"s3://tuned/{n}.tar.gz", rank=rank) for n in names)


@pytest.mark.parametrize(
    ("count", "rank", "loras", "largest"),
    [(1, 1, "1", "1"), (3, 9, "3", "16"), (6, 300, "4", "320")],
)
def test_vllm_sets_aside_what_the_adapters_need(
    count: int, rank: int, loras: str, largest: str
) -> None:
    server = Vllm(adapters=_adapters(count, rank))
    variables = _MODEL.served_by(server).container_environment
    assert variables["SM_VLLM_MAX_LORAS"] == loras
    assert variables["SM_VLLM_MAX_CPU_LORAS"] == str(count)
    assert variables["SM_VLLM_MAX_LORA_RANK"] == largest


def test_vllm_is_told_nothing_without_adapters() -> None:
    assert "LORA" not in str(_MODEL.served_by(Vllm()).container_environment)


def test_adapters_shorten_the_window_that_the_cache_has_room_for() -> None:
    a10g = find_instance("ml.g5.2xlarge")
    plain, adapted = Vllm(), Vllm(adapters=_adapters(4, 64))
    lost = (plain.max_window(_MODEL, a10g) or 0) - (adapted.max_window(_MODEL, a10g) or 0)
    # Four of rank 64 on all modules, 335 MB each, in a cache of 131,072 bytes a token.
    assert lost == pytest.approx(4 * 64 * 2 * 2_621_440 / 131_072, abs=1)
