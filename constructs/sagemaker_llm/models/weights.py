"""The sources of a model's weights: a container in network isolation downloads nothing itself."""

import re
from dataclasses import dataclass
from typing import ClassVar

_MODEL_FOLDER = "/opt/ml/model"  # where SageMaker puts what it fetches from S3


@dataclass(frozen=True, kw_only=True)
class JumpStartWeights:
    """Weights in the bucket that AWS keeps in each region: loading them needs no token."""

    key_prefix: str

    # SageMaker puts the files under this path before it starts the container.
    hf_model_id: ClassVar[str] = _MODEL_FOLDER
    # 14.5 GB come from S3 within a few minutes, and loading them to the GPU takes less.
    download_timeout_seconds: ClassVar[int | None] = 1200
    startup_timeout_seconds: ClassVar[int] = 600

    def __post_init__(self) -> None:
        # Without the slash, a sibling such as `v1.0.0-beta/` would match the prefix too.
        if self.key_prefix.startswith("/") or not self.key_prefix.endswith("/"):
            raise ValueError(
                f"key_prefix must be like 'folder/weights/v1/', got {self.key_prefix!r}"
            )

    @staticmethod
    def bucket_name(region: str) -> str:
        """Return JumpStart's bucket in a region, which may be a CDK token."""
        return f"jumpstart-cache-prod-{region}"


@dataclass(frozen=True, kw_only=True)
class StagedWeights:
    """Weights of the Hugging Face hub that an operator has copied into a bucket of the account.

    `revision` is a commit of the hub's repository, in full: a branch may change its content. It is
    empty until an operator chooses one; until then no endpoint can be created.
    """

    repository: str
    revision: str = ""

    hf_model_id: ClassVar[str] = _MODEL_FOLDER
    download_timeout_seconds: ClassVar[int | None] = 1200
    startup_timeout_seconds: ClassVar[int] = 600

    def __post_init__(self) -> None:
        owner, _, name = self.repository.partition("/")
        if not owner or not name or "/" in name:
            raise ValueError(f"repository must be like 'owner/name', got {self.repository!r}")
        if self.revision and not re.fullmatch(r"[0-9a-f]{40}", self.revision):
            raise ValueError(f"revision must be a commit of 40 hex digits, got {self.revision!r}")


@dataclass(frozen=True, kw_only=True)
class PackagedWeights:
    """Weights inside the container, as in the embedded AWS; AWS's images contain none."""

    hf_model_id: str

    download_timeout_seconds: ClassVar[int | None] = None
    startup_timeout_seconds: ClassVar[int] = 600


Weights = JumpStartWeights | StagedWeights | PackagedWeights
