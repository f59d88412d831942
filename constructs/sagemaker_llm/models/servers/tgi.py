"""Hugging Face's Text Generation Inference 1.1.0, in the image that JumpStart uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar

from allowed_values.rules import Choice, Range, RefusedValueError
from sagemaker_llm.models.images import Image
from sagemaker_llm.models.instances import InstanceType
from sagemaker_llm.models.weights import JumpStartWeights, PackagedWeights, StagedWeights, Weights

from .server import GpuNeeds, Server
from .setting import COUNT, FLAG, SECONDS, SHARE, SWITCH, TEXT, Setting, one_of

if TYPE_CHECKING:
    from sagemaker_llm.models.catalog import CatalogEntry

# Its licence is HFOIL 1.0, not a free one: it forbids selling a hosted service whose product is TGI
# itself; serving one's own application does not. It is of autumn 2023, and TGI is in maintenance
# mode: no fix reaches this image any more, neither of its own faults nor of its Ubuntu's and
# PyTorch's known ones. It takes requests from SageMaker only, and is isolated from the network
# where its weights come from S3.
TGI_IMAGE = Image(
    repository="huggingface-pytorch-tgi-inference",
    tag="2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04",
)

# By default TGI logs each request's parameters, and among them its stop sequences, which are the
# client's text; prompts only at `debug`. Here the router logs warnings and errors, without them.
# Unverified: look for a stop sequence in the endpoint's log group.
_LOG_LEVEL = "info,text_generation_router::server=warn"

# Of TGI 1.1.0, which has paged attention v1 only: it keeps a float for each token of the context in
# 48 KiB of the GPU's shared memory.
_MAX_TOKENS_OF_TGI_1_1_0 = 12_288

_BatchTokens = Annotated[int, Range(at_least=1, at_most=2**32 - 1)]  # TGI's type

_PRECISIONS = ("DTYPE", "QUANTIZE", "HF_MODEL_QUANTIZE")
_QUANTIZE = one_of("awq", "bitsandbytes", "bitsandbytes-fp4", "bitsandbytes-nf4", "eetq", "gptq")

# What TGI 1.1.0's launcher and server, SageMaker's entry point in its image, and JumpStart's
# specification read beside the fields (its source at v1.1.0). Left out is what needs a network,
# which the container has not, and the limits of single requests, which are the API's too.
_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "CUDA_MEMORY_FRACTION": SHARE,
        "DISABLE_CUSTOM_KERNELS": FLAG,
        "DTYPE": one_of("bfloat16", "float16"),
        "ENDPOINT_SERVER_TIMEOUT": SECONDS,
        "HF_HUB_OFFLINE": SWITCH,
        "HF_MODEL_QUANTIZE": _QUANTIZE,
        "HF_MODEL_TRUST_REMOTE_CODE": FLAG,
        "HF_TASK": one_of("text-generation"),
        "JSON_OUTPUT": FLAG,
        "MAX_WAITING_TOKENS": COUNT,
        "MODEL_CACHE_ROOT": TEXT,
        "PYTORCH_CUDA_ALLOC_CONF": TEXT,
        "QUANTIZE": _QUANTIZE,
        "ROPE_FACTOR": (float, (Range(at_least=1, at_most=64),)),
        "ROPE_SCALING": one_of("dynamic", "linear"),
        "RUST_BACKTRACE": one_of("0", "1", "full"),
        "SAGEMAKER_CONTAINER_LOG_LEVEL": one_of(10, 20, 30, 40, 50),
        "SAGEMAKER_ENV": SWITCH,
        "SAGEMAKER_MODEL_SERVER_TIMEOUT": SECONDS,
        "SAGEMAKER_MODEL_SERVER_WORKERS": COUNT,
        "SAGEMAKER_PROGRAM": TEXT,
        "TRANSFORMERS_OFFLINE": SWITCH,
        "TRUST_REMOTE_CODE": FLAG,
        "USE_FLASH_ATTENTION": FLAG,
        "VALIDATION_WORKERS": (int, (Range(at_least=1, at_most=128),)),
        "WAITING_SERVED_RATIO": (float, (Range(above=0, at_most=100),)),
        "WATERMARK_DELTA": (float, (Range(at_least=0, at_most=100),)),
        "WATERMARK_GAMMA": (float, (Range(above=0, below=1),)),
    }
)


@dataclass(frozen=True, kw_only=True)
class Tgi(Server):
    """TGI 1.1.0 on GPUs, with the limits of its batches."""

    # TGI gives each GPU the same number of attention heads: Mistral has 32, in 8 groups.
    num_gpus: Annotated[int, Choice((1, 2, 4, 8))] = 1
    # It serves Mistral's architecture with flash attention 2 only: elsewhere it never starts.
    needs_flash_attention_2: bool = True
    # None: the longest prompt, which is the least that TGI starts with.
    max_batch_prefill_tokens: _BatchTokens | None = None
    max_batch_total_tokens: _BatchTokens | None = None

    name: ClassVar[str] = "tgi"
    title: ClassVar[str] = "TGI 1.1.0"
    reads: ClassVar[tuple[type[Weights], ...]] = (JumpStartWeights, StagedWeights, PackagedWeights)
    startup_timeout_seconds: ClassVar[int] = 600
    refuses_overload: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Setting]] = _SETTINGS
    owned: ClassVar[frozenset[str]] = frozenset(
        {
            *("HF_MODEL_ID", "LOG_LEVEL", "MODEL_ID", "NUM_SHARD", "SHARDED", "SM_NUM_GPUS"),
            *("MAX_INPUT_LENGTH", "MAX_TOTAL_TOKENS", "MAX_CONCURRENT_REQUESTS"),
            *("MAX_BATCH_PREFILL_TOKENS", "MAX_BATCH_TOTAL_TOKENS"),
        }
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.container_settings
        if ("ROPE_SCALING" in given) != ("ROPE_FACTOR" in given):
            raise RefusedValueError(
                "ROPE_SCALING and ROPE_FACTOR of container_settings must be given together,"
                f" got {', '.join(sorted(given))}"
            )
        # TGI refuses a type beside a quantization; of two quantizations its image forgets one.
        if len(both := [name for name in _PRECISIONS if name in given]) > 1:
            raise RefusedValueError(
                f"container_settings must have one of {', '.join(_PRECISIONS)} at most, got"
                f" {', '.join(both)}"
            )
        if self.needs_flash_attention_2 and given.get("USE_FLASH_ATTENTION") == "false":
            raise RefusedValueError(
                "USE_FLASH_ATTENTION of container_settings must be left out where"
                " needs_flash_attention_2 is True, got 'false'"
            )

    def image_for(self, instance_type: str) -> Image:  # noqa: ARG002 - one image for all
        """Return the image."""
        return TGI_IMAGE

    def environment(self, entry: "CatalogEntry", model: str) -> dict[str, str]:
        """Return the container's whole environment."""
        limits = entry.limits
        variables = {
            "HF_MODEL_ID": model,
            "SM_NUM_GPUS": str(self.num_gpus),
            "LOG_LEVEL": _LOG_LEVEL,
            "MAX_INPUT_LENGTH": str(limits.max_input_length),
            "MAX_TOTAL_TOKENS": str(limits.max_total_tokens),
            "MAX_BATCH_PREFILL_TOKENS": str(self._prefill(entry)),
            "MAX_CONCURRENT_REQUESTS": str(limits.max_concurrent_requests),
        }
        if self.max_batch_total_tokens is not None:
            variables["MAX_BATCH_TOTAL_TOKENS"] = str(self.max_batch_total_tokens)
        return {**variables, **self.container_settings}

    def check_entry(self, entry: "CatalogEntry") -> None:
        """Raise ValueError for limits that TGI does not start with."""
        super().check_entry(entry)
        limits, prefill = entry.limits, self._prefill(entry)
        if prefill < limits.max_input_length:
            raise RefusedValueError(
                "max_batch_prefill_tokens must be at least max_input_length"
                f" {limits.max_input_length}, got {prefill}"
            )
        largest = max(limits.max_total_tokens, prefill)
        if self.max_batch_total_tokens is not None and self.max_batch_total_tokens < largest:
            raise RefusedValueError(
                "max_batch_total_tokens must be at least max_total_tokens and"
                f" max_batch_prefill_tokens, so {largest}, got {self.max_batch_total_tokens}"
            )

    def check_image(self, entry: "CatalogEntry", image: Image, instance_type: str) -> None:
        """Raise ValueError for limits that the server in an image cannot keep."""
        super().check_image(entry, image, instance_type)
        longest = entry.limits.max_total_tokens
        is_tgi_1_1_0 = (image.repository, image.tag) == (TGI_IMAGE.repository, TGI_IMAGE.tag)
        if is_tgi_1_1_0 and self.needs_flash_attention_2 and longest > _MAX_TOKENS_OF_TGI_1_1_0:
            raise RefusedValueError(
                f"max_total_tokens of {entry.model_id} must be at most {_MAX_TOKENS_OF_TGI_1_1_0}"
                f" with TGI 1.1.0, whose attention kernel has no room for more, got {longest}"
            )

    def check_instance(self, entry: "CatalogEntry", instance: InstanceType) -> None:
        """Raise ValueError for too few GPUs, or for ones without flash attention 2."""
        capability = (8, 0) if self.needs_flash_attention_2 else (0, 0)
        GpuNeeds(self.num_gpus, capability, "needs flash attention 2").check(
            instance, entry.model_id
        )

    def _prefill(self, entry: "CatalogEntry") -> int:
        given = self.max_batch_prefill_tokens
        return entry.limits.max_input_length if given is None else given


TGI = Tgi()
