"""The instance types that can serve a model, with GPUs or without."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from allowed_values.instances import FAMILIES

_GIB = 2**30


class Processor(StrEnum):
    """The instruction set of an instance's processors, which its images are built for."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


@dataclass(frozen=True, kw_only=True)
class InstanceType:
    """One type of instance: what a model finds on it."""

    name: str
    processor: Processor = Processor.X86_64
    host_bytes: float
    gpus: int = 0
    bytes_per_gpu: float = 0
    compute_capability: tuple[int, int] = (0, 0)
    # Its hardware encrypts its own disks, and no KMS key applies to them.
    has_local_nvme: bool


# By the size, whatever the family.
VCPUS = {"medium": 1, "large": 2, "xlarge": 4} | {
    f"{n}xlarge": 4 * n for n in (2, 4, 8, 12, 16, 24, 32, 48)
}
_OF_INTEL_6 = ("large", *(s for s in VCPUS if s.endswith("xlarge") and s != "48xlarge"))
_OF_INTEL_7 = (*(s for s in _OF_INTEL_6 if s != "32xlarge"), "48xlarge")
_OF_GRAVITON = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_OF_GRAVITON_4 = ("medium", *_OF_GRAVITON, "24xlarge", "48xlarge")

# The families without GPUs: processor, GiB of memory for each vCPU, sizes. All have attached
# volumes only; older ones, and those with disks or networks of their own, are left out.
_WITHOUT_GPU: Mapping[str, tuple[Processor, int, tuple[str, ...]]] = MappingProxyType(
    {
        "c6i": (Processor.X86_64, 2, _OF_INTEL_6),
        "c7i": (Processor.X86_64, 2, _OF_INTEL_7),
        "m6i": (Processor.X86_64, 4, _OF_INTEL_6),
        "m7i": (Processor.X86_64, 4, _OF_INTEL_7),
        "r6i": (Processor.X86_64, 8, _OF_INTEL_6),
        "r7i": (Processor.X86_64, 8, _OF_INTEL_7),
        "c6g": (Processor.ARM64, 2, _OF_GRAVITON),
        "c7g": (Processor.ARM64, 2, _OF_GRAVITON),
        "c8g": (Processor.ARM64, 2, _OF_GRAVITON_4),
        "m6g": (Processor.ARM64, 4, _OF_GRAVITON),
        "m8g": (Processor.ARM64, 4, _OF_GRAVITON_4),
        "r6g": (Processor.ARM64, 8, _OF_GRAVITON),
        "r8g": (Processor.ARM64, 8, _OF_GRAVITON_4),
    }
)


def _with_gpu() -> Iterator[InstanceType]:
    for name, family in FAMILIES.items():
        for size, about in family.sizes.items():
            yield InstanceType(
                name=f"ml.{name}.{size}",
                host_bytes=about.host_bytes,
                gpus=about.gpus,
                bytes_per_gpu=about.bytes_per_gpu,
                compute_capability=family.compute_capability,
                has_local_nvme=family.has_local_nvme,
            )


def _without_gpu() -> Iterator[InstanceType]:
    for name, (processor, gib, sizes) in _WITHOUT_GPU.items():
        for size in sizes:
            yield InstanceType(
                name=f"ml.{name}.{size}",
                processor=processor,
                host_bytes=VCPUS[size] * gib * _GIB,
                has_local_nvme=False,
            )


INSTANCE_TYPES: Mapping[str, InstanceType] = MappingProxyType(
    {each.name: each for each in (*_with_gpu(), *_without_gpu())}
)

_SIZES: Mapping[str, tuple[str, ...]] = {
    **{name: tuple(family.sizes) for name, family in FAMILIES.items()},
    **{name: sizes for name, (_, _, sizes) in _WITHOUT_GPU.items()},
}


def find_instance(instance_type: str) -> InstanceType:
    """Return what is known of an instance type; raise ValueError for one that cannot serve."""
    prefix, _, name = instance_type.partition(".")
    if prefix != "ml":
        raise ValueError(f"instance_type must start with 'ml.', got {instance_type!r}")
    family, _, size = name.partition(".")
    if family not in _SIZES:
        raise ValueError(
            f"instance_type must be of a family that serves models ({', '.join(_SIZES)}), got"
            f" {instance_type!r}"
        )
    if size not in _SIZES[family]:
        raise ValueError(
            f"instance_type must be of a size that {family} has"
            f" ({', '.join(_SIZES[family])}), got {instance_type!r}"
        )
    return INSTANCE_TYPES[instance_type]
