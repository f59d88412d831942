"""The process environment as one validated, frozen value."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import msgspec

from invoke_proxy.prompt_formats import FORMATS

MAX_CHOICES = 8

Name = Annotated[str, msgspec.Meta(min_length=1)]
Count = Annotated[int, msgspec.Meta(gt=0)]
Seconds = Annotated[int, msgspec.Meta(gt=0, le=480)]  # SageMaker ends a stream after that.
TokenizerName = Literal["mistral-v1", "mistrallite", "smollm2"]
ControlTokenPolicy = Literal["escape", "refuse"]
ServerName = Literal["tgi", "vllm", "llama-cpp"]  # One adapter each, in `servers/`.


class Work(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The milliseconds for which an instance works on a request, by the profile that was measured.

    Unverified: that a token of a prompt is a word of the profile, as none says how many tokens its
    words had; compare `prompt_tokens_mean` with `input_words` after the first `make bench`.
    """

    per_request: float  # for each token of its answer
    per_word: float
    per_word_squared: float = 0.0

    def milliseconds(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return what a request with these tokens takes."""
        prefill = self.per_word * prompt_tokens + self.per_word_squared * prompt_tokens**2
        return prefill + self.per_request * completion_tokens


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """The endpoint to invoke, its server, and its model's limits, in TGI's words."""

    endpoint_name: Name
    server: ServerName = "tgi"
    # The server that takes over from it, or that it took over from: requests are in both's words.
    other_server: Literal["tgi", "vllm"] | None = None
    model_id: Name
    model_aliases: str = ""  # Other names for it, with commas between them.
    # JSON: the inference component that answers for each model of the endpoint, which hosts the
    # base `model_id` and its adapters; empty for an endpoint that has one model.
    inference_components: str = ""
    prompt_format: str  # One of `FORMATS`, or `none` for a base model.
    tokenizer: TokenizerName
    max_input_length: Count
    max_total_tokens: Count
    max_concurrent_requests: Count = 128  # TGI's default
    # What to do with control tokens in a message.
    control_tokens: ControlTokenPolicy = "escape"
    playground: bool = False  # Whether to serve `/playground`.
    cors_origins: str = ""  # The origins whose pages may call, with commas between them.
    # How long a client may take to send its request, or to read the last chunk.
    client_timeout_seconds: Seconds = 60
    # Where the Web Adapter tells of a snapshot that Lambda will take, and of a restored one.
    aws_lwa_snapstart_before_checkpoint_path: str = ""
    aws_lwa_snapstart_after_restore_path: str = ""

    # How soon a refused request may find a place; the default is the table's of `http/errors.py`.
    retry_after_seconds: Count | None = None
    work: str = ""  # JSON: a `Work`, for the metric of that name; empty publishes none.

    def __post_init__(self) -> None:
        _ = self.work_of_request
        if self.prompt_format not in {"none", *FORMATS}:
            raise ValueError(
                f"PROMPT_FORMAT must be none or one of {', '.join(FORMATS)}, "
                f"got {self.prompt_format!r}"
            )
        if self.max_input_length >= self.max_total_tokens:
            raise ValueError(
                f"MAX_INPUT_LENGTH must be below MAX_TOTAL_TOKENS ({self.max_total_tokens}), "
                f"got {self.max_input_length}"
            )
        if self.components and self.model_id not in self.components:
            raise ValueError(
                f"INFERENCE_COMPONENTS must have the base {self.model_id}, "
                f"got {', '.join(self.components)}"
            )

    @property
    def components(self) -> dict[str, str]:
        """The component of each model, by the name that clients give."""
        if not self.inference_components:
            return {}
        try:
            return msgspec.json.decode(self.inference_components, type=dict[Name, Name])
        except msgspec.DecodeError as error:
            raise ValueError(
                f"INFERENCE_COMPONENTS must be a JSON object of names, got {error}"
            ) from None

    @property
    def work_of_request(self) -> Work | None:
        """What a request is to an instance; None where nothing is published of it."""
        if not self.work:
            return None
        try:
            return msgspec.json.decode(self.work, type=Work)
        except msgspec.DecodeError as error:
            raise ValueError(f"WORK must be JSON of a Work, got {error}") from None

    @property
    def models(self) -> tuple[str, ...]:
        """The names of what is served: the base first, then its adapters."""
        return (self.model_id, *(name for name in self.components if name != self.model_id))

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names by which clients may call `model_id`."""
        return _listed(self.model_aliases)

    @property
    def max_choices(self) -> int:
        """The sequences of one request: no more than one instance admits at once."""
        return min(MAX_CHOICES, self.max_concurrent_requests)

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins whose pages may call."""
        return _listed(self.cors_origins)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables; raise ValueError that names a missing or wrong one."""
        try:
            return msgspec.convert(dict(environment), cls, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(f"check the proxy's environment: {error}") from None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))
