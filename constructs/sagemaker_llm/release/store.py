"""The store of trained models: prefixes that one function writes, and no job."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_wildcard
from sagemaker_llm.common.function_assets import FunctionTarget
from sagemaker_llm.common.log_keeping import KEPT_FOR_A_YEAR, LogKeeping
from sagemaker_llm.common.packaged_function import PackagedFunction
from sagemaker_llm.common.s3_prefix import S3Prefix

from .storage import CANDIDATES, INVENTORIES, MODELS, TuningStorage


class ModelStore(Construct):
    """Owns the function that copies a finished job's model to where models are served from."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: TuningStorage,
        target: FunctionTarget = FunctionTarget.AWS,
        log_keeping: LogKeeping = KEPT_FOR_A_YEAR,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = PackagedFunction(
            self,
            "Default",
            package="model_release",
            target=target,
            handler="model_release.store.handle",
            description="Checks a trained model and copies it to where no job can write",
            environment={"BUCKET": storage.artifacts.bucket_name},
            log_keeping=log_keeping,
            memory_mib=512,
            timeout=cdk.Duration.minutes(10),  # as long as a pipeline's Lambda step may last
        )
        self._grant(storage)
        self._lock(storage)

    def _grant(self, storage: TuningStorage) -> None:
        candidates, models, inventories = (
            S3Prefix(storage.artifacts, prefix) for prefix in (CANDIDATES, MODELS, INVENTORIES)
        )
        for actions, resources in (
            (
                ["s3:GetObject"],
                [location.objects for location in (candidates, models, inventories)],
            ),
            (["s3:PutObject"], [location.objects for location in (models, inventories)]),
            (["kms:Decrypt", "kms:GenerateDataKey"], [storage.key.key_arn]),
        ):
            self.function.allow(iam.PolicyStatement(actions=actions, resources=resources))
        # An inventory is listed before it is read: there may be none yet.
        for location in (candidates, models, inventories):
            self.function.allow(location.list_statement())
            acknowledge_wildcard(
                self.function.role,
                location.objects,
                reason="a model is all files of its prefix, which is named after its job",
            )

    def _lock(self, storage: TuningStorage) -> None:
        """Deny writes to every other principal, whatever its own policies allow.

        Deleting old models stays with those whom the account lets do it: it changes no content.
        """
        locations = (S3Prefix(storage.artifacts, prefix) for prefix in (MODELS, INVENTORIES))
        storage.artifacts.add_to_resource_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[location.objects for location in locations],
                conditions={"ArnNotEquals": {"aws:PrincipalArn": self.function.role.role_arn}},
            )
        )
