"""The settings of fine-tuning: the pipeline's defaults, and its gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sagemaker_llm.models.images import TRAINING, Image
from sagemaker_llm.models.instances import gpu_count

from .hyperparameters import JUMPSTART_DEFAULTS, OPTION_DEFAULTS, Value, check_overrides

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

    INSTRUCTION = "instruction"  # train.jsonl and template.json
    DOMAIN = "domain"  # one CSV, JSON or TXT


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """The defaults of one pipeline; an execution can override most of them."""

    base_model_id: str  # for the model card
    base_model_license: str = "apache-2.0"
    approval: Approval = Approval.PENDING
    mode: DataMode = DataMode.INSTRUCTION
    overrides: Mapping[str, Value] = field(default_factory=dict)  # of JumpStart's defaults
    image: Image = TRAINING
    prepare_instance_type: str = "ml.m5.large"
    training_instance_type: str = "ml.g5.12xlarge"
    evaluation_instance_type: str = "ml.g5.2xlarge"
    # Not a parameter of an execution: `MaxWaitTimeInSeconds` is required with spot and forbidden
    # without it, and a definition cannot omit a key at run time.
    # Its quota is another one: `<instance type> for spot training job usage`.
    managed_spot: bool = False
    test_split: float = OPTION_DEFAULTS["test_split"]
    retrieval_lengths: str = OPTION_DEFAULTS["retrieval_lengths"]
    retrieval_trials: int = OPTION_DEFAULTS["retrieval_trials"]
    sample_prompts: int = OPTION_DEFAULTS["sample_prompts"]
    max_new_tokens: int = OPTION_DEFAULTS["max_new_tokens"]
    min_loss_reduction: float = 0.02
    min_retrieval_change: float = 0.0

    def __post_init__(self) -> None:
        check_overrides(self.overrides)
        if "instruction_tuned" in self.overrides:
            raise ValueError("instruction_tuned follows from mode: leave it out of overrides")
        if self._is_sharded and int(self.overrides.get(_ACCUMULATION, 1)) > 1:
            raise ValueError(
                f"{_ACCUMULATION} must be 1 for full tuning on several GPUs,"
                f" got {self.overrides[_ACCUMULATION]}"
            )
        if not 0 < self.min_loss_reduction < 1:
            raise ValueError(
                "min_loss_reduction must be above 0 and below 1, or the gate lets a worse model"
                f" through, got {self.min_loss_reduction}"
            )

    @property
    def _is_sharded(self) -> bool:
        full = self.overrides.get("peft_type", JUMPSTART_DEFAULTS["peft_type"]) == "None"
        return full and gpu_count(self.training_instance_type) > 1

    @property
    def hyperparameters(self) -> dict[str, Value]:
        """JumpStart's defaults with this environment's own; a sharded model accumulates nothing."""
        instruction_tuned = str(self.mode is DataMode.INSTRUCTION)
        return {
            **JUMPSTART_DEFAULTS,
            "instruction_tuned": instruction_tuned,
            **({_ACCUMULATION: 1} if self._is_sharded else {}),
            **self.overrides,
        }
