"""No neighbour on the machine is root: every request is signed with a key that the home holds."""

import time
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from embedded_aws.host import credentials
from embedded_aws.iam import permissions
from embedded_aws.tests.account import BUCKET, Account
from embedded_aws.tests.process import EmbeddedAws

# A call of each of AWS's protocols, and the codes by which it refuses an unknown key, a wrong
# signature, and none.
_QUERY = ("InvalidClientTokenId", "SignatureDoesNotMatch", "MissingAuthenticationToken")
_JSON = (
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
)
_S3 = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied")
_CALLS = {
    ("s3", "list_buckets"): _S3,
    ("sts", "get_caller_identity"): _QUERY,
    ("cloudformation", "list_stacks"): _QUERY,
    ("iam", "list_users"): _QUERY,
    ("cloudwatch", "list_metrics"): _QUERY,
    ("sagemaker", "list_models"): _JSON,
    ("application-autoscaling", "describe_scalable_targets"): _JSON,
    ("lambda", "list_functions"): _JSON,
    ("apigateway", "get_rest_apis"): _JSON,
}
_ARGUMENTS = {"describe_scalable_targets": {"ServiceNamespace": "sagemaker"}}
_UNKNOWN = ("test", "000000000000", "AKIAUNKNOWN00000000", "")


def client(
    aws: EmbeddedAws, service: str, key: Credentials | None, signature: str | None = None
) -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{aws.port}",
        region_name="us-east-1",
        aws_access_key_id=key.access_key if key else "unused",
        aws_secret_access_key=key.secret_key if key else "unused",
        aws_session_token=key.token if key else None,
        config=Config(
            signature_version=signature if key else UNSIGNED, retries={"max_attempts": 0}
        ),
    )


def refusal(aws: EmbeddedAws, call: tuple[str, str], key: Credentials | None) -> str:
    """The code by which a call is refused."""
    service, operation = call
    with pytest.raises(ClientError) as refused:
        getattr(client(aws, service, key), operation)(**_ARGUMENTS.get(operation, {}))
    return str(refused.value.response["Error"]["Code"])


def root(aws: EmbeddedAws) -> Credentials:
    return Credentials(*credentials.ensure(aws.home))


def send(aws: EmbeddedAws, key: Credentials, body: str = "{}", **headers: str) -> httpx.Response:
    """Send a signed ListModels, with headers that are added after it was signed."""
    request = AWSRequest(
        "POST",
        f"http://127.0.0.1:{aws.port}/",
        {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "SageMaker.ListModels"},
        b"{}",
    )
    SigV4Auth(key, "sagemaker", "us-east-1").add_auth(request)
    added = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(
        request.url, content=body, headers={**dict(request.headers), **added}, timeout=120
    )


@pytest.mark.parametrize("call", _CALLS, ids=lambda call: call[0])
def test_each_protocol_refuses_in_awss_words(account: Account, call: tuple[str, str]) -> None:
    unknown, mismatch, missing = _CALLS[call]
    for key_id in _UNKNOWN[:-1]:
        assert refusal(account.aws, call, Credentials(key_id, "test")) == unknown
    key = root(account.aws)
    assert refusal(account.aws, call, Credentials(key.access_key, "wrong")) == mismatch
    assert refusal(account.aws, call, None) == missing


def test_the_roots_secret_signs_for_no_other_key(account: Account) -> None:
    secret = root(account.aws).secret_key
    for key_id in _UNKNOWN:
        assert send(account.aws, Credentials(key_id, secret)).status_code in {400, 403}


def test_a_signed_request_is_served_only_as_it_was_signed(account: Account) -> None:
    key = root(account.aws)
    assert "Models" in send(account.aws, key).json()
    assert "InvalidSignature" in send(account.aws, key, body='{"MaxResults": 1}').text
    changed = send(account.aws, key, X_Amz_Target="SageMaker.ListEndpoints")
    assert "InvalidSignature" in changed.text
    added = send(account.aws, key, X_Amz_Security_Token="made up")
    assert added.status_code == 400
    two = [("Authorization", "AWS4-HMAC-SHA256 x"), ("Authorization", "AWS4-HMAC-SHA256 y")]
    answer = httpx.get(f"http://127.0.0.1:{account.aws.port}/", headers=two, timeout=120)
    assert answer.status_code in {400, 403}


