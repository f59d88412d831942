"""The storage of data, intermediate results and models: two buckets under one key."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_kms as kms
import aws_cdk.aws_s3 as s3
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge, acknowledge_scan
from sagemaker_llm.common.log_keeping import check_removal_policy
from sagemaker_llm.common.s3_prefix import S3Prefix

# Under the data bucket: what people upload.
DATA, BASE_MODELS = "data/", "base-models/"

# Under the artefact bucket: a prefix for each job, which no other job writes...
PREPARED, CHECKPOINTS, CANDIDATES, EVALUATIONS = (
    "prepared/",
    "checkpoints/",
    "candidates/",
    "evaluations/",
)
# ...and those that no job writes: models that may be served, and what each consists of.
MODELS, INVENTORIES = "models/", "inventories/"

_INTERMEDIATE_KEPT = cdk.Duration.days(90)  # longer than results of a step are taken over
_NONCURRENT_KEPT = cdk.Duration.days(30)
# A full training of 7B writes 87 GB with each, and only the newest are of use.
_CHECKPOINTS_KEPT, _OLD_CHECKPOINTS_KEPT = cdk.Duration.days(14), cdk.Duration.days(1)


class TuningStorage(Construct):
    """Owns the key and the buckets of fine-tuning; all that is in them is encrypted.

    The policies of a bucket that is retained are retained too, as is the key's.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, removal_policy: cdk.RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id)
        check_removal_policy("data_removal_policy", removal_policy)
        self.key = kms.Key(
            self,
            "Key",
            description="Data, models and reports of fine-tuning",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        self.data = self._bucket("Data", removal_policy)
        self.artifacts = self._bucket("Artifacts", removal_policy)
        for prefix in (PREPARED, CANDIDATES):
            self.artifacts.add_lifecycle_rule(prefix=prefix, expiration=_INTERMEDIATE_KEPT)
        self.artifacts.add_lifecycle_rule(
            prefix=CHECKPOINTS,
            expiration=_CHECKPOINTS_KEPT,
            noncurrent_version_expiration=_OLD_CHECKPOINTS_KEPT,
        )

    def grant_serving(self, role: iam.IRole) -> None:
        """Allow an endpoint's role to read models, for as long as they are kept.

        The policies of the bucket and the key say so, not the role's: an endpoint that serves a
        model goes on reading it after this stack was deleted, on every instance that is added.
        """
        models, reader = S3Prefix(self.artifacts, MODELS), role.grant_principal
        listing = models.list_statement()
        listing.add_principals(reader)
        self.artifacts.add_to_resource_policy(listing)
        self.artifacts.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"], resources=[models.objects], principals=[reader]
            )
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt"],
                resources=["*"],  # in a key's policy: this key
                principals=[reader],
            )
        )

    def _bucket(self, name: str, removal_policy: cdk.RemovalPolicy) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            removal_policy=removal_policy,
        )
        bucket.add_lifecycle_rule(
            abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
            noncurrent_version_expiration=_NONCURRENT_KEPT,
        )
        assert bucket.policy  # noqa: S101 - it enforces TLS
        bucket.policy.apply_removal_policy(removal_policy)
        reason = (
            "who reads which object is for CloudTrail's data events, which an account switches on"
            " for all its buckets"
        )
        acknowledge(bucket, "S1", reason=reason)
        acknowledge_scan(bucket, "Checkov::CKV_AWS_18", reason=reason)
        return bucket
