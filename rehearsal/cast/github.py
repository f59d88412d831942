"""GitHub, as far as a deployment sees it: tokens for jobs, and the approval of prod's."""

from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from embedded_aws.iam.issuer import Issuer

URL = "https://token.actions.githubusercontent.com"
REPOSITORY, OWNER_ID, REPOSITORY_ID = "octo-org/mistral", 12, 345
_REVIEWED = ("prod",)  # the environments that ask for an approval

Variables = dict[str, str]


class NotApprovedError(Exception):
    """A job of an environment that nobody has approved: GitHub hands out no token."""


@dataclass
class GitHub:
    """Hands a job its token, as its repository and its environment at GitHub say."""

    endpoint_url: str
    issuer: Issuer = field(default_factory=lambda: Issuer(URL))
    _approved: set[tuple[str, str]] = field(default_factory=set, init=False)

    def approve(self, commit: str, environment: str) -> None:
        """Let the commit's job run in the environment, as a person who reviews it."""
        self._approved.add((commit, environment))

    def token(self, commit: str, environment: str, *, numbered: bool = True) -> str:
        """Return the token of a job; raises NotApprovedError.

        Repositories that were made since July 2026 have their ids in the subject.
        """
        if environment in _REVIEWED and (commit, environment) not in self._approved:
            raise NotApprovedError(f"{environment} waits for an approval of {commit[:7]}")
        owner, _, name = REPOSITORY.partition("/")
        repository = f"{owner}@{OWNER_ID}/{name}@{REPOSITORY_ID}" if numbered else REPOSITORY
        return self.issuer.token(f"repo:{repository}:environment:{environment}")

    def sign_in(self, token: str, role: str, region: str, seconds: int = 3600) -> Variables:
        """Return the variables of a session of the role, as `configure-aws-credentials` sets them.

        Raises botocore's ClientError when AWS refuses.
        """
        sts = boto3.client(
            "sts",
            endpoint_url=self.endpoint_url,
            region_name=region,
            config=Config(signature_version=UNSIGNED, proxies={}),
        )
        answer = sts.assume_role_with_web_identity(
            RoleArn=role,
            RoleSessionName="github-1",
            WebIdentityToken=token,
            DurationSeconds=seconds,
        )
        return variables(answer["Credentials"], region)

    def chain(self, session: Variables, role: str) -> Variables:
        """Return the variables of a session that another one assumes; raises ClientError."""
        region = session["AWS_REGION"]
        sts = boto3.client(
            "sts",
            endpoint_url=self.endpoint_url,
            region_name=region,
            aws_access_key_id=session["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=session["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=session["AWS_SESSION_TOKEN"],
            config=Config(proxies={}),
        )
        answer = sts.assume_role(RoleArn=role, RoleSessionName="github-1")
        return variables(answer["Credentials"], region)


def variables(credentials: dict[str, Any], region: str) -> Variables:
    """Return what AWS's clients read."""
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        **({"AWS_SESSION_TOKEN": t} if (t := credentials.get("SessionToken")) else {}),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }
