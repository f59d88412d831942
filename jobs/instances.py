"""The GPU instances that a training may ask for: how many GPUs, and how much memory."""

from typing import NamedTuple

_GIB = 2**30
# Memory of a GPU in GiB as CUDA has it. Unverified: but for A10G and H100; a refused
# training says what it found.
_A10G, _L4, _L40S, _A100, _A100_80, _H100, _H200 = 21.9, 21.9, 44.3, 39.3, 79.1, 79.1, 139.7


class Instance(NamedTuple):
    """An instance type's GPUs, and the memory of each and of the host in bytes."""

    gpus: int
    bytes_per_gpu: float
    host_bytes: float


_SIZES = {"": 1, "2": 1, "4": 1, "8": 1, "16": 1, "12": 4, "24": 4, "48": 8}
_HOST = {"": 16, "2": 32, "4": 64, "8": 128, "16": 256, "12": 192, "24": 384, "48": 768}
_FAMILIES = {"g5": (_A10G, 1), "g6": (_L4, 1), "g6e": (_L40S, 2)}  # of which host memory

INSTANCES = {
    **{
        f"ml.{family}.{size}xlarge": Instance(gpus, gib * _GIB, _HOST[size] * times * _GIB)
        for family, (gib, times) in _FAMILIES.items()
        for size, gpus in _SIZES.items()
    },
    "ml.p4d.24xlarge": Instance(8, _A100 * _GIB, 1152 * _GIB),
    "ml.p4de.24xlarge": Instance(8, _A100_80 * _GIB, 1152 * _GIB),
    "ml.p5.4xlarge": Instance(1, _H100 * _GIB, 256 * _GIB),
    "ml.p5.48xlarge": Instance(8, _H100 * _GIB, 2048 * _GIB),
    "ml.p5e.48xlarge": Instance(8, _H200 * _GIB, 2048 * _GIB),
}
