"""vLLM, in the image that AWS builds of it for SageMaker."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar

from allowed_values.rules import Choice, Range, RefusedValueError
from sagemaker_llm.models.images import Image
from sagemaker_llm.models.instances import InstanceType
from sagemaker_llm.models.weights import JumpStartWeights, PackagedWeights, StagedWeights, Weights

from .server import GpuNeeds, Server
from .setting import ON, Setting, one_of

if TYPE_CHECKING:
    from sagemaker_llm.models.catalog import CatalogEntry

VLLM_IMAGE = Image(
    repository="vllm",
    tag="0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker",
    is_in_all_partitions=False,
)

_GIB = 2**30

# Beside weights and cache, on each GPU: CUDA's context, the activations of the largest batch, and
# its graphs. Unverified: compare "GPU KV cache size" in the endpoint's log with the window.
_WORKSPACE = 2 * _GIB

# What `--max-lora-rank` takes.
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
# The adapters of one batch, each of which takes GPU memory; more wait in the host's.
_MAX_ADAPTERS_IN_BATCH = 4

# Left out is what would change the memory that is computed below, as the largest batch does, or
# what the API counts on: 20 alternatives, and Hugging Face's tokenizer, which reads control tokens
# in a prompt's text.
_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "SM_VLLM_DTYPE": one_of("auto", "bfloat16", "float16"),
        "SM_VLLM_ENFORCE_EAGER": ON,
        "SM_VLLM_LOAD_FORMAT": one_of("auto", "safetensors"),
        "SM_VLLM_NO_ENABLE_PREFIX_CACHING": ON,
        "SM_VLLM_SEED": (int, (Range(at_least=0, at_most=2**32 - 1),)),
        "VLLM_LOGGING_LEVEL": one_of("DEBUG", "INFO", "WARNING", "ERROR"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Vllm(Server):
    """vLLM on GPUs: windows as long as the model's, where the cache has room for one."""

    # Tensor parallel: each GPU has the same number of attention heads.
    num_gpus: Annotated[int, Choice((1, 2, 4, 8))] = 1
    # Of each GPU's memory; the rest is for what vLLM does not count.
    gpu_memory_utilization: Annotated[float, Range(at_least=0.1, at_most=0.98)] = 0.9

    name: ClassVar[str] = "vllm"
    title: ClassVar[str] = "vLLM"
    reads: ClassVar[tuple[type[Weights], ...]] = (JumpStartWeights, StagedWeights, PackagedWeights)
    # It compiles the model and captures CUDA graphs after it has loaded the weights.
    startup_timeout_seconds: ClassVar[int] = 900
    # The image's CUDA 13 needs a driver of 580 or later, which SageMaker's default has not.
    inference_ami_version: ClassVar[str | None] = "al2023-ami-sagemaker-inference-gpu-4-1"
    takes_adapters: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Setting]] = _SETTINGS
    owned: ClassVar[frozenset[str]] = frozenset(
        {
            *("SM_VLLM_MODEL", "SM_VLLM_SERVED_MODEL_NAME", "SM_VLLM_MAX_MODEL_LEN"),
            *("SM_VLLM_MAX_NUM_SEQS", "SM_VLLM_TENSOR_PARALLEL_SIZE", "SM_VLLM_GENERATION_CONFIG"),
            *("SM_VLLM_GPU_MEMORY_UTILIZATION", "HF_HUB_OFFLINE", "VLLM_NO_USAGE_STATS"),
            *("SM_VLLM_ENABLE_LORA", "SM_VLLM_MAX_LORAS", "SM_VLLM_MAX_CPU_LORAS"),
            *("SM_VLLM_MAX_LORA_RANK", "VLLM_ALLOW_RUNTIME_LORA_UPDATING"),
        }
    )

    def image_for(self, instance_type: str) -> Image:  # noqa: ARG002 - one image for all
        """Return the image."""
        return VLLM_IMAGE

    def environment(self, entry: "CatalogEntry", model: str) -> dict[str, str]:
        """Return the container's whole environment; `SM_VLLM_<FLAG>` becomes `--flag`."""
        return {
            "SM_VLLM_MODEL": model,
            "SM_VLLM_SERVED_MODEL_NAME": entry.model_id,
            "SM_VLLM_MAX_MODEL_LEN": str(entry.limits.max_total_tokens),
            "SM_VLLM_MAX_NUM_SEQS": str(entry.limits.max_concurrent_requests),
            "SM_VLLM_TENSOR_PARALLEL_SIZE": str(self.num_gpus),
            "SM_VLLM_GPU_MEMORY_UTILIZATION": json.dumps(self.gpu_memory_utilization),
            # The proxy gives every parameter: the model's own defaults would hide what it leaves.
            "SM_VLLM_GENERATION_CONFIG": "vllm",
            # Both would wait for a network, which the container has not.
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            **self._adapter_variables(),
            **self.container_settings,
        }

    def _adapter_variables(self) -> dict[str, str]:
        if not self.adapters:
            return {}
        return {
            "SM_VLLM_ENABLE_LORA": "true",
            "SM_VLLM_MAX_LORAS": str(self._adapters_in_batch),
            "SM_VLLM_MAX_CPU_LORAS": str(len(self.adapters)),
            "SM_VLLM_MAX_LORA_RANK": str(self._rank),
            # Without it vLLM has no routes by which SageMaker loads adapters; their components
            # become InService all the same, and every request to them fails.
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "true",
        }

    @property
    def _rank(self) -> int:
        largest = max(adapter.rank for adapter in self.adapters)
        return next(rank for rank in _RANKS if rank >= largest)

    @property
    def _adapters_in_batch(self) -> int:
        return min(len(self.adapters), _MAX_ADAPTERS_IN_BATCH)

    def check_instance(self, entry: "CatalogEntry", instance: InstanceType) -> None:
        """Raise ValueError for GPUs that are too few, too old or too small for one window."""
        needs = GpuNeeds(self.num_gpus, (8, 0), "computes in bfloat16")
        needs.check(instance, entry.model_id)
        longest = self.max_window(entry, instance)
        if longest is not None and entry.limits.max_total_tokens > longest:
            raise RefusedValueError(
                f"max_total_tokens of {entry.model_id} must be at most {longest} with vLLM on"
                f" {instance.name}, whose memory has no room for the cache of more beside the"
                f" weights, got {entry.limits.max_total_tokens}"
            )

    def max_window(self, entry: "CatalogEntry", instance: InstanceType) -> int | None:
        """Return the tokens that the cache has room for; None for a model of unknown sizes."""
        if entry.shape is None:
            return None
        usable = instance.bytes_per_gpu * self.gpu_memory_utilization - _WORKSPACE
        room = usable * self.num_gpus - entry.shape.weight_bytes
        if self.adapters:
            room -= self._adapters_in_batch * entry.shape.adapter_bytes(self._rank)
        return max(0, int(room // entry.shape.cache_bytes_per_token))


VLLM = Vllm()
