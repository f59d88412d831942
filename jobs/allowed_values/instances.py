"""The instance types: GPUs, memory and disks, and which of them can serve, train or process."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple

_GIB = 2**30
_DATA: Mapping[str, Any] = json.loads(
    (files(__package__) / "instances.json").read_text(encoding="utf-8")
)
_PREFIX = "ml."
_AMPERE = (8, 0)  # the first with bfloat16, which the jobs compute in


class Instance(NamedTuple):
    """An instance type's GPUs, and the memory of each and of the host in bytes."""

    gpus: int
    bytes_per_gpu: float
    host_bytes: float


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of GPU instances: what all its sizes have in common, and each size."""

    # NVIDIA's table of CUDA GPUs.
    compute_capability: tuple[int, int]
    # On disks of the instance (EC2's instance store volumes): its hardware encrypts them, and no
    # KMS key applies to them.
    has_local_nvme: bool
    sizes: Mapping[str, Instance]
    processing: tuple[str, ...]  # the sizes that SageMaker takes for processing jobs


def _family(about: Mapping[str, Any]) -> Family:
    # Memory of a GPU in GiB as CUDA has it. Unverified: but for A10G and H100; a refused
    # training says what it found.
    gpu = _DATA["gpus"][about["gpu"]]
    return Family(
        compute_capability=tuple(gpu["compute_capability"]),
        has_local_nvme=about.get("local_nvme", True),
        sizes={
            size: Instance(gpus, gpu["gib"] * _GIB, host * _GIB)
            for size, (gpus, host) in about["sizes"].items()
        },
        processing=tuple(about.get("processing", about["sizes"])),
    )


FAMILIES: Mapping[str, Family] = {n: _family(about) for n, about in _DATA["families"].items()}

INSTANCES: Mapping[str, Instance] = {
    f"{_PREFIX}{name}.{size}": instance
    for name, family in FAMILIES.items()
    for size, instance in family.sizes.items()
}

_WITHOUT_GPU = {f"{_PREFIX}{f}.{s}" for f, sizes in _DATA["without_gpu"].items() for s in sizes}
_PROCESSING = {f"{_PREFIX}{n}.{s}" for n, family in FAMILIES.items() for s in family.processing}


def family_of(instance_type: str) -> Family:
    """Return the family of a GPU instance type that is known."""
    return FAMILIES[instance_type.split(".")[1]]


@dataclass(frozen=True)
class InstanceTypes:
    """The instance types that one kind of work can use."""

    allowed: frozenset[str]
    words: str

    def allows(self, instance_type: str, /) -> bool:
        """Return whether a type is one of them."""
        return instance_type in self.allowed

    def __str__(self) -> str:
        families = dict.fromkeys(name.split(".")[1] for name in sorted(self.allowed))
        return f"{self.words}, of {', '.join(families)}, such as {min(self.allowed)}"


_BFLOAT16 = {name for name in INSTANCES if family_of(name).compute_capability >= _AMPERE}

INSTANCES_FOR: Mapping[str, InstanceTypes] = {
    "preparation": InstanceTypes(
        frozenset(_WITHOUT_GPU | _PROCESSING),
        "an instance type that SageMaker has for processing jobs",
    ),
    "training": InstanceTypes(
        frozenset(_BFLOAT16),
        "an instance type with GPUs that compute in bfloat16, as training needs",
    ),
    "evaluation": InstanceTypes(
        frozenset(_BFLOAT16 & _PROCESSING),
        "an instance type with GPUs that compute in bfloat16 which SageMaker has for processing"
        " jobs, as the evaluation is one",
    ),
}
