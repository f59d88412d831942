"""What lets GitHub Actions deploy to an account: an administrator deploys it, and CI never."""

from collections.abc import Mapping

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
from constructs import Construct

from .accounts import Place, Repository, bootstrap_role

_HOST = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"
# The roles of a bootstrap that the CDK CLI works with; the stacks have no images, and no look-ups
# but those of `cdk diff`.
_BOOTSTRAP_ROLES = ("deploy", "file-publishing", "lookup")
# An update of an endpoint may take three hours (`MaximumExecutionTimeoutInSeconds`).
_SESSION = cdk.Duration.hours(4)


class DeliveryStack(cdk.Stack):
    """Two roles for each environment of an account, which its jobs at GitHub may assume.

    The one that deploys can assume the roles of its environment's own bootstrap, the one that only
    reads that for look-ups; neither does anything itself. A nightly job reads, and nobody is awake
    to approve it: so it runs in an environment of its own at GitHub, such as `prod-nightly`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository: Repository,
        environments: Mapping[str, Place],
        account: str,
        region: str,
        tags: Mapping[str, str],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name="Delivery",
            description="The roles that GitHub Actions deploys with",
            env=cdk.Environment(account=account, region=region),
            # Whoever deploys it, with the rights that he has: no bootstrap may create these roles.
            synthesizer=cdk.LegacyStackSynthesizer(),
            termination_protection=True,
            tags=dict(tags),
        )
        provider_arn = self._provider(repository)
        for name, place in environments.items():
            iam.Role(
                self,
                name.capitalize(),
                role_name=f"{name.capitalize()}-Delivery",
                description=f"GitHub's environment {name} of {repository.name} deploys with it",
                assumed_by=_jobs(provider_arn, repository, name),
                max_session_duration=_SESSION,
                inline_policies={"Bootstrap": _bootstrap_roles(name, place, _BOOTSTRAP_ROLES)},
            )
            iam.Role(
                self,
                f"{name.capitalize()}Nightly",
                role_name=f"{name.capitalize()}-Nightly",
                description=f"GitHub's environment {name}-nightly reads with it",
                assumed_by=_jobs(provider_arn, repository, f"{name}-nightly"),
                inline_policies={"Bootstrap": _bootstrap_roles(name, place, ("lookup",))},
            )

    def _provider(self, repository: Repository) -> str:
        """Return the ARN of GitHub's provider, of which an account has one at most."""
        if self.account in repository.accounts_with_provider:
            return f"arn:{cdk.Aws.PARTITION}:iam::{self.account}:oidc-provider/{_HOST}"
        provider = iam.OidcProviderNative(
            self, "GitHub", url=f"https://{_HOST}", client_ids=[_AUDIENCE]
        )
        return provider.oidc_provider_arn


def _jobs(provider_arn: str, repository: Repository, environment: str) -> iam.IPrincipal:
    """Return the jobs of the repository that run in an environment of GitHub's, and no others."""
    return iam.WebIdentityPrincipal(
        provider_arn,
        {
            "StringEquals": {
                f"{_HOST}:aud": _AUDIENCE,
                f"{_HOST}:sub": repository.subjects(environment),
            }
        },
    )


def _bootstrap_roles(environment: str, place: Place, kinds: tuple[str, ...]) -> iam.PolicyDocument:
    roles = [bootstrap_role(environment, kind, place.account, place.region) for kind in kinds]
    arns = [f"arn:{cdk.Aws.PARTITION}:iam::{place.account}:role/{role}" for role in roles]
    return iam.PolicyDocument(
        statements=[iam.PolicyStatement(actions=["sts:AssumeRole"], resources=arns)]
    )
