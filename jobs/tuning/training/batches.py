"""Makes a batch of examples of different lengths."""

from collections.abc import Sequence

import torch

from language_models.examples import IGNORED, Example


def collate(examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    """Pad a batch at the right; padding is neither attended to nor learned."""
    longest = max(len(example["input_ids"]) for example in examples)

    def padded(rows: Sequence[list[int]], filler: int) -> torch.Tensor:
        return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])

    tokens = [example["input_ids"] for example in examples]
    return {
        "input_ids": padded(tokens, 0),  # any token: the mask hides it
        "attention_mask": padded([[1] * len(row) for row in tokens], 0),
        "labels": padded([example["labels"] for example in examples], IGNORED),
    }
