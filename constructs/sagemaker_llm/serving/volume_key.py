"""The customer key of attached volumes, on instances that have no disks of their own."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_kms as kms
from constructs import Construct


class VolumeKey(kms.Key):
    """Rotating key that an endpoint's role may grant to AWS's storage, and use in no other way."""

    def __init__(self, scope: Construct, construct_id: str, *, user: iam.IRole) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Volumes of the endpoint's instances",
            enable_key_rotation=True,
            # The volumes go with the endpoint, so nothing that outlives the stack needs the key.
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        principals: list[iam.IPrincipal] = [user.grant_principal]
        self.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["kms:CreateGrant"],
                principals=principals,
                resources=["*"],  # in a key's policy: this key
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(actions=["kms:DescribeKey"], principals=principals, resources=["*"])
        )
