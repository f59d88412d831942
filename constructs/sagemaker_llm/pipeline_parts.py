"""What the pipeline's definition is made from: settings, places, images, roles and the endpoint."""

from dataclasses import dataclass

import aws_cdk as cdk

from .container_image import ContainerImage
from .job_code import JobCode
from .llm_endpoint import LlmEndpoint
from .model_registry import ModelRegistry
from .model_release import ModelRelease
from .model_store import ModelStore
from .tuning_roles import TuningRoles
from .tuning_settings import TuningSettings
from .tuning_storage import BASE_MODELS, TuningStorage
from .weights import JumpStartWeights


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
    def region(self) -> str:
        """The region of all of it."""
        return cdk.Stack.of(self.storage).region

    @property
    def key_arn(self) -> str:
        """The key of all that jobs write."""
        return self.storage.key.key_arn

    @property
    def base_model_uri(self) -> str:
        """The weights to tune: published ones, or those that people put into the data bucket."""
        model = self.endpoint.model
        if isinstance(model.weights, JumpStartWeights):
            bucket = model.weights.bucket_name(self.region)
            return f"s3://{bucket}/{model.weights.key_prefix}"
        return self.storage.data.s3_url_for_object(f"{BASE_MODELS}{model.model_id}/")

    def artifacts_uri(self, prefix: str) -> str:
        """A prefix of the artefact bucket."""
        return self.storage.artifacts.s3_url_for_object(prefix)
