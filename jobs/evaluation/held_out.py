"""Loss on records that training has not seen."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from container import JobError
from evaluation.subject import Subject
from language_models.examples import Example


@dataclass(frozen=True)
class HeldOut:
    """Nats a token over all tokens that are to be predicted, and how examples differ."""

    loss: float
    standard_deviation: float

    @property
    def perplexity(self) -> float:
        """The exponential of the loss."""
        return math.exp(self.loss)


def held_out_loss(subject: Subject, examples: Sequence[Example]) -> HeldOut:
    """Measure one model; raises JobError when the loss is not a number."""
    losses = [subject.losses(example) for example in examples]
    tokens = sum(len(each) for each in losses)
    loss = sum(float(each.sum()) for each in losses) / tokens
    if not math.isfinite(loss):
        # a comparison with it would be neither better nor worse: the gate could let it through
        raise JobError("the held-out loss of a model is not a number")
    deviation = statistics.pstdev(float(each.mean()) for each in losses)
    return HeldOut(loss, deviation)
