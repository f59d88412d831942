"""What an execution of the pipeline can be told."""

from enum import StrEnum

from sagemaker_llm.tuning.hyperparameters import CHOICES, OF_PREPARATION, Value
from sagemaker_llm.tuning.settings import DataMode, TuningSettings

from .offline_sdk import Parameter, ParameterFloat, ParameterInteger, ParameterString

_TYPES = {str: ParameterString, int: ParameterInteger, float: ParameterFloat}


class PipelineParameters:
    """The parameters, with an environment's defaults; hyperparameters under JumpStart's names."""

    def __init__(self, settings: TuningSettings, *, data_uri: str, base_model_uri: str) -> None:
        self.input_data_uri = _parameter("InputDataUri", data_uri)
        self.mode = _parameter("Mode", settings.mode.value, _values(DataMode))
        self.base_model_uri = _parameter("BaseModelUri", base_model_uri)
        self.base_model_id = _parameter("BaseModelId", settings.base_model_id)
        self.base_model_license = _parameter("BaseModelLicense", settings.base_model_license)
        self.prepare_instance_type = _parameter(
            "PrepareInstanceType", settings.prepare_instance_type
        )
        self.training_instance_type = _parameter(
            "TrainingInstanceType", settings.training_instance_type
        )
        self.evaluation_instance_type = _parameter(
            "EvaluationInstanceType", settings.evaluation_instance_type
        )
        self.test_split = _parameter("TestSplit", settings.test_split)
        self.retrieval_lengths = _parameter("RetrievalLengths", settings.retrieval_lengths)
        self.retrieval_trials = _parameter("RetrievalTrials", settings.retrieval_trials)
        self.min_loss_reduction = _parameter("MinLossReduction", settings.min_loss_reduction)
        self.min_retrieval_change = _parameter("MinRetrievalChange", settings.min_retrieval_change)
        self.approval = _parameter(
            "ModelApprovalStatus",
            settings.approval.value,
            tuple(choice.value for choice in settings.approval.choices),
        )
        self.hyperparameters = {
            name: _parameter(name, value, CHOICES.get(name, ()))
            for name, value in settings.hyperparameters.items()
        }

    @property
    def of_training(self) -> dict[str, Parameter]:
        """The hyperparameters that the training script takes."""
        return {k: v for k, v in self.hyperparameters.items() if k not in OF_PREPARATION}

    def all(self) -> list[Parameter]:
        """Every parameter, as the definition lists them."""
        own = [value for value in vars(self).values() if isinstance(value, Parameter)]
        return [*own, *self.hyperparameters.values()]


def _parameter(name: str, default: Value, choices: tuple[str, ...] = ()) -> Parameter:
    enum = {"enum_values": list(choices)} if choices else {}
    return _TYPES[type(default)](name, default_value=default, **enum)


def _values(choices: type[StrEnum]) -> tuple[str, ...]:
    return tuple(choice.value for choice in choices)


def text(parameter: Parameter) -> object:
    """Return a parameter's value as the text that arguments and hyperparameters must be."""
    return parameter if isinstance(parameter, ParameterString) else parameter.to_string()
