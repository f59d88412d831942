"""The instance types that can serve a model: their families' GPUs and disks."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of instance types: what all its sizes have in common, and each size's GPUs."""

    gpus: Mapping[str, int]
    compute_capability: tuple[int, int]
    # On disks of the instance: its hardware encrypts them, and no KMS key applies to them.
    has_local_nvme: bool = True


_SIZES = {
    "xlarge": 1,
    "2xlarge": 1,
    "4xlarge": 1,
    "8xlarge": 1,
    "12xlarge": 4,
    "16xlarge": 1,
    "24xlarge": 4,
    "48xlarge": 8,
}

# Compute capabilities: NVIDIA's table of CUDA GPUs. Disks: EC2's instance store volumes.
FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "g4dn": Family(
            gpus={size: _SIZES[size] for size in _SIZES if size not in {"24xlarge", "48xlarge"}},
            compute_capability=(7, 5),
        ),
        "g5": Family(gpus=_SIZES, compute_capability=(8, 6)),
        "g6": Family(gpus=_SIZES, compute_capability=(8, 9)),
        "g6e": Family(gpus=_SIZES, compute_capability=(8, 9)),
        "p3": Family(
            gpus={"2xlarge": 1, "8xlarge": 4, "16xlarge": 8},
            compute_capability=(7, 0),
            has_local_nvme=False,
        ),
        "p4d": Family(gpus={"24xlarge": 8}, compute_capability=(8, 0)),
        "p4de": Family(gpus={"24xlarge": 8}, compute_capability=(8, 0)),
        "p5": Family(gpus={"4xlarge": 1, "48xlarge": 8}, compute_capability=(9, 0)),
        "p5e": Family(gpus={"48xlarge": 8}, compute_capability=(9, 0)),
        "p5en": Family(gpus={"48xlarge": 8}, compute_capability=(9, 0)),
    }
)


def family_of(instance_type: str) -> Family:
    """Return an instance type's family; raise ValueError for a type that cannot serve."""
    prefix, _, name = instance_type.partition(".")
    if prefix != "ml":
        raise ValueError(f"instance_type must start with 'ml.', got {instance_type!r}")
    family, _, size = name.partition(".")
    if family not in FAMILIES:
        raise ValueError(
            f"instance_type must be of a GPU family ({', '.join(FAMILIES)}), got {instance_type!r}"
        )
    if size not in FAMILIES[family].gpus:
        raise ValueError(
            f"instance_type must be of a size that {family} has"
            f" ({', '.join(FAMILIES[family].gpus)}), got {instance_type!r}"
        )
    return FAMILIES[family]


def gpu_count(instance_type: str) -> int:
    """Return an instance type's number of GPUs; raise ValueError for one that cannot serve."""
    return family_of(instance_type).gpus[instance_type.rpartition(".")[2]]


def supports_flash_attention_2(instance_type: str) -> bool:
    """Return whether the GPUs are of NVIDIA's Ampere generation or a later one."""
    return family_of(instance_type).compute_capability >= (8, 0)
