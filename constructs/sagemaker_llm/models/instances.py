"""The instance types that can serve a model, and how many GPUs each has."""

from collections.abc import Mapping
from types import MappingProxyType

_G5_SIZES = {
    "xlarge": 1,
    "2xlarge": 1,
    "4xlarge": 1,
    "8xlarge": 1,
    "12xlarge": 4,
    "16xlarge": 1,
    "24xlarge": 4,
    "48xlarge": 8,
}

GPUS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "g4dn": {
            size: _G5_SIZES[size] for size in _G5_SIZES if size not in {"24xlarge", "48xlarge"}
        },
        "g5": _G5_SIZES,
        "g6": _G5_SIZES,
        "g6e": _G5_SIZES,
        "p4d": {"24xlarge": 8},
        "p4de": {"24xlarge": 8},
        "p5": {"4xlarge": 1, "48xlarge": 8},
        "p5e": {"48xlarge": 8},
        "p5en": {"48xlarge": 8},
    }
)


def gpu_count(instance_type: str) -> int:
    """Return an instance type's number of GPUs; raise ValueError for one that cannot serve."""
    prefix, _, name = instance_type.partition(".")
    if prefix != "ml":
        raise ValueError(f"instance_type must start with 'ml.', got {instance_type!r}")
    family, _, size = name.partition(".")
    if family not in GPUS:
        raise ValueError(
            f"instance_type must be of a GPU family ({', '.join(GPUS)}), got {instance_type!r}"
        )
    if size not in GPUS[family]:
        raise ValueError(
            f"instance_type must be of a size that {family} has"
            f" ({', '.join(GPUS[family])}), got {instance_type!r}"
        )
    return GPUS[family][size]
