"""The job scripts as SageMaker jobs read them: a zip among their inputs, which Python runs."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_s3_assets as s3_assets
from constructs import Construct

from sagemaker_llm.common.sources import JOBS

_LEFT_OUT = ("__pycache__", ".*")


class JobCode(Construct):
    """Owns the asset."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._zip = s3_assets.Asset(
            self,
            "Zip",
            path=str(JOBS),
            exclude=[pattern for name in _LEFT_OUT for pattern in (name, f"**/{name}")],
            ignore_mode=cdk.IgnoreMode.GLOB,
        )

    @property
    def uri(self) -> str:
        """Where the zip lies in S3."""
        return self._zip.s3_object_url

    @property
    def file_name(self) -> str:
        """The zip's name in S3, which is its name in a job too."""
        return self._zip.s3_object_key.rpartition("/")[2]

    def read_statements(self) -> list[iam.PolicyStatement]:
        """Return what a job's role needs to fetch the zip, and nothing else beside it."""
        return [
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                resources=[self._zip.bucket.arn_for_objects(self._zip.s3_object_key)],
            ),
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[self._zip.bucket.bucket_arn],
                conditions={"StringEquals": {"s3:prefix": self._zip.s3_object_key}},
            ),
        ]
