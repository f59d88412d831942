"""One of AWS's container images: its URI, looked up by region where the stack has none."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
from constructs import Construct

from sagemaker_llm.models.images import Image, dns_suffix, image_uri, registry_account

from .acknowledge import acknowledge_scan


class ContainerImage(Construct):
    """Owns the image's URI, and the mapping by region that a stack without a region needs."""

    def __init__(self, scope: Construct, construct_id: str, *, image: Image) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        if cdk.Token.is_unresolved(stack.region):
            account, suffix = self._account_by_region(image), cdk.Aws.URL_SUFFIX
        else:
            account, suffix = registry_account(stack.region, image), dns_suffix(stack.region)
        self.uri = image_uri(image, account=account, region=stack.region, suffix=suffix)
        self.repository_arn = stack.format_arn(
            service="ecr", account=account, resource="repository", resource_name=image.repository
        )

    def pull_statements(self) -> list[iam.PolicyStatement]:
        """Return what a role needs to pull the image; one resource of it is `*`."""
        return [
            iam.PolicyStatement(
                actions=[
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                resources=[self.repository_arn],
            ),
            # The login is to the registry, so IAM knows no resource for it.
            iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]),
        ]

    @staticmethod
    def acknowledge_pull(role: iam.Role) -> None:
        """Acknowledge what the scanners report of `pull_statements` on a role."""
        acknowledge_scan(
            role,
            "Cloudsplaining::CredentialsExposure[ecr:GetAuthorizationToken]",
            reason="the login opens what the role may pull anyway, which is repositories by name",
        )

    def _account_by_region(self, image: Image) -> str:
        accounts = {region: {"Account": account} for region, account in image.accounts.items()}
        mapping = cdk.CfnMapping(self, "Registries", mapping=accounts)
        return mapping.find_in_map(cdk.Aws.REGION, "Account")
