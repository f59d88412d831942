"""The sizes of a model, from which the memory follows that it takes on an instance."""

from dataclasses import dataclass
from typing import Annotated

from allowed_values.rules import Range

from .checked import Checked

BYTES_PER_HALF = 2  # bfloat16 and float16

_Count = Annotated[int, Range(at_least=1, at_most=100_000)]


@dataclass(frozen=True, kw_only=True)
class ModelShape(Checked):
    """What a model's configuration says of its sizes."""

    parameters: Annotated[int, Range(at_least=1, at_most=10**13)]
    layers: _Count
    key_value_heads: _Count
    head_size: _Count

    @property
    def weight_bytes(self) -> int:
        """The weights' memory in half precision."""
        return BYTES_PER_HALF * self.parameters

    @property
    def cache_bytes_per_token(self) -> int:
        """The memory of one token's keys and values in half precision."""
        return 2 * self.layers * self.key_value_heads * self.head_size * BYTES_PER_HALF


# 131,072 bytes of cache a token.
MISTRAL_7B = ModelShape(parameters=7_241_732_096, layers=32, key_value_heads=8, head_size=128)
SMOLLM2_135M = ModelShape(parameters=134_515_008, layers=30, key_value_heads=3, head_size=64)
