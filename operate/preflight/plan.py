"""What a deployment needs of its account, as plain data: all rows are asked from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class ImageNeed(NamedTuple):
    """An image in a registry of AWS's; pinned ones are named by their digest."""

    use: str
    registry: str
    repository: str
    tag: str
    digest: str | None


class WeightsNeed(NamedTuple):
    """A prefix of a bucket that holds a model's weights."""

    bucket: str
    prefix: str


class ArchiveNeed(NamedTuple):
    """The archive of a LoRA adapter, which somebody has put into a bucket of the account."""

    adapter: str
    bucket: str
    key: str


@dataclass(frozen=True, kw_only=True)
class QuotaNeed:
    """How much of one quota each environment of the account and region takes.

    Unverified: the names of the quotas, which the console of Service Quotas shows; a wrong one is
    a row that fails with "no quota of this name".
    """

    name: str
    by: Mapping[str, int]
    service: str = "sagemaker"

    @property
    def total(self) -> int:
        """What all environments take together."""
        return sum(self.by.values())


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The instances that serve, which cost by the hour."""

    instance_type: str
    smallest: int
    largest: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One environment, at the account and region of the caller."""

    stage: str
    # As accounts.toml or the shell says it, and as it is.
    configured: tuple[str | None, str | None]
    account: str
    region: str
    # The embedded AWS needs no image, no layer and no instance: it runs programs of its own.
    images: tuple[ImageNeed, ...]
    layer_arn: str | None
    weights: WeightsNeed | None  # None for weights in the container
    archives: tuple[ArchiveNeed, ...]
    tuned_from: WeightsNeed | None  # where fine-tuning starts from other weights
    staged: bool  # the weights' bucket is a stack's, which `make stage-weights` fills
    instance_types: tuple[str, ...]
    quotas: tuple[QuotaNeed, ...]
    reserved_executions: Mapping[str, int]  # of Lambda's concurrency, by environment
    fleet: Fleet
    stacks: tuple[str, ...]
    pipeline: str | None  # None: the environment fine-tunes nothing
