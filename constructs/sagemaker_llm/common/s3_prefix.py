"""A prefix of a bucket, as policies and addresses name it."""

from dataclasses import dataclass
from typing import Annotated

import aws_cdk.aws_iam as iam
import aws_cdk.aws_s3 as s3

from allowed_values.rules import Pattern
from sagemaker_llm.models.checked import Checked

# A wildcard would match others in a policy; a CDK token passes.
_PREFIX = Pattern(r"(?!/)[^*?\s]{1,1024}", "1 to 1024 characters, no / first, no blanks, * or ?")


@dataclass(frozen=True)
class S3Prefix(Checked):
    """All objects under one prefix of a bucket."""

    bucket: s3.IBucket
    prefix: Annotated[str, _PREFIX]
    # Anyone may list the bucket, without credentials: a condition would protect nothing, and refuse
    # SageMaker should it list the prefix without its last slash.
    public: bool = False

    @property
    def objects(self) -> str:
        """The objects' ARN, with a wildcard."""
        return self.bucket.arn_for_objects(f"{self.prefix}*")

    @property
    def uri(self) -> str:
        """The prefix's address."""
        return self.bucket.s3_url_for_object(self.prefix)

    def list_statement(self) -> iam.PolicyStatement:
        """Allow listing what lies here, and nothing else of a bucket that is not public."""
        conditions = {} if self.public else {"StringLike": {"s3:prefix": f"{self.prefix}*"}}
        return iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[self.bucket.bucket_arn],
            conditions=conditions,
        )
