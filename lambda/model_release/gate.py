"""The gate that a package passed: whether an execution lowered what its environment asks for."""

from collections.abc import Mapping

LOWERED = "gate_lowered"  # of a package's metadata: the thresholds that were lowered, in words

_THRESHOLDS = ("min_loss_reduction", "min_retrieval_change")
_MAX_METADATA = 256  # SageMaker's limit


def lowered(metadata: Mapping[str, str]) -> str:
    """Return which thresholds were below the environment's, in words, or nothing.

    A package of another way than the pipeline's has none, and passed no gate.
    """
    words = " and ".join(
        f"{name} was {metadata[name]}, below the environment's {metadata[f'default_{name}']}"
        for name in _THRESHOLDS
        if name in metadata and float(metadata[name]) < float(metadata[f"default_{name}"])
    )
    return words[:_MAX_METADATA]
