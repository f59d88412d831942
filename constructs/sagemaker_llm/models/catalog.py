"""The models that can be served: weights, limits, prompt format and container settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated

from allowed_values.rules import Choice, Pattern, Range, RefusedValueError

from .checked import Checked
from .container_settings import check_container_settings
from .images import TGI, Image
from .instances import gpu_count, supports_flash_attention_2
from .limits import TgiLimits
from .prompts import PromptFormat, Tokenizer
from .weights import JumpStartWeights, PackagedWeights, StagedWeights, Weights

# By default TGI logs each request's parameters, and among them its stop sequences, which are the
# client's text; prompts only at `debug`. Here the router logs warnings and errors, without them.
# Unverified: look for a stop sequence in the endpoint's log group.
_LOG_LEVEL = "info,text_generation_router::server=warn"


# It ends the name of the registry's group, which has 63 characters in all.
_MODEL_ID = Pattern(
    r"[a-z0-9](-?[a-z0-9]){0,29}",
    "at most 30 lower-case letters and digits, with single hyphens between them",
)

# Of TGI 1.1.0, which has paged attention v1 only: it keeps a float for each token of the context in
# 48 KiB of the GPU's shared memory.
_MAX_TOKENS_OF_TGI_1_1_0 = 12_288


# The variables that an entry's fields become, and what the image makes of them.
_OWNED = frozenset(
    {
        *("HF_MODEL_ID", "LOG_LEVEL", "MODEL_ID", "NUM_SHARD", "SM_NUM_GPUS"),
        *("MAX_INPUT_LENGTH", "MAX_TOTAL_TOKENS", "MAX_CONCURRENT_REQUESTS"),
        *("MAX_BATCH_PREFILL_TOKENS", "MAX_BATCH_TOTAL_TOKENS"),
    }
)


@dataclass(frozen=True, kw_only=True)
class CatalogEntry(Checked):
    """One model: all that the container and the proxy must know to serve it.

    A model of one's own is another entry::

        mine = CatalogEntry(
            model_id="mistral-7b-mine",
            weights=StagedWeights(repository="me/mine", revision="0123456789abcdef..."),
            limits=TgiLimits(
                max_input_length=4096, max_total_tokens=8192, max_batch_prefill_tokens=4096
            ),
            prompt_format=PromptFormat.MISTRAL_INSTRUCT,
            tokenizer=Tokenizer.MISTRAL_V1,
        )
    """

    model_id: Annotated[str, _MODEL_ID]
    weights: Weights
    limits: TgiLimits
    prompt_format: PromptFormat
    tokenizer: Tokenizer
    # The tokens of the longest context that the model was trained for; None: it is not known.
    window: Annotated[int, Range(at_least=2, at_most=1_048_576)] | None = None
    # TGI gives each GPU as many attention heads: Mistral has 32, in 8 groups.
    num_gpus: Annotated[int, Choice((1, 2, 4, 8))] = 1
    # TGI 1.1 serves Mistral's architecture with flash attention 2 only: elsewhere it never starts.
    needs_flash_attention_2: bool = True
    # What else the server reads, as `models/container_settings.py` lists it.
    container_settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if twice := sorted(_OWNED & self.container_settings.keys()):
            raise RefusedValueError(
                f"container_settings must leave {', '.join(twice)} to the entry's own fields,"
                f" got {self.model_id!r} with both"
            )
        check_container_settings(self.container_settings)
        if self.window is not None and self.limits.max_total_tokens > self.window:
            raise RefusedValueError(
                f"max_total_tokens of {self.model_id} must fit its window of {self.window} tokens,"
                f" got {self.limits.max_total_tokens}"
            )

    @property
    def container_environment(self) -> dict[str, str]:
        """The container's whole environment."""
        return {
            "HF_MODEL_ID": self.weights.hf_model_id,
            "SM_NUM_GPUS": str(self.num_gpus),
            "LOG_LEVEL": _LOG_LEVEL,
            **self.limits.environment,
            **self.container_settings,
        }

    @property
    def packaged_environment(self) -> dict[str, str]:
        """The environment for tuned weights, which SageMaker mounts where it mounts JumpStart's."""
        return {**self.container_environment, "HF_MODEL_ID": JumpStartWeights.hf_model_id}

    def check_instance_type(self, instance_type: str) -> None:
        """Raise ValueError for an instance type that cannot serve the model."""
        if self.num_gpus > gpu_count(instance_type):
            raise RefusedValueError(
                f"instance_type must have the {self.num_gpus} GPUs that {self.model_id} is split"
                f" over, got {instance_type!r}"
            )
        if self.needs_flash_attention_2 and not supports_flash_attention_2(instance_type):
            raise RefusedValueError(
                "instance_type must have a GPU of compute capability 8.0 or more, such as g5's:"
                f" {self.model_id} needs flash attention 2, got {instance_type!r}"
            )

    def check_image(self, image: Image) -> None:
        """Raise ValueError for limits that the server in an image cannot keep."""
        longest = self.limits.max_total_tokens
        is_tgi_1_1_0 = (image.repository, image.tag) == (TGI.repository, TGI.tag)
        if is_tgi_1_1_0 and self.needs_flash_attention_2 and longest > _MAX_TOKENS_OF_TGI_1_1_0:
            raise RefusedValueError(
                f"max_total_tokens of {self.model_id} must be at most {_MAX_TOKENS_OF_TGI_1_1_0}"
                f" with TGI 1.1.0, whose attention kernel has no room for more, got {longest}"
            )

    def at_revision(self, revision: str) -> "CatalogEntry":
        """Return the model with its staged weights pinned to a commit of the hub's repository."""
        if not isinstance(self.weights, StagedWeights):
            raise TypeError(f"{self.model_id} has no staged weights, got revision {revision!r}")
        return replace(self, weights=replace(self.weights, revision=revision))


