"""The endpoint's permission to read the tuned models."""

import aws_cdk.aws_iam as iam
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_wildcard
from sagemaker_llm.common.s3_prefix import S3Prefix
from sagemaker_llm.serving.endpoint import LlmEndpoint

from .storage import MODELS, TuningStorage


class ModelReadPolicy(iam.Policy):
    """Lets an endpoint's role read models; it lies with them, so that the endpoint needs no key."""

    def __init__(
        self, scope: Construct, construct_id: str, *, endpoint: LlmEndpoint, storage: TuningStorage
    ) -> None:
        models = S3Prefix(storage.artifacts, MODELS)
        super().__init__(
            scope,
            construct_id,
            statements=[
                iam.PolicyStatement(actions=["s3:GetObject"], resources=[models.objects]),
                models.list_statement(),
                iam.PolicyStatement(actions=["kms:Decrypt"], resources=[storage.key.key_arn]),
            ],
            roles=[endpoint.role],
        )
        acknowledge_wildcard(self, models.objects, reason="a model is all files of its prefix")
