"""The parameters of an execution, with an environment's defaults and choices."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sagemaker_llm.tuning.hyperparameters import OF_PREPARATION, Value, choices_of
from sagemaker_llm.tuning.settings import DataMode, TuningSettings

from .steps.facts import ParameterShape


@dataclass(frozen=True)
class PipelineParameter:
    """A parameter with its default and, for some, the values that it accepts."""

    name: str
    default: Value
    choices: tuple[str, ...] = ()
    is_of_training: bool = False

    @property
    def shape(self) -> ParameterShape:
        """The part that the definition is compiled with."""
        return ParameterShape(
            name=self.name,
            type=type(self.default).__name__,
            has_choices=bool(self.choices),
            is_of_training=self.is_of_training,
        )


def parameters(
    settings: TuningSettings, *, data_uri: str, base_model_uri: str
) -> list[PipelineParameter]:
    """Return the parameters; hyperparameters have JumpStart's names."""
    return [*_own(settings, data_uri, base_model_uri), *_hyperparameters(settings)]


@cache
def shapes() -> tuple[ParameterShape, ...]:
    """Return what all environments share: names, types, and which parameters have choices."""
    settings = TuningSettings(base_model_id="any")
    found = (*_own(settings, "s3://any", "s3://any"), *_hyperparameters(settings))
    return tuple(parameter.shape for parameter in found)


def _own(
    settings: TuningSettings, data_uri: str, base_model_uri: str
) -> Iterator[PipelineParameter]:
    yield PipelineParameter("InputDataUri", data_uri)
    yield PipelineParameter("Mode", settings.mode.value, tuple(mode.value for mode in DataMode))
    yield PipelineParameter("BaseModelUri", base_model_uri)
    yield PipelineParameter("BaseModelId", settings.base_model_id)
    yield PipelineParameter("BaseModelLicense", settings.base_model_license)
    yield PipelineParameter("PrepareInstanceType", settings.prepare_instance_type)
    yield PipelineParameter("TrainingInstanceType", settings.training_instance_type)
    yield PipelineParameter("EvaluationInstanceType", settings.evaluation_instance_type)
    yield PipelineParameter("TestSplit", float(settings.test_split))
    yield PipelineParameter("RetrievalLengths", settings.retrieval_lengths)
    yield PipelineParameter("RetrievalTrials", settings.retrieval_trials)
    yield PipelineParameter("MinLossReduction", float(settings.min_loss_reduction))
    yield PipelineParameter("MinRetrievalChange", float(settings.min_retrieval_change))
    yield PipelineParameter(
        "ModelApprovalStatus",
        settings.approval.value,
        tuple(choice.value for choice in settings.approval.choices),
    )


def _hyperparameters(settings: TuningSettings) -> Iterator[PipelineParameter]:
    for name, value in settings.hyperparameters.items():
        yield PipelineParameter(
            name, value, choices_of(name), is_of_training=name not in OF_PREPARATION
        )
