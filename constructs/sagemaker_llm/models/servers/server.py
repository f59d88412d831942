"""What every server has: its image, its settings, and what it can be asked to run."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from allowed_values.rules import RefusedValueError, check, read_text
from sagemaker_llm.models.adapter import Adapter
from sagemaker_llm.models.checked import Checked
from sagemaker_llm.models.images import Image
from sagemaker_llm.models.instances import InstanceType, find_instance
from sagemaker_llm.models.weights import Weights

from .setting import Setting

if TYPE_CHECKING:
    from sagemaker_llm.models.catalog import CatalogEntry

# The proxy is told of all, in one variable: Lambda takes 4 KB of them.
_MAX_ADAPTERS = 16


@dataclass(frozen=True, kw_only=True)
class Server(Checked, ABC):
    """A program that serves a model: what runs in the container, and how it is told what to do.

    A server of its own is one more file here, and one more in the proxy, which speaks to it.
    """

    # Further variables that the server reads, of those in `settings`.
    container_settings: Mapping[str, str] = field(default_factory=dict)
    # LoRA adapters that are served beside the model: a request's `model` chooses.
    adapters: tuple[Adapter, ...] = ()

    # The proxy chooses how to speak by it.
    name: ClassVar[str]
    # As errors call it.
    title: ClassVar[str]
    # The kinds of weights that it reads.
    reads: ClassVar[tuple[type[Weights], ...]]
    # Until the container answers: the weights are on the instance by then.
    startup_timeout_seconds: ClassVar[int]
    # The machine image whose driver the container needs; None: SageMaker's default for the type.
    inference_ami_version: ClassVar[str | None] = None
    # Whether it refuses at once what exceeds `max_concurrent_requests`; if not, that waits in it.
    refuses_overload: ClassVar[bool] = False
    # Whether it loads adapters while it runs.
    takes_adapters: ClassVar[bool] = False
    # The variables that container_settings may give, and those that the fields of an entry become.
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType({})
    owned: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_adapters()
        if twice := sorted(self.owned & self.container_settings.keys()):
            raise RefusedValueError(
                f"container_settings must leave {', '.join(twice)} to the entry's own fields, got"
                f" {sorted(self.container_settings)}"
            )
        for name, text in self.container_settings.items():
            if name not in self.settings:
                raise RefusedValueError(
                    f"container_settings must be of {', '.join(self.settings)}, got {name!r},"
                    f" which {self.title} does not read or whose default the API needs"
                )
            kind, rules = self.settings[name]
            label = f"{name} of container_settings"
            check(label, read_text(label, text, kind), kind, rules)

    @property
    def weights_format(self) -> str:
        """How fine-tuning writes a model for it: one of the training job's `weights_format`."""
        return "safetensors"

    @abstractmethod
    def image_for(self, instance_type: str) -> Image:
        """Return the image that runs on an instance type."""

    @abstractmethod
    def environment(self, entry: "CatalogEntry", model: str) -> dict[str, str]:
        """Return the container's whole environment for weights that lie, or are named, `model`."""

    @abstractmethod
    def check_instance(self, entry: "CatalogEntry", instance: InstanceType) -> None:
        """Raise ValueError for an instance type that cannot run the model with this server."""

    def check_tuned(self, entry: "CatalogEntry", instance_type: str) -> None:
        """Raise ValueError for an instance type that cannot serve a tuned model."""

    def check_entry(self, entry: "CatalogEntry") -> None:
        """Raise ValueError for a model that the server cannot run anywhere."""
        if not isinstance(entry.weights, self.reads):
            raise RefusedValueError(
                f"weights of {entry.model_id} must be {_words(self.reads)}, which {self.title}"
                f" reads, got {type(entry.weights).__name__}"
            )
        if entry.model_id in (adapter.name for adapter in self.adapters):
            raise RefusedValueError(
                f"adapters must have other names than their base, got {entry.model_id!r}"
            )

    def _check_adapters(self) -> None:
        names = [adapter.name for adapter in self.adapters]
        if names and not self.takes_adapters:
            raise RefusedValueError(f"adapters must be left out with {self.title}, got {names}")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise RefusedValueError(f"adapters must have names of their own, got {twice} twice")
        if len(names) > _MAX_ADAPTERS:
            raise RefusedValueError(
                f"adapters must be at most {_MAX_ADAPTERS} of one endpoint, got {len(names)}"
            )

    def check_image(self, entry: "CatalogEntry", image: Image, instance_type: str) -> None:  # noqa: ARG002 - of some servers
        """Raise ValueError for an image that does not run this server, or not this model."""
        repository = self.image_for(instance_type).repository
        if image.repository != repository:
            raise RefusedValueError(
                f"image must be {repository} for {instance_type}, which runs {self.title}, got"
                f" {image.repository}"
            )

    def check_instance_type(self, entry: "CatalogEntry", instance_type: str) -> None:
        """Raise ValueError for an instance type that cannot serve the model."""
        self.check_instance(entry, find_instance(instance_type))


def _words(kinds: tuple[type, ...]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)


@dataclass(frozen=True)
class GpuNeeds:
    """What a server on GPUs needs of an instance type."""

    num_gpus: int
    compute_capability: tuple[int, int]
    reason: str

    def check(self, instance: InstanceType, model_id: str) -> None:
        """Raise ValueError for an instance type that has too few GPUs, or too old ones."""
        if not instance.gpus:
            raise RefusedValueError(
                f"instance_type must have a GPU, such as ml.g5.2xlarge, for the server of"
                f" {model_id}, got {instance.name!r}: llama.cpp runs without one"
            )
        if self.num_gpus > instance.gpus:
            raise RefusedValueError(
                f"instance_type must have the {self.num_gpus} GPUs that {model_id} is split over,"
                f" got {instance.name!r}"
            )
        if instance.compute_capability < self.compute_capability:
            major, minor = self.compute_capability
            raise RefusedValueError(
                f"instance_type must have a GPU of compute capability {major}.{minor} or more, such"
                f" as g5's: {model_id} {self.reason}, got {instance.name!r}"
            )
