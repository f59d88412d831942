"""Loss on records that training has not seen."""

import math
import statistics
from dataclasses import dataclass

from container import JobError
from evaluation.subject import Subject
from language_models.examples import Examples

_BROKEN = 700.0  # nats a token: no model is that bad, and a perplexity beyond is no number


@dataclass(frozen=True)
class HeldOut:
    """Nats a token over all tokens that are to be predicted, and how examples differ."""

    loss: float
    standard_deviation: float
    records: int
    left_out: int  # records that are too long

    @property
    def perplexity(self) -> float:
        """The exponential of the loss."""
        return math.exp(self.loss)


def held_out_loss(subject: Subject, examples: Examples) -> HeldOut:
    """Measure one model; raise JobError when the loss is not a number."""
    losses = [subject.losses(example) for example in examples.kept]
    tokens = sum(len(each) for each in losses)
    loss = sum(float(each.sum()) for each in losses) / tokens
    if not loss < _BROKEN:  # nor is it below anything when it is not a number
        # A comparison with it would be neither better nor worse: the gate could let it through.
        raise JobError("the held-out loss of a model is not a number")
    deviation = statistics.pstdev(float(each.mean()) for each in losses)
    return HeldOut(loss, deviation, len(losses), examples.left_out)
