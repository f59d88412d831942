"""The constructs and settings that the pipeline's definition refers to."""

from dataclasses import dataclass
from typing import Any

from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.common.s3_prefix import S3Prefix
from sagemaker_llm.release.registry import ModelRegistry
from sagemaker_llm.release.release import ModelRelease
from sagemaker_llm.release.storage import (
    BASE_MODELS,
    CANDIDATES,
    CHECKPOINTS,
    DATA,
    EVALUATIONS,
    PREPARED,
    TuningStorage,
)
from sagemaker_llm.release.store import ModelStore
from sagemaker_llm.serving.endpoint import LlmEndpoint
from sagemaker_llm.tuning.jobs.code import JobCode
from sagemaker_llm.tuning.jobs.roles import TuningRoles
from sagemaker_llm.tuning.settings import TuningSettings

from . import compiled
from .parameters import parameters
from .steps.facts import Facts


@dataclass(frozen=True, kw_only=True)
class PipelineParts:
    """The constructs behind the steps; the definition holds their names and ARNs."""

    settings: TuningSettings
    endpoint: LlmEndpoint
    storage: TuningStorage
    registry: ModelRegistry
    release: ModelRelease
    store: ModelStore
    image: ContainerImage
    serving_image: ContainerImage
    code: JobCode
    roles: TuningRoles
    base_weights: S3Prefix | None

    def definition(self) -> dict[str, Any]:
        """Return the pipeline's definition, with tokens that the stack resolves."""
        defaults = parameters(
            self.settings,
            data_uri=self.storage.data.s3_url_for_object(DATA),
            base_model_uri=self._base_model_uri(),
        )
        managed_spot = self.settings.managed_spot
        return compiled.definition(self._facts(), defaults, managed_spot=managed_spot)

    def _base_model_uri(self) -> str:
        """Return the URI of the weights to tune: published ones, or those in the data bucket."""
        if self.base_weights:
            return self.base_weights.uri
        model_id = self.endpoint.model.model_id
        return self.storage.data.s3_url_for_object(f"{BASE_MODELS}{model_id}/")

    def _facts(self) -> Facts:
        settings, model = self.settings, self.endpoint.model
        return Facts(
            prepare_role_arn=self.roles.prepare.role_arn,
            fine_tune_role_arn=self.roles.fine_tune.role_arn,
            evaluate_role_arn=self.roles.evaluate.role_arn,
            key_arn=self.storage.key.key_arn,
            image_uri=self.image.uri,
            serving_image_uri=self.serving_image.uri,
            code_uri=self.code.uri,
            code_file=self.code.file_name,
            prepared_uri=self._artifacts_uri(PREPARED),
            checkpoints_uri=self._artifacts_uri(CHECKPOINTS),
            candidates_uri=self._artifacts_uri(CANDIDATES),
            evaluations_uri=self._artifacts_uri(EVALUATIONS),
            store_function_arn=self.store.function.function_arn,
            package_group=self.registry.group_name,
            release_queue_url=self.release.queue.queue_url,
            serving_environment=model.packaged_environment,
            serving_instance_type=self.endpoint.instance_type,
            prompt_format=model.prompt_format,
            weights_format=model.server.weights_format,
            sample_prompts=str(settings.sample_prompts),
            max_new_tokens=str(settings.max_new_tokens),
            default_min_loss_reduction=str(float(settings.min_loss_reduction)),
            default_min_retrieval_change=str(float(settings.min_retrieval_change)),
        )

    def _artifacts_uri(self, prefix: str) -> str:
        return self.storage.artifacts.s3_url_for_object(prefix.rstrip("/"))
