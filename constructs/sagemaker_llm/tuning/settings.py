"""The settings of fine-tuning: the pipeline's defaults, and its gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from allowed_values.execution import check_execution
from allowed_values.instances import INSTANCES
from allowed_values.parameters import PARAMETERS
from allowed_values.rules import RefusedValueError
from sagemaker_llm.models.catalog import CatalogEntry
from sagemaker_llm.models.checked import Checked
from sagemaker_llm.models.images import TRAINING, Image
from sagemaker_llm.models.weights import FileWeights, Gguf

from .hyperparameters import JUMPSTART_DEFAULTS, Value, as_default, check_overrides

_OPTIONS: Mapping[str, Any] = {name: each.default for name, each in PARAMETERS.items()}
_ACCUMULATION = "gradient_accumulation_steps"


class Approval(StrEnum):
    """The approval that a model has when the pipeline registers it."""

    APPROVED = "Approved"  # it is released at once
    PENDING = "PendingManualApproval"  # it is released when a person approves it

    @property
    def choices(self) -> "tuple[Approval, ...]":
        """The approvals that an execution may choose: PENDING only where a person must approve."""
        return tuple(Approval) if self is Approval.APPROVED else (Approval.PENDING,)


class DataMode(StrEnum):
    """The form of the data."""

    INSTRUCTION = "instruction"  # `train.jsonl` and `template.json`
    DOMAIN = "domain"  # one CSV, JSON or TXT


@dataclass(frozen=True, kw_only=True)
class TuningSettings(Checked):
    """The defaults of one pipeline; an execution can override most of them.

    What each may be stands in the jobs' `allowed_values`, whose check this is too: a job would
    refuse later what is refused here.
    """

    base_model_id: str  # for the model card
    base_model_license: str = "apache-2.0"
    approval: Approval = Approval.PENDING
    mode: DataMode = DataMode.INSTRUCTION
    overrides: Mapping[str, Value] = field(default_factory=dict)  # of JumpStart's defaults
    image: Image = TRAINING
    prepare_instance_type: str = _OPTIONS["prepare_instance_type"]
    training_instance_type: str = _OPTIONS["training_instance_type"]
    evaluation_instance_type: str = _OPTIONS["evaluation_instance_type"]
    # Not a parameter of an execution: `MaxWaitTimeInSeconds` is required with spot and forbidden
    # without it, and a definition cannot omit a key at run time.
    # Its quota is another one: `<instance type> for spot training job usage`.
    managed_spot: bool = False
    test_split: float = _OPTIONS["test_split"]
    retrieval_lengths: str = _OPTIONS["retrieval_lengths"]
    retrieval_trials: int = _OPTIONS["retrieval_trials"]
    sample_prompts: int = _OPTIONS["sample_prompts"]
    max_new_tokens: int = _OPTIONS["max_new_tokens"]
    min_loss_reduction: float = _OPTIONS["min_loss_reduction"]
    min_retrieval_change: float = _OPTIONS["min_retrieval_change"]

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self._described():
            PARAMETERS[name].check(getattr(self, name))
        check_overrides(self.overrides)
        if "instruction_tuned" in self.overrides:
            raise RefusedValueError(
                "instruction_tuned follows from mode: leave it out of overrides, got"
                f" {self.overrides['instruction_tuned']!r}"
            )
        check_execution(self._values())

    def check_model(self, model: CatalogEntry, instance_type: str) -> None:
        """Raise ValueError for a model that cannot be tuned so, or then not be served there."""
        if isinstance(model.weights, FileWeights):
            raise RefusedValueError(
                f"tuning must be None for a file of this machine, got {model.weights.path}: tune"
                f" {model.model_id} where the catalog's weights are served"
            )
        if isinstance(model.weights, Gguf) and model.tuned_from is None:
            raise RefusedValueError(
                f"tuned_from of {model.model_id} must be the safetensors that the GGUF file was"
                " made from, for example JumpStartWeights, as a quantized file is not trained, got"
                " None"
            )
        if model.server.adapters and self.approval is Approval.APPROVED:
            raise RefusedValueError(
                f"approval must be {Approval.PENDING} with adapters, which were tuned from the"
                f" catalog's weights: no release takes their place, got {self.approval}"
            )
        model.server.check_tuned(model, instance_type)
        values = {**self._values(), "prompt_format": model.prompt_format.value}
        check_execution(values, window=model.window)

    @property
    def hyperparameters(self) -> dict[str, Value]:
        """JumpStart's defaults with this environment's own; a sharded model accumulates nothing."""
        instruction_tuned = str(self.mode is DataMode.INSTRUCTION)
        return {
            **JUMPSTART_DEFAULTS,
            "instruction_tuned": instruction_tuned,
            **({_ACCUMULATION: 1} if self._is_sharded else {}),
            **{name: as_default(name, value) for name, value in self.overrides.items()},
        }

    @property
    def _is_sharded(self) -> bool:
        full = self.overrides.get("peft_type", JUMPSTART_DEFAULTS["peft_type"]) == "None"
        return full and INSTANCES[self.training_instance_type].gpus > 1

    def _described(self) -> list[str]:
        """Return the fields that the jobs' file describes."""
        return [each.name for each in fields(self) if each.name in PARAMETERS]

    def _values(self) -> dict[str, str]:
        """Return the values of an execution that overrides nothing, as the jobs get them."""
        own = {name: getattr(self, name) for name in self._described()}
        return {name: str(value) for name, value in {**own, **self.hyperparameters}.items()}
