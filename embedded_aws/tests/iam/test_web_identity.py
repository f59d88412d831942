"""Web identities, and accounts apart: who gets a session of whose role."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.host import credentials
from embedded_aws.iam.issuer import Issuer
from embedded_aws.tests.account import Account, settled

_HOST = "token.actions.githubusercontent.com"
_DEV, _PROD = "111111111111", "222222222222"
_SUBJECTS = ("repo:octo/m:environment:dev", "repo:octo@12/m@345:environment:dev")


@dataclass
class World:
    """Two accounts besides the embedded AWS's own, and GitHub."""

    account: Account
    github: Issuer

    def client(self, service: str, key: dict[str, str] | str) -> Any:
        """Return a client of an account's root, or of a session."""
        if isinstance(key, str):
            secret = credentials.ensure(self.account.aws.home).secret_access_key
            key = {"AccessKeyId": key, "SecretAccessKey": secret}
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key.get("SessionToken"),
        )

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.account.aws.port}"

    def sign_in(self, token: str, account: str = _DEV, **more: Any) -> dict[str, Any]:
        """Return the answer to a job that has its token and nothing else."""
        sts = boto3.client(
            "sts",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            config=Config(signature_version=UNSIGNED),
        )
        role = f"arn:aws:iam::{account}:role/Delivery"
        named = {"RoleArn": role, "RoleSessionName": "job", "WebIdentityToken": token}
        answer: dict[str, Any] = sts.assume_role_with_web_identity(**named, **more)
        return answer


