"""llama.cpp's server, in the images that AWS builds of it for processors without a GPU."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar

from allowed_values.rules import Choice, Range, RefusedValueError
from sagemaker_llm.models.images import Image
from sagemaker_llm.models.instances import InstanceType, Processor, find_instance
from sagemaker_llm.models.weights import (
    MODEL_FOLDER,
    FileWeights,
    PackagedWeights,
    StagedGguf,
    Weights,
)

from .server import Server
from .setting import ON, Setting, one_of

if TYPE_CHECKING:
    from sagemaker_llm.models.catalog import CatalogEntry

LLAMA_CPP_IMAGE = Image(repository="llama-cpp", tag="server-sagemaker-cpu-v1")
LLAMA_CPP_ARM64_IMAGE = Image(repository="llama-cpp-arm64", tag="server-sagemaker-cpu-v1")

_GIB = 2**30

# Beside the file and the cache: the operating system, the buffers of a batch, and nginx.
# Unverified: compare MemoryUtilization of the endpoint with the sum.
_WORKSPACE = 2 * _GIB

# Of a weight in a tuned model's file: blocks of 32 have a scale in half precision.
_TUNED_BYTES: Mapping[str, float] = MappingProxyType({"F16": 2, "Q8_0": 34 / 32, "Q4_0": 18 / 32})

# The proxy writes the whole prompt: a chat has one message, which is the prompt as it stands. The
# server cuts one start token's text off what the template gives, and adds the token itself where
# the file says so: without it a prompt that begins with a literal `<s>` would lose that.
_PROMPT = "{{ messages[0]['content'] }}"
_START = "{{ bos_token }}"

_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "SM_LLAMA_CPP_BATCH_SIZE": (int, (Range(at_least=32, at_most=16_384),)),
        "SM_LLAMA_CPP_FLASH_ATTN": one_of("on", "off", "auto"),
        "SM_LLAMA_CPP_MLOCK": ON,
        "SM_LLAMA_CPP_NO_MMAP": ON,
        "SM_LLAMA_CPP_THREADS": (int, (Range(at_least=1, at_most=192),)),
        "SM_LLAMA_CPP_THREADS_BATCH": (int, (Range(at_least=1, at_most=192),)),
        "SM_LLAMA_CPP_UBATCH_SIZE": (int, (Range(at_least=32, at_most=16_384),)),
    }
)


@dataclass(frozen=True, kw_only=True)
class LlamaCpp(Server):
    """llama.cpp on a CPU: one slot of the cache for each concurrent request, of a whole window."""

    # How a tuned model's weights are quantized. Q8_0 loses almost nothing; Q4_0 takes half the
    # memory, and half the time for a token. The training image has no program for other kinds.
    tuned_kind: Annotated[str, Choice(("Q8_0", "Q4_0", "F16"))] = "Q8_0"

    name: ClassVar[str] = "llama-cpp"
    title: ClassVar[str] = "llama.cpp"
    reads: ClassVar[tuple[type[Weights], ...]] = (StagedGguf, PackagedWeights, FileWeights)
    startup_timeout_seconds: ClassVar[int] = 600
    settings: ClassVar[Mapping[str, Setting]] = _SETTINGS
    owned: ClassVar[frozenset[str]] = frozenset(
        {
            *("SM_LLAMA_CPP_MODEL", "SM_LLAMA_CPP_ALIAS", "SM_LLAMA_CPP_CTX_SIZE"),
            *("SM_LLAMA_CPP_PARALLEL", "SM_LLAMA_CPP_CACHE_RAM", "SM_LLAMA_CPP_CHAT_TEMPLATE"),
            "SM_LLAMA_CPP_HF_REPO",
        }
    )

    @property
    def weights_format(self) -> str:
        """One GGUF file, with its numbers of this kind."""
        return self.tuned_kind

    def image_for(self, instance_type: str) -> Image:
        """Return the image for the instance's processors."""
        if find_instance(instance_type).processor is Processor.ARM64:
            return LLAMA_CPP_ARM64_IMAGE
        return LLAMA_CPP_IMAGE

    def environment(self, entry: "CatalogEntry", model: str) -> dict[str, str]:
        """Return the container's whole environment; `SM_LLAMA_CPP_<FLAG>` becomes `--flag`.

        The image serves the first `*.gguf` under SageMaker's model folder.
        """
        limits = entry.limits
        start = _START if entry.tokenizer.has_start_token else ""
        return {
            **_source(entry, model),
            "SM_LLAMA_CPP_ALIAS": entry.model_id,
            # Of all slots together.
            "SM_LLAMA_CPP_CTX_SIZE": str(_cached_tokens(entry)),
            "SM_LLAMA_CPP_PARALLEL": str(limits.max_concurrent_requests),
            # Of prompts that lost their slot: by default 8 GiB of the host's memory.
            "SM_LLAMA_CPP_CACHE_RAM": "0",
            "SM_LLAMA_CPP_CHAT_TEMPLATE": f"{start}{_PROMPT}",
            **self.container_settings,
        }

    def check_instance(self, entry: "CatalogEntry", instance: InstanceType) -> None:
        """Raise ValueError for an instance with GPUs, or without the memory for all slots."""
        if instance.gpus:
            raise RefusedValueError(
                "instance_type must have no GPU for llama.cpp, whose images compute on the CPU,"
                f" such as ml.c7g.2xlarge, got {instance.name!r}"
            )
        if isinstance(entry.weights, StagedGguf):
            self._check_memory(entry, instance, entry.weights.file_bytes, "file")

    def check_tuned(self, entry: "CatalogEntry", instance_type: str) -> None:
        """Raise ValueError for an instance without the memory for a tuned model's file."""
        if entry.shape:
            size = int(entry.shape.parameters * _TUNED_BYTES[self.tuned_kind])
            instance = find_instance(instance_type)
            self._check_memory(entry, instance, size, f"tuned file in {self.tuned_kind}")

    def _check_memory(
        self, entry: "CatalogEntry", instance: InstanceType, file_bytes: int, file: str
    ) -> None:
        needed = self.memory_bytes(entry, file_bytes)
        if needed is not None and needed > instance.host_bytes:
            raise RefusedValueError(
                f"instance_type must have {needed / _GIB:.1f} GiB of memory for"
                f" {entry.model_id}'s {file} and the cache of"
                f" {entry.limits.max_concurrent_requests} requests of"
                f" {entry.limits.max_total_tokens} tokens, got {instance.name!r} with"
                f" {instance.host_bytes / _GIB:.0f}: lower max_concurrent_requests or the window"
            )

    def memory_bytes(self, entry: "CatalogEntry", file_bytes: int) -> int | None:
        """Return the memory that the server takes; None for a model of unknown sizes."""
        if entry.shape is None:
            return None
        cache = _cached_tokens(entry) * entry.shape.cache_bytes_per_token
        return file_bytes + cache + _WORKSPACE


def _source(entry: "CatalogEntry", model: str) -> dict[str, str]:
    """Return what names the model; what lies in SageMaker's folder the image finds itself."""
    if model == MODEL_FOLDER:
        return {}
    if isinstance(entry.weights, FileWeights):
        return {"SM_LLAMA_CPP_MODEL": model}
    # As publishers call the repository of a model's GGUF files.
    return {"SM_LLAMA_CPP_HF_REPO": f"{model}-GGUF"}


def _cached_tokens(entry: "CatalogEntry") -> int:
    return entry.limits.max_concurrent_requests * entry.limits.max_total_tokens


LLAMA_CPP = LlamaCpp()
