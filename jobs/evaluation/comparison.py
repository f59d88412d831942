"""The same measurements of two models, and what they come to together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from evaluation.held_out import HeldOut
from evaluation.subject import Answer
from recall.measure import Retrieval
from recall.tasks import LINE, PASS_KEY

TASKS = (PASS_KEY, LINE)

Metric = dict[str, float | str]


@dataclass(frozen=True)
class Measured:
    """All that was measured of one model."""

    held_out: HeldOut
    retrieval: Sequence[Retrieval]
    answers: Sequence[Answer]

    @property
    def tokens_per_second(self) -> float:
        """The speed at which the answers were written, their prompts read included."""
        seconds = sum(answer.seconds for answer in self.answers)
        return sum(answer.tokens for answer in self.answers) / seconds

    def accuracy(self, task: str) -> float:
        """Return the mean accuracy of a retrieval task over all lengths."""
        return fmean(each.accuracy for each in self.retrieval if each.task == task)


@dataclass(frozen=True)
class Comparison:
    """A tuned model beside its base, over the same prompts."""

    base: Measured
    tuned: Measured
    prompts: Sequence[str]

    def model_quality(self) -> Mapping[str, Any]:
        """Return the metrics in the form of a model package's model-quality statistics.

        `loss_reduction` and `..._change` are relative to the base, and positive where the tuned
        model is better.
        """
        metrics = {
            "loss": _metric(self.tuned.held_out.loss, self.tuned.held_out.standard_deviation),
            "base_loss": _metric(self.base.held_out.loss, self.base.held_out.standard_deviation),
            "loss_reduction": _metric(1 - self.tuned.held_out.loss / self.base.held_out.loss),
            "held_out_records": _metric(self.tuned.held_out.records),
            "held_out_records_left_out": _metric(self.tuned.held_out.left_out),
            "perplexity": _metric(self.tuned.held_out.perplexity),
            "base_perplexity": _metric(self.base.held_out.perplexity),
            "tokens_per_second": _metric(self.tuned.tokens_per_second),
            "base_tokens_per_second": _metric(self.base.tokens_per_second),
        }
        for task in TASKS:
            name = task.name.replace(" ", "") + "_retrieval"
            tuned, base = self.tuned.accuracy(task.name), self.base.accuracy(task.name)
            metrics |= {
                name: _metric(tuned),
                f"base_{name}": _metric(base),
                f"{name}_change": _metric(tuned - base),
            }
        return {"text_generation_metrics": metrics}

    @property
    def notes(self) -> Sequence[str]:
        """What the metrics do not say by themselves."""
        return [
            f"The base answers no {task.name} prompt correctly: whether tuning made that worse is"
            " unknown, and the gate's condition on it always holds."
            for task in TASKS
            if self.base.accuracy(task.name) == 0
        ]


def _metric(value: float, standard_deviation: float | None = None) -> Metric:
    return {
        "value": value,
        "standard_deviation": "NaN" if standard_deviation is None else standard_deviation,
    }