def _template(account: str, subjects: tuple[str, ...]) -> dict[str, Any]:
    """What lets GitHub deploy: its provider, a role for its jobs, and one that it may assume."""
    provider = f"arn:aws:iam::{account}:oidc-provider/{_HOST}"
    equal = {f"{_HOST}:aud": "sts.amazonaws.com", f"{_HOST}:sub": [*subjects]}
    jobs = _trust({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", equal)
    url = {"Url": f"https://{_HOST}", "ClientIdList": ["sts.amazonaws.com"]}
    return {
        "GitHub": {"Type": "AWS::IAM::OIDCProvider", "Properties": url},
        "Delivery": _role("Delivery", jobs, f"arn:aws:iam::{account}:role/Deploy"),
        "Deploy": _role("Deploy", _trust({"AWS": f"arn:aws:iam::{account}:root"}), "*"),
    }


def _trust(
    principal: dict[str, str], action: str = "sts:AssumeRole", equal: dict[str, Any] | None = None
) -> dict[str, Any]:
    condition = {"Condition": {"StringEquals": equal}} if equal else {}
    return {"Effect": "Allow", "Principal": principal, "Action": action, **condition}


def _role(name: str, trust: dict[str, Any], may_assume: str) -> dict[str, Any]:
    version = {"Version": "2012-10-17"}
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": may_assume}
    properties = {
        "RoleName": name,
        "AssumeRolePolicyDocument": {**version, "Statement": [trust]},
        "Policies": [{"PolicyName": "p", "PolicyDocument": {**version, "Statement": [allowed]}}],
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


@pytest.fixture(scope="module")
def world(account: Account) -> Iterator[World]:
    github = Issuer(f"https://{_HOST}")
    world = World(account, github)
    keys = {github.url: github.keys()}
    with account.circumstances(accounts=[_DEV, _PROD], identity_providers=keys):
        for number, subjects in ((_DEV, _SUBJECTS), (_PROD, ("repo:octo/m:environment:prod",))):
            cloudformation = world.client("cloudformation", number)
            body = json.dumps({"Resources": _template(number, subjects)})
            cloudformation.create_stack(
                StackName="Delivery", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
            )
            assert settled(cloudformation, "Delivery")["StackStatus"] == "CREATE_COMPLETE"
        yield world


@pytest.mark.parametrize("subject", _SUBJECTS)
def test_a_job_of_the_environment_gets_a_session_of_its_account(world: World, subject: str) -> None:
    answer = world.sign_in(world.github.token(subject))
    assert answer["SubjectFromWebIdentityToken"] == subject
    assert answer["Provider"].endswith(f":oidc-provider/{_HOST}")
    assert answer["Audience"] == "sts.amazonaws.com"
    sts = world.client("sts", answer["Credentials"])
    assert sts.get_caller_identity()["Account"] == _DEV
    role = {"RoleArn": f"arn:aws:iam::{_DEV}:role/Deploy", "RoleSessionName": "job"}
    assert ":assumed-role/Deploy/" in sts.assume_role(**role)["AssumedRoleUser"]["Arn"]


def _code(world: World, token: str, **more: Any) -> str:
    with pytest.raises(ClientError) as refused:
        world.sign_in(token, **more)
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    "subject",
    [
        "repo:octo/m:environment:prod",
        "repo:octo/m:ref:refs/heads/main",
        "repo:octo/m:pull_request",
        "repo:eve/m:environment:dev",
        "repo:octo@13/m@345:environment:dev",
    ],
)
def test_another_job_is_refused_by_the_trust_policy(world: World, subject: str) -> None:
    assert _code(world, world.github.token(subject)) == "AccessDenied"


def test_a_job_is_refused_by_the_account_of_another_environment(world: World) -> None:
    assert _code(world, world.github.token(_SUBJECTS[0]), account=_PROD) == "AccessDenied"


def test_a_token_that_its_issuer_did_not_sign_is_refused(world: World) -> None:
    forged = Issuer(world.github.url).token(_SUBJECTS[0])
    assert _code(world, forged) == "InvalidIdentityToken"
    head, claims, signature = world.github.token("repo:eve/m:environment:dev").split(".")
    said = {**json.loads(base64.urlsafe_b64decode(claims + "==")), "sub": _SUBJECTS[0]}
    changed = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    assert _code(world, f"{head}.{changed}.{signature}") == "InvalidIdentityToken"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ({"audience": "https://github.com/octo"}, "InvalidIdentityToken"),
        ({"seconds": -1}, "ExpiredTokenException"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_token_for_others_or_of_yesterday_is_refused(
    world: World, token: dict[str, Any], code: str
) -> None:
    assert _code(world, world.github.token(_SUBJECTS[0], **token)) == code


@pytest.mark.parametrize("token", ["none.at.all", "x" * 20, "e30.e30.e30"])
def test_what_is_no_token_is_refused(world: World, token: str) -> None:
    assert _code(world, token) == "InvalidIdentityToken"


def test_an_issuer_that_the_account_does_not_know_is_refused(world: World) -> None:
    stranger = Issuer("https://issuer.example").token(_SUBJECTS[0])
    assert _code(world, stranger) == "InvalidIdentityToken"


def test_a_session_is_no_longer_than_its_role_allows(world: World) -> None:
    token = world.github.token(_SUBJECTS[0])
    assert _code(world, token, DurationSeconds=7200) == "ValidationError"


def test_an_unsigned_request_for_anything_else_is_refused(world: World) -> None:
    form = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    assert httpx.post(world.endpoint, data=form, timeout=120).status_code == 403
    asked = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15"}
    assert httpx.get(world.endpoint, params=asked, timeout=120).status_code == 403
    both = httpx.post(world.endpoint, params=asked, data=form, timeout=120)
    assert "<Code>MissingAuthenticationToken</Code>" in both.text


@pytest.mark.parametrize("role", ["Deploy", "Delivery"])
def test_a_stolen_role_reaches_no_other_account(world: World, role: str) -> None:
    stolen = world.sign_in(world.github.token(_SUBJECTS[0]))["Credentials"]
    sts = world.client("sts", stolen)
    own = {"RoleArn": f"arn:aws:iam::{_DEV}:role/Deploy", "RoleSessionName": "job"}
    deploying = world.client("sts", sts.assume_role(**own)["Credentials"])  # It may assume any.
    other = {"RoleArn": f"arn:aws:iam::{_PROD}:role/{role}", "RoleSessionName": "job"}
    for thief in (sts, deploying):
        with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
            thief.assume_role(**other)


def test_an_account_does_not_see_another_ones_resources(world: World) -> None:
    sagemaker, own = world.client("sagemaker", _PROD), world.account.sagemaker
    sagemaker.create_model_package_group(ModelPackageGroupName="Apart")
    assert "Apart" not in str(own.list_model_package_groups())
    (found,) = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert f":{_PROD}:" in found["ModelPackageGroupArn"]


def test_an_account_has_an_issuer_once(world: World) -> None:
    cloudformation = world.client("cloudformation", _DEV)
    provider = {"GitHub": _template(_DEV, _SUBJECTS)["GitHub"]}
    cloudformation.create_stack(StackName="Again", TemplateBody=json.dumps({"Resources": provider}))
    assert settled(cloudformation, "Again")["StackStatus"] == "ROLLBACK_COMPLETE"
    iam = world.client("iam", _DEV)
    assert len(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]) == 1
