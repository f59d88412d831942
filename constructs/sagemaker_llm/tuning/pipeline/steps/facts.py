"""The values that a compiled definition leaves open and a stack fills in."""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ParameterShape:
    """A pipeline parameter without its values, which differ between environments."""

    name: str
    type: str  # its name in Python
    has_choices: bool
    is_of_training: bool  # a hyperparameter that the training script takes


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The values that a stack and its settings provide; folder URIs end without a slash."""

    prepare_role_arn: str
    fine_tune_role_arn: str
    evaluate_role_arn: str
    key_arn: str
    image_uri: str
    serving_image_uri: str
    code_uri: str
    code_file: str  # the last part of its URI
    prepared_uri: str
    checkpoints_uri: str
    candidates_uri: str
    evaluations_uri: str
    store_function_arn: str
    package_group: str
    release_queue_url: str
    serving_environment: Mapping[str, str] | str
    serving_instance_type: str
    prompt_format: str
    weights_format: str
    sample_prompts: str
    max_new_tokens: str
    default_min_loss_reduction: str
    default_min_retrieval_change: str


def placeholders() -> Facts:
    """Return the facts that a definition is compiled with: a placeholder for each."""
    return Facts(**{field.name: placeholder(field.name) for field in fields(Facts)})


def placeholder(name: str) -> str:
    """Return the placeholder of a fact or of a parameter's value."""
    return f"${{{name}}}"
