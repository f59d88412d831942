"""What the pipeline's definition is made from: settings, places, images, roles and the endpoint."""

from dataclasses import dataclass

from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.release.registry import ModelRegistry
from sagemaker_llm.release.release import ModelRelease
from sagemaker_llm.release.storage import BASE_MODELS, TuningStorage
from sagemaker_llm.release.store import ModelStore
from sagemaker_llm.serving.endpoint import LlmEndpoint
from sagemaker_llm.tuning.jobs.code import JobCode
from sagemaker_llm.tuning.jobs.roles import TuningRoles
from sagemaker_llm.tuning.settings import TuningSettings


@dataclass(frozen=True, kw_only=True)
class PipelineParts:
    """The constructs behind the steps; what is read of them are tokens that the stack resolves."""

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

    @property
    def key_arn(self) -> str:
        """The key of all that jobs write."""
        return self.storage.key.key_arn

    @property
    def base_model_uri(self) -> str:
        """The weights to tune: those that are served, or those that people put beside the data."""
        if weights := self.endpoint.base_weights:
            return weights.uri
        model_id = self.endpoint.model.model_id
        return self.storage.data.s3_url_for_object(f"{BASE_MODELS}{model_id}/")

    def artifacts_uri(self, prefix: str) -> str:
        """A prefix of the artefact bucket."""
        return self.storage.artifacts.s3_url_for_object(prefix)
