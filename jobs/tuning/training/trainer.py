"""What transformers' Trainer does not do by itself."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import SequentialSampler
from transformers import Trainer, TrainerCallback

from container import JobError
from language_models.examples import Example
from tuning.training.sharding import load_sharded_optimizer


class InOrderTrainer(Trainer):  # type: ignore[misc] # transformers is not installed here
    """A trainer that reads its data in their order, and so goes on exactly where it stopped.

    The Trainer's own order starts again with the first epoch's when a training is resumed.
    """

    def _get_train_sampler(self, train_dataset: Sequence[Example] | None = None) -> object:
        return SequentialSampler(train_dataset or self.train_dataset)

    def compute_loss(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - transformers' signature
        """Return the loss of a batch; raise JobError when it is not a number, which is final."""
        computed = super().compute_loss(*given, **named)
        loss = computed[0] if isinstance(computed, tuple) else computed
        if not loss.isfinite():
            where = f"after step {self.state.global_step}"
            rate = f"{self.args.learning_rate:g}"
            raise JobError(f"the loss is not a number {where}: lower learning_rate, got {rate}")
        return computed

    def training_step(self, model: Any, inputs: Any, *given: Any) -> Any:  # noqa: ANN401 - transformers' signature
        """Train on a batch, and count its tokens: transformers 4.56 counts padding as well."""
        read = self.accelerator.gather(inputs["attention_mask"].sum())
        self.state.num_input_tokens_seen += int(read.sum())
        return super().training_step(model, inputs, *given)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint and self.is_fsdp_enabled:
            load_sharded_optimizer(self, Path(checkpoint))

    def _save_checkpoint(self, *given: object) -> None:
        # A checkpoint can be noted as the best only once its directory is there, which no process
        # must learn later than another: each loads the best one in the end.
        Path(self.args.output_dir, f"checkpoint-{self.state.global_step}").mkdir(
            parents=True, exist_ok=True
        )
        super()._save_checkpoint(*given)


class EvaluateAtEnd(TrainerCallback):  # type: ignore[misc] # transformers is not installed here
    """An evaluation of the last step too, which may be the best."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002 - transformers' signature
        """Request the evaluation."""
        if state.global_step >= state.max_steps:
            control.should_evaluate = True


def shuffled_epochs(examples: Sequence[Example], epochs: int, seed: int) -> list[Example]:
    """Return all epochs one after the other, each in its own order."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [example for _ in range(epochs) for example in draw.sample(examples, len(examples))]