_MISTRAL_WINDOW = 32_768  # `max_position_embeddings` of its configuration

# Mistral's window as JumpStart serves it: one token is left for the answer to the longest prompt.
_MISTRAL_LIMITS = TgiLimits(
    max_input_length=8191, max_total_tokens=8192, max_batch_prefill_tokens=8191
)

# What JumpStart sets for Mistral, in versions 1.0.0 to 2.1.0 of its specification.
_JUMPSTART_SETTINGS = MappingProxyType(
    {
        "ENDPOINT_SERVER_TIMEOUT": "3600",
        "MODEL_CACHE_ROOT": "/opt/ml/model",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_ENV": "1",
        "SAGEMAKER_MODEL_SERVER_TIMEOUT": "3600",
        "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        "SAGEMAKER_PROGRAM": "inference.py",
    }
)


def _jumpstart_weights(name: str) -> JumpStartWeights:
    return JumpStartWeights(
        key_prefix=f"huggingface-llm/{name}/artifacts/inference-prepack/v1.0.0/"
    )


_ENTRIES = (
    CatalogEntry(
        model_id="mistral-7b",
        weights=_jumpstart_weights("huggingface-llm-mistral-7b"),
        window=_MISTRAL_WINDOW,
        limits=_MISTRAL_LIMITS,
        prompt_format=PromptFormat.NONE,
        tokenizer=Tokenizer.MISTRAL_V1,
        container_settings=_JUMPSTART_SETTINGS,
    ),
    CatalogEntry(
        model_id="mistral-7b-instruct",
        weights=_jumpstart_weights("huggingface-llm-mistral-7b-instruct"),
        window=_MISTRAL_WINDOW,
        limits=_MISTRAL_LIMITS,
        prompt_format=PromptFormat.MISTRAL_INSTRUCT,
        tokenizer=Tokenizer.MISTRAL_V1,
        container_settings=_JUMPSTART_SETTINGS,
    ),
    CatalogEntry(
        model_id="mistrallite",
        weights=StagedWeights(repository="amazon/MistralLite"),
        window=_MISTRAL_WINDOW,
        # The vendor has two sets of figures: its model card serves 16,384 tokens, 16,000 of them
        # input, its SageMaker notebook for this very container 12,288 and 12,000. The notebook's
        # are right: more does not fit TGI 1.1.0.
        limits=TgiLimits(
            max_input_length=12000,
            max_total_tokens=12288,
            max_batch_prefill_tokens=12288,
            max_batch_total_tokens=12288,
        ),
        prompt_format=PromptFormat.MISTRALLITE,
        tokenizer=Tokenizer.MISTRALLITE,
        container_settings={"HF_TASK": "text-generation"},
    ),
    CatalogEntry(
        model_id="smollm2-135m-instruct",
        weights=PackagedWeights(hf_model_id="HuggingFaceTB/SmolLM2-135M-Instruct"),
        window=8192,
        # A laptop's CPU reads 100 to 300 prompt tokens a second, so prompts are kept short.
        limits=TgiLimits(
            max_input_length=1024, max_total_tokens=2048, max_batch_prefill_tokens=2048
        ),
        prompt_format=PromptFormat.CHATML,
        tokenizer=Tokenizer.SMOLLM2,
        needs_flash_attention_2=False,
        container_settings={"HF_TASK": "text-generation"},
    ),
)

CATALOG: Mapping[str, CatalogEntry] = MappingProxyType(
    {entry.model_id: entry for entry in _ENTRIES}
)


def find_model(model_id: str) -> CatalogEntry:
    """Return a model's entry, raising ValueError for an unknown id."""
    if model_id not in CATALOG:
        raise RefusedValueError(f"model_id must be one of {', '.join(CATALOG)}, got {model_id!r}")
    return CATALOG[model_id]
