"""The sources of a model's weights: a container in network isolation downloads nothing itself."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from allowed_values.rules import Pattern, Range

from .checked import Checked

# Without the slash at its end, a sibling such as `v1.0.0-beta/` would match the prefix too; a
# wildcard would match others in a policy. With its bucket it has SageMaker's 1,024 characters.
_KEY_PREFIX = Pattern(
    r"(?=.{1,900}$)([A-Za-z0-9][A-Za-z0-9._-]*/)+",
    "like 'folder/weights/v1/', of letters, digits and ._- between slashes",
)
# As the hub names them.
_NAME = r"[A-Za-z0-9_]([A-Za-z0-9_]|[.-](?![.-])){0,94}(?<![.-])"
_REPOSITORY = Pattern(
    rf"(?=.{{3,96}}$){_NAME}/{_NAME}", "like 'owner/name', of letters, digits and single - _ ."
)
_REVISION = Pattern(r"([0-9a-f]{40})?", "a commit of 40 hex digits, or empty until one is chosen")

_FILE = Pattern(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.gguf",
    "a file's name that ends in .gguf, of letters, digits and ._-",
)

MODEL_FOLDER = "/opt/ml/model"  # where SageMaker puts what it fetches from S3
_DOWNLOAD_SECONDS = 1200  # 14.5 GB come from S3 within a few minutes


@dataclass(frozen=True, kw_only=True)
class JumpStartWeights(Checked):
    """Weights in the bucket that AWS keeps in each region: loading them needs no token.

    Unverified: that the prefix has safetensors, which vLLM reads best, and tokenizer.model, which a
    tuned model for llama.cpp is written with: list it.
    """

    key_prefix: Annotated[str, _KEY_PREFIX]

    # SageMaker puts the files under this path before it starts the container.
    hf_model_id: ClassVar[str] = MODEL_FOLDER
    download_timeout_seconds: ClassVar[int | None] = _DOWNLOAD_SECONDS

    @staticmethod
    def bucket_name(region: str) -> str:
        """Return JumpStart's bucket in a region, which may be a CDK token."""
        return f"jumpstart-cache-prod-{region}"


@dataclass(frozen=True, kw_only=True)
class StagedWeights(Checked):
    """Weights of the Hugging Face hub that an operator has copied into a bucket of the account.

    `revision` is a commit of the hub's repository, in full: a branch may change its content. It is
    empty until an operator chooses one; until then no endpoint can be created.
    """

    repository: Annotated[str, _REPOSITORY]
    revision: Annotated[str, _REVISION] = ""

    hf_model_id: ClassVar[str] = MODEL_FOLDER
    download_timeout_seconds: ClassVar[int | None] = _DOWNLOAD_SECONDS


@dataclass(frozen=True, kw_only=True)
class StagedGguf(Checked):
    """One GGUF file of the Hugging Face hub that an operator has copied into a bucket.

    Its size decides what memory an instance must have, and the copy is compared with it.
    """

    repository: Annotated[str, _REPOSITORY]
    file: Annotated[str, _FILE]
    file_bytes: Annotated[int, Range(at_least=1, at_most=10**12)]
    revision: Annotated[str, _REVISION] = ""

    hf_model_id: ClassVar[str] = MODEL_FOLDER
    download_timeout_seconds: ClassVar[int | None] = _DOWNLOAD_SECONDS


@dataclass(frozen=True, kw_only=True)
class PackagedWeights(Checked):
    """Weights inside the container, as in the embedded AWS; AWS's images contain none."""

    hf_model_id: Annotated[str, _REPOSITORY]

    download_timeout_seconds: ClassVar[int | None] = None


@dataclass(frozen=True, kw_only=True)
class FileWeights(Checked):
    """A GGUF file on this machine, which a container of the embedded AWS opens in its place."""

    path: Annotated[str, Pattern(r"/.{1,1000}\.gguf", "an absolute path that ends in .gguf")]

    download_timeout_seconds: ClassVar[int | None] = None

    @property
    def hf_model_id(self) -> str:
        """What the container serves."""
        return self.path


# What an operator brings into a bucket of the account.
Staged = StagedWeights | StagedGguf
# Quantized, and for llama.cpp only: no training starts from one.
Gguf = StagedGguf | FileWeights
Weights = JumpStartWeights | Staged | PackagedWeights | FileWeights
