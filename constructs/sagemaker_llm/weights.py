"""Where a model's weights come from, and what that asks of the container that loads them."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class JumpStartWeights:
    """Weights that AWS keeps in a bucket in each region: no token and no network to load them."""

    key_prefix: str

    # SageMaker puts the files under this path before it starts the container.
    hf_model_id: ClassVar[str] = "/opt/ml/model"
    network_isolation: ClassVar[bool] = True
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
class HubWeights:
    """Weights that the container fetches from the Hugging Face hub as it starts."""

    repository: str

    network_isolation: ClassVar[bool] = False
    # Nothing comes from S3; the download is part of the start instead.
    download_timeout_seconds: ClassVar[int | None] = None
    startup_timeout_seconds: ClassVar[int] = 900

    def __post_init__(self) -> None:
        owner, _, name = self.repository.partition("/")
        if not owner or not name or "/" in name:
            raise ValueError(f"repository must be like 'owner/name', got {self.repository!r}")

    @property
    def hf_model_id(self) -> str:
        """What TGI is told to load."""
        return self.repository


Weights = JumpStartWeights | HubWeights
