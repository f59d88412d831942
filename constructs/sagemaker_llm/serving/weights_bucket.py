"""The bucket that an operator stages a model's weights into, before anything serves them."""

import aws_cdk as cdk
import aws_cdk.aws_s3 as s3
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge, acknowledge_scan
from sagemaker_llm.common.log_keeping import check_removal_policy
from sagemaker_llm.common.published import Published
from sagemaker_llm.common.s3_prefix import S3Prefix
from sagemaker_llm.models.catalog import CatalogEntry
from sagemaker_llm.models.weights import JumpStartWeights, Staged

_PREFIX = "base-models/"


class WeightsBucket(Construct):
    """Owns the bucket; nothing of this library writes it.

    Published weights are no secret, so that S3's own key is enough.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, removal_policy: cdk.RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id)
        check_removal_policy("removal_policy", removal_policy)
        self._bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            removal_policy=removal_policy,
        )
        assert self._bucket.policy  # noqa: S101 - it enforces TLS
        self._bucket.policy.apply_removal_policy(removal_policy)
        self._bucket.add_lifecycle_rule(
            abort_incomplete_multipart_upload_after=cdk.Duration.days(7)
        )
        reason = "who reads which object is for CloudTrail's data events"
        acknowledge(self._bucket, "S1", reason=reason)
        acknowledge_scan(self._bucket, "Checkov::CKV_AWS_18", reason=reason)
        self._name = Published(self, "Name", value=self._bucket.bucket_name)

    def prefix_of(self, model: CatalogEntry) -> S3Prefix:
        """Return the prefix of a model's weights; raise ValueError without a revision."""
        weights = model.weights
        if not isinstance(weights, Staged):
            raise TypeError(f"{model.model_id} must have staged weights, got {weights}")
        if not weights.revision:
            raise ValueError(
                f"revision of {model.model_id} must be chosen: pin a commit of"
                f" {weights.repository} on the hub with at_revision('<40 hex digits>')"
            )
        return S3Prefix(self._bucket, f"{_PREFIX}{model.model_id}/{weights.revision}/")

    def prefix_for(self, reader: Construct, model: CatalogEntry) -> S3Prefix:
        """Return the prefix as the stack of a reader knows it, which is deployed after this one."""
        own, stack = self.prefix_of(model), cdk.Stack.of(reader)
        if stack is cdk.Stack.of(self):
            return own
        name = self._name.read_by(stack)
        return S3Prefix(s3.Bucket.from_bucket_name(reader, "StagedWeights", name), own.prefix)


def published_weights(
    scope: Construct, model: CatalogEntry, staged: WeightsBucket | None
) -> S3Prefix | None:
    """Return the prefix that SageMaker downloads base weights from; None for packaged ones."""
    if isinstance(model.weights, JumpStartWeights):
        return _of_jumpstart(scope, model.weights)
    if isinstance(model.weights, Staged):
        if staged is None:
            raise ValueError(f"weights_bucket must be given for {model.model_id}: it is staged")
        return staged.prefix_for(scope, model)
    return None


def tuned_weights(
    scope: Construct, model: CatalogEntry, served: S3Prefix | None
) -> S3Prefix | None:
    """Return the prefix that fine-tuning starts from; None for weights that are uploaded for it."""
    if model.tuned_from is None:
        return served
    if isinstance(model.tuned_from, JumpStartWeights):
        return _of_jumpstart(scope, model.tuned_from)
    return None


def _of_jumpstart(scope: Construct, weights: JumpStartWeights) -> S3Prefix:
    name = weights.bucket_name(cdk.Stack.of(scope).region)
    bucket = s3.Bucket.from_bucket_name(scope, "JumpStart", name)
    return S3Prefix(bucket, weights.key_prefix, public=True)
