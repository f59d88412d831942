"""The roles of the pipeline's jobs: each reads its step's inputs and writes its own prefix."""

from constructs import Construct

from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.common.s3_prefix import S3Prefix
from sagemaker_llm.release.storage import (
    BASE_MODELS,
    CANDIDATES,
    CHECKPOINTS,
    DATA,
    EVALUATIONS,
    MODELS,
    PREPARED,
    TuningStorage,
)

from .code import JobCode
from .role import JobRole

_PROCESSING, _TRAINING = "ProcessingJobs", "TrainingJobs"


class TuningRoles(Construct):
    """Owns a role for each job."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: ContainerImage,
        code: JobCode,
        storage: TuningStorage,
        base_weights: S3Prefix | None,
    ) -> None:
        super().__init__(scope, construct_id)
        data, artifacts, key = storage.data, storage.artifacts, storage.key
        base = [S3Prefix(data, BASE_MODELS), *([base_weights] if base_weights else [])]
        prepared = S3Prefix(artifacts, PREPARED)
        self.prepare = JobRole(
            self,
            "Prepare",
            step="Prepare",
            log_group=_PROCESSING,
            image=image,
            code=code,
            key=key,
            reads=[S3Prefix(data, DATA)],
            writes=[prepared],
        )
        checkpoints = S3Prefix(artifacts, CHECKPOINTS)
        self.fine_tune = JobRole(
            self,
            "FineTune",
            step="FineTune",
            log_group=_TRAINING,
            image=image,
            code=code,
            key=key,
            reads=[prepared, *base, checkpoints],
            writes=[S3Prefix(artifacts, CANDIDATES), checkpoints],
            # SageMaker deletes there what the script deletes of its own checkpoints.
            deletes=[checkpoints],
        )
        self.evaluate = JobRole(
            self,
            "Evaluate",
            step="Evaluate",
            log_group=_PROCESSING,
            image=image,
            code=code,
            key=key,
            reads=[prepared, *base, S3Prefix(artifacts, MODELS)],
            writes=[S3Prefix(artifacts, EVALUATIONS)],
        )
