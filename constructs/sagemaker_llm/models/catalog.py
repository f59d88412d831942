"""The models that can be served: weights, limits, prompt format and container settings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated

from allowed_values.rules import Range, RefusedValueError

from .adapter import MODEL_ID
from .checked import Checked
from .limits import RequestLimits
from .prompts import PromptFormat, Tokenizer
from .servers.server import Server
from .servers.tgi import TGI, Tgi
from .shape import MISTRAL_7B, SMOLLM2_135M, ModelShape
from .weights import (
    MODEL_FOLDER,
    Gguf,
    JumpStartWeights,
    PackagedWeights,
    Staged,
    StagedWeights,
    Weights,
)


@dataclass(frozen=True, kw_only=True)
class CatalogEntry(Checked):
    """One model: all that the container and the proxy must know to serve it.

    A model of one's own is another entry::

        mine = CatalogEntry(
            model_id="mistral-7b-mine",
            weights=StagedWeights(repository="me/mine", revision="0123456789abcdef..."),
            limits=RequestLimits(max_input_length=4096, max_total_tokens=8192),
            prompt_format=PromptFormat.MISTRAL_INSTRUCT,
            tokenizer=Tokenizer.MISTRAL_V1,
        )
    """

    model_id: Annotated[str, MODEL_ID]
    weights: Weights
    limits: RequestLimits
    prompt_format: PromptFormat
    tokenizer: Tokenizer
    # The tokens of the longest context that the model was trained for; None: it is not known.
    window: Annotated[int, Range(at_least=2, at_most=1_048_576)] | None = None
    # Its sizes, which decide the memory that it takes; None: they are not known.
    shape: ModelShape | None = None
    server: Server = TGI
    # What fine-tuning starts from, where that is not what is served; None: the weights.
    tuned_from: Weights | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window is not None and self.limits.max_total_tokens > self.window:
            raise RefusedValueError(
                f"max_total_tokens of {self.model_id} must fit its window of {self.window} tokens,"
                f" got {self.limits.max_total_tokens}"
            )
        self.server.check_entry(self)
        if isinstance(self.tuned_from, Gguf):
            raise RefusedValueError(
                f"tuned_from of {self.model_id} must be safetensors, as JumpStartWeights and"
                " StagedWeights are: a GGUF file is quantized, got"
                f" {type(self.tuned_from).__name__}"
            )

    @property
    def container_environment(self) -> dict[str, str]:
        """The container's whole environment."""
        return self.server.environment(self, self.weights.hf_model_id)

    @property
    def packaged_environment(self) -> dict[str, str]:
        """The environment for tuned weights, which SageMaker puts where it puts all from S3."""
        return self.server.environment(self, MODEL_FOLDER)

    @property
    def package_name(self) -> str:
        """How the name ends of the registry's group: a package runs on its own server only."""
        if self.server.name == TGI.name:
            return self.model_id
        return f"{self.model_id}-{self.server.name}"

    def served_by(
        self,
        server: Server,
        *,
        weights: Weights | None = None,
        window: int | None = None,
        max_concurrent_requests: int | None = None,
    ) -> "CatalogEntry":
        """Return the model on another server, which may read other weights and take longer prompts.

        Where they are a GGUF file, fine-tuning starts from this entry's own weights. The answer to
        the longest prompt keeps its room::

            find_model("mistrallite").served_by(VLLM, window=32_768)
        """
        limits = self.limits if window is None else self.limits.with_window(window)
        if max_concurrent_requests is not None:
            limits = replace(limits, max_concurrent_requests=max_concurrent_requests)
        tuned_from = self.tuned_from
        if isinstance(weights, Gguf) and not isinstance(self.weights, Gguf):
            tuned_from = self.weights
        weights = weights or self.weights
        return replace(self, server=server, weights=weights, limits=limits, tuned_from=tuned_from)

    def admitting(self, max_concurrent_requests: int) -> "CatalogEntry":
        """Return the model with another limit of the requests that an instance admits at once."""
        limits = replace(self.limits, max_concurrent_requests=max_concurrent_requests)
        return replace(self, limits=limits)

    def at_revision(self, revision: str) -> "CatalogEntry":
        """Return the model with its staged weights pinned to a commit of the hub's repository."""
        if not isinstance(self.weights, Staged):
            raise TypeError(f"{self.model_id} has no staged weights, got revision {revision!r}")
        return replace(self, weights=replace(self.weights, revision=revision))


_MISTRAL_WINDOW = 32_768  # `max_position_embeddings` of its configuration

# Mistral's window as JumpStart serves it: one token is left for the answer to the longest prompt.
_MISTRAL_LIMITS = RequestLimits(max_input_length=8191, max_total_tokens=8192)

# What JumpStart sets for Mistral, in versions 1.0.0 to 2.1.0 of its specification.
_AS_JUMPSTART = Tgi(
    container_settings={
        "ENDPOINT_SERVER_TIMEOUT": "3600",
        "MODEL_CACHE_ROOT": "/opt/ml/model",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_ENV": "1",
        "SAGEMAKER_MODEL_SERVER_TIMEOUT": "3600",
        "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        "SAGEMAKER_PROGRAM": "inference.py",
    }
)
_TEXT_GENERATION = MappingProxyType({"HF_TASK": "text-generation"})


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
        shape=MISTRAL_7B,
        server=_AS_JUMPSTART,
    ),
    CatalogEntry(
        model_id="mistral-7b-instruct",
        weights=_jumpstart_weights("huggingface-llm-mistral-7b-instruct"),
        window=_MISTRAL_WINDOW,
        limits=_MISTRAL_LIMITS,
        prompt_format=PromptFormat.MISTRAL_INSTRUCT,
        tokenizer=Tokenizer.MISTRAL_V1,
        shape=MISTRAL_7B,
        server=_AS_JUMPSTART,
    ),
    CatalogEntry(
        model_id="mistrallite",
        weights=StagedWeights(repository="amazon/MistralLite"),
        window=_MISTRAL_WINDOW,
        # The vendor has two sets of figures: its model card serves 16,384 tokens, 16,000 of them
        # input, its SageMaker notebook for this very container 12,288 and 12,000. The notebook's
        # are right: more does not fit TGI 1.1.0.
        limits=RequestLimits(max_input_length=12000, max_total_tokens=12288),
        prompt_format=PromptFormat.MISTRALLITE,
        tokenizer=Tokenizer.MISTRALLITE,
        shape=MISTRAL_7B,  # its vocabulary has three tokens more
        server=Tgi(
            max_batch_prefill_tokens=12288,
            max_batch_total_tokens=12288,
            container_settings=_TEXT_GENERATION,
        ),
    ),
    CatalogEntry(
        model_id="smollm2-135m-instruct",
        weights=PackagedWeights(hf_model_id="HuggingFaceTB/SmolLM2-135M-Instruct"),
        window=8192,
        # A laptop's CPU reads 100 to 300 prompt tokens a second, so prompts are kept short.
        limits=RequestLimits(max_input_length=1024, max_total_tokens=2048),
        prompt_format=PromptFormat.CHATML,
        tokenizer=Tokenizer.SMOLLM2,
        shape=SMOLLM2_135M,
        server=Tgi(
            needs_flash_attention_2=False,
            max_batch_prefill_tokens=2048,
            container_settings=_TEXT_GENERATION,
        ),
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
