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
    # The inputs and outputs of all linear modules, those that an adapter may be on.
    module_sizes: Annotated[int, Range(at_least=1, at_most=10**9)]

    @property
    def weight_bytes(self) -> int:
        """The weights' memory in half precision."""
        return BYTES_PER_HALF * self.parameters

    @property
    def cache_bytes_per_token(self) -> int:
        """The memory of one token's keys and values in half precision."""
        return 2 * self.layers * self.key_value_heads * self.head_size * BYTES_PER_HALF

    def adapter_bytes(self, rank: int) -> int:
        """Return the memory that a server sets aside for an adapter of a rank, in half precision.

        Unverified: that vLLM sets aside no more; compare "GPU KV cache size" in the log of an
        endpoint with adapters and of one without.
        """
        return BYTES_PER_HALF * rank * self.module_sizes


def _module_sizes(layers: int, hidden: int, key_values: int, feed_forward: int) -> int:
    queries_and_output = 2 * (hidden + hidden)
    keys_and_values = 2 * (hidden + key_values)
    return layers * (queries_and_output + keys_and_values + 3 * (hidden + feed_forward))


# 131,072 bytes of cache a token.
MISTRAL_7B = ModelShape(
    parameters=7_241_732_096,
    layers=32,
    key_value_heads=8,
    head_size=128,
    module_sizes=_module_sizes(32, 4096, 1024, 14_336),
)
SMOLLM2_135M = ModelShape(
    parameters=134_515_008,
    layers=30,
    key_value_heads=3,
    head_size=64,
    module_sizes=_module_sizes(30, 576, 192, 1536),
)
