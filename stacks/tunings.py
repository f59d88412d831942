"""The fine-tunings that the environments declare."""

from sagemaker_llm import Approval, TuningSettings

# What a laptop's two cores train in two or three minutes: short examples, few steps, an adapter.
SMALL = TuningSettings(
    base_model_id="HuggingFaceTB/SmolLM2-135M-Instruct",
    approval=Approval.APPROVED,
    overrides={
        "peft_type": "lora",
        "lora_r": 8,
        "learning_rate": 2e-3,
        "max_steps": 40,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 1,
        "eval_steps": 20,
        "max_input_length": 96,
        "warmup_ratio": 0.0,
        "validation_split": 0.1,
        "gradient_checkpointing": "False",
    },
    retrieval_lengths="128",
    retrieval_trials=2,
    sample_prompts=2,
    max_new_tokens=16,
    # Retrieval is reported, not judged: what 40 steps leave of it in a model this small is chance.
    min_retrieval_change=-1.0,
)

# What tunes Mistral-7B on a hundred records: an adapter, and about fifty updates, where
# JumpStart's defaults make two.
DEMONSTRATION = TuningSettings(
    base_model_id="mistralai/Mistral-7B-Instruct-v0.1",
    approval=Approval.APPROVED,
    overrides={
        "peft_type": "lora",
        "learning_rate": 2e-4,
        "epoch": 5,
        "gradient_accumulation_steps": 1,
    },
    # Four of the forty prompts of a task: the adapter has read nothing that is long.
    min_retrieval_change=-0.1,
)

# What a person approves.
MISTRAL = TuningSettings(
    base_model_id="mistralai/Mistral-7B-Instruct-v0.1", approval=Approval.PENDING
)
