"""The instance types that can serve a model."""

from allowed_values.instances import FAMILIES, Family


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
    if size not in FAMILIES[family].sizes:
        raise ValueError(
            f"instance_type must be of a size that {family} has"
            f" ({', '.join(FAMILIES[family].sizes)}), got {instance_type!r}"
        )
    return FAMILIES[family]


def gpu_count(instance_type: str) -> int:
    """Return an instance type's number of GPUs; raise ValueError for one that cannot serve."""
    return family_of(instance_type).sizes[instance_type.rpartition(".")[2]].gpus


def supports_flash_attention_2(instance_type: str) -> bool:
    """Return whether the GPUs are of NVIDIA's Ampere generation or a later one."""
    return family_of(instance_type).compute_capability >= (8, 0)