def test_a_signature_is_good_for_minutes_only(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = root(account.aws)
    now = time.time()
    for seconds, status in ((240, 200), (-240, 200), (400, 400), (-400, 400)):
        then = time.gmtime(now + seconds)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", then)

        def modified(_signer: Any, request: Any, stamp: str = stamp) -> None:
            request.context["timestamp"] = stamp
            del request.headers["X-Amz-Date"]
            request.headers["X-Amz-Date"] = stamp

        with monkeypatch.context() as patch:
            patch.setattr(SigV4Auth, "_modify_request_before_signing", modified)
            assert send(account.aws, key).status_code == status, seconds


def test_a_presigned_url_opens_its_object_and_nothing_else(account: Account) -> None:
    account.put("presigned", "content")
    s3 = client(account.aws, "s3", root(account.aws), signature="s3v4")
    target = {"Bucket": BUCKET, "Key": "presigned"}
    url = s3.generate_presigned_url("get_object", target, ExpiresIn=60)
    assert httpx.get(url, timeout=120).text == "content"
    assert httpx.delete(url, timeout=120).status_code == 403
    assert httpx.get(url.replace("/presigned?", "/other?"), timeout=120).status_code == 403
    assert (
        httpx.get(url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"), timeout=120).status_code
        == 403
    )
    for header in ("X-Amz-Target", "X-Amz-Copy-Source"):
        answer = httpx.get(url, headers={header: "SageMaker.ListModels"}, timeout=120)
        assert answer.status_code in {400, 403}
        assert "Signature" in answer.text
    expired = s3.generate_presigned_url("get_object", target, ExpiresIn=0)
    time.sleep(1.1)
    assert "expired" in httpx.get(expired, timeout=120).text


def test_a_presigned_url_of_s3_cannot_call_another_service(account: Account) -> None:
    s3 = client(account.aws, "s3", root(account.aws), signature="s3v4")
    url = s3.generate_presigned_url(
        "create_multipart_upload", {"Bucket": BUCKET, "Key": "x"}, ExpiresIn=60
    )
    assert httpx.post(url, timeout=120).status_code == 200
    form = {"Action": "CreateUser", "Version": "2010-05-08", "UserName": "mallory"}
    httpx.post(url, data=form, timeout=120)
    users = account.aws.client("iam").list_users()["Users"]
    assert "mallory" not in {user["UserName"] for user in users}


def test_the_second_version_of_signatures_is_refused_as_for_new_buckets(account: Account) -> None:
    account.put("presigned", "content")
    target = {"Bucket": BUCKET, "Key": "presigned"}
    url = account.s3.generate_presigned_url("get_object", target)  # boto3's default is version 2
    assert "Signature=" in url
    assert "AWS4-HMAC-SHA256" in httpx.get(url, timeout=120).text


def test_keys_of_users_and_sessions_open_what_their_policies_allow(account: Account) -> None:
    iam = account.aws.client("iam")
    iam.create_user(UserName="ann")
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    key = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    identity = client(account.aws, "sts", key).get_caller_identity()
    assert identity["Arn"].endswith(":user/ann")
    assert refusal(account.aws, ("iam", "list_users"), key) == "AccessDenied"
    session = account.aws.client("sts").get_session_token()["Credentials"]
    parts = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    client(account.aws, "sts", Credentials(*parts)).get_caller_identity()
    for token in (None, "made up"):
        code = refusal(account.aws, ("sts", "get_caller_identity"), Credentials(*parts[:2], token))
        assert code == "InvalidClientTokenId"


def test_a_large_body_is_taken_however_it_is_signed(account: Account, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40_000
    (tmp_path / "file").write_bytes(content)
    account.s3.upload_file(str(tmp_path / "file"), BUCKET, "large/parts")  # over 8 MB: in parts
    with (tmp_path / "file").open("rb") as stream:
        account.s3.put_object(Bucket=BUCKET, Key="large/stream", Body=stream)
    for key in ("large/parts", "large/stream"):
        assert account.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == content


def test_a_roles_secrets_cannot_be_worked_out() -> None:
    role = "arn:aws:iam::000000000000:role/r"
    config = {"Role": role, "FunctionName": "f", "FunctionArn": "arn:aws:lambda:x:y:function:f"}
    kept = permissions.function_credentials(config)
    assert kept == permissions.function_credentials(config)
    fresh = permissions._new_session(role, "f")
    assert not set(fresh.values()) & set(kept.values())
    assert len(fresh["AWS_SECRET_ACCESS_KEY"]) >= 40


def test_the_environment_that_a_shell_takes_holds_the_homes_credentials(account: Account) -> None:
    words = account.aws.exported()
    given = (words["AWS_ACCESS_KEY_ID"], words["AWS_SECRET_ACCESS_KEY"])
    assert given == credentials.ensure(account.aws.home)


def test_each_home_has_credentials_of_its_own(tmp_path: Path) -> None:
    first, second = (credentials.ensure(tmp_path / name) for name in ("a", "b"))
    assert not set(first) & set(second)
    assert credentials.ensure(tmp_path / "a") == first
    assert min(map(len, first)) == 20
    assert (tmp_path / "a" / "credentials").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "garbage", "[default]\naws_access_key_id = x\n", "\xff"])
def test_a_credentials_file_that_holds_none_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "credentials").write_text(content, encoding="latin-1")
    with pytest.raises(SystemExit, match="delete it, and the next start creates it"):
        credentials.ensure(tmp_path)
