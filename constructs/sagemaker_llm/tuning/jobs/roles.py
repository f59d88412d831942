"""The roles of the pipeline's jobs: each reads what its step is given and writes its own prefix."""

from constructs import Construct

from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.common.s3_prefix import Place
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
        base_weights: Place | None,
        saves_checkpoints: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        data, artifacts, key = storage.data, storage.artifacts, storage.key
        base = [Place(data, BASE_MODELS), *([base_weights] if base_weights else [])]
        prepared = Place(artifacts, PREPARED)
        self.prepare = JobRole(
            self,
            "Prepare",
            step="Prepare",
            log_group=_PROCESSING,
            image=image,
            code=code,
            key=key,
            reads=[Place(data, DATA)],
            writes=[prepared],
        )
        checkpoints = [Place(artifacts, CHECKPOINTS)] if saves_checkpoints else []
        self.fine_tune = JobRole(
            self,
            "FineTune",
            step="FineTune",
            log_group=_TRAINING,
            image=image,
            code=code,
            key=key,
            reads=[prepared, *base, *checkpoints],
            writes=[Place(artifacts, CANDIDATES), *checkpoints],
            # SageMaker deletes there what the script deletes of its own checkpoints.
            deletes=checkpoints,
        )
        self.evaluate = JobRole(
            self,
            "Evaluate",
            step="Evaluate",
            log_group=_PROCESSING,
            image=image,
            code=code,
            key=key,
            reads=[prepared, *base, Place(artifacts, MODELS)],
            writes=[Place(artifacts, EVALUATIONS)],
        )
