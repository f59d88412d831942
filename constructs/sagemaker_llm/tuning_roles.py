"""The roles of the pipeline's jobs: each reads what its step is given and writes its own prefix."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_s3 as s3
from constructs import Construct

from .container_image import ContainerImage
from .job_code import JobCode
from .job_role import JobRole, Place
from .tuning_storage import (
    BASE_MODELS,
    CANDIDATES,
    CHECKPOINTS,
    DATA,
    EVALUATIONS,
    MODELS,
    PREPARED,
    TuningStorage,
)
from .weights import JumpStartWeights, Weights

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
        weights: Weights,
    ) -> None:
        super().__init__(scope, construct_id)
        data, artifacts, key = storage.data, storage.artifacts, storage.key
        base = [Place(data, BASE_MODELS), *self._published(weights)]
        prepared = Place(artifacts, PREPARED)
        self.prepare: iam.IRole = JobRole(
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
        checkpoints = Place(artifacts, CHECKPOINTS)
        self.fine_tune: iam.IRole = JobRole(
            self,
            "FineTune",
            step="FineTune",
            log_group=_TRAINING,
            image=image,
            code=code,
            key=key,
            reads=[prepared, *base, checkpoints],
            writes=[Place(artifacts, CANDIDATES), checkpoints],
            # SageMaker deletes there what the script deletes of its own checkpoints.
            deletes=[checkpoints],
        )
        self.evaluate: iam.IRole = JobRole(
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

    def _published(self, weights: Weights) -> list[Place]:
        if not isinstance(weights, JumpStartWeights):
            return []
        name = weights.bucket_name(cdk.Stack.of(self).region)
        bucket = s3.Bucket.from_bucket_name(self, "JumpStart", name)
        return [Place(bucket, weights.key_prefix)]
