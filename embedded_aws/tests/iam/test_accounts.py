"""Accounts apart: what one may do with the buckets and keys of another."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws.host import credentials
from embedded_aws.tests.account import Account

_OWNER, _OTHER = "333333333333", "444444444444"
_BUCKET = "of-the-owner"


def _client(account: Account, service: str, key_id: str, secret: str = "") -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{account.aws.port}",
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret or credentials.ensure(account.aws.home).secret_access_key,
    )


def _policy(action: str, **principal: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*", **principal}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _of(*accounts: str) -> dict[str, Any]:
    return {"Principal": {"AWS": [f"arn:aws:iam::{each}:root" for each in accounts]}}


class World:
    """A bucket with a key in one account, and a user of another one who may do anything there."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.s3, self.kms = (_client(account, each, _OWNER) for each in ("s3", "kms"))
        self._iam = _client(account, "iam", _OTHER)
        self._iam.create_user(UserName="stranger")
        key = self._iam.create_access_key(UserName="stranger")["AccessKey"]
        self._key = (key["AccessKeyId"], key["SecretAccessKey"])
        self.s3.create_bucket(Bucket=_BUCKET)
        self.key_arn = self.kms.create_key()["KeyMetadata"]["Arn"]
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key_arn}
        rule = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        self.s3.put_bucket_encryption(Bucket=_BUCKET, ServerSideEncryptionConfiguration=rule)
        self.s3.put_object(Bucket=_BUCKET, Key="secret", Body=b"x")

    def stranger(self, service: str, may: str = "*") -> Any:
        """A client of the other account's user."""
        document = _policy(may)
        self._iam.put_user_policy(UserName="stranger", PolicyName="p", PolicyDocument=document)
        return _client(self._account, service, *self._key)

    @contextmanager
    def shared(self, *with_key: str) -> Iterator[None]:
        """Let the other account use the bucket for a while, and these accounts the key."""
        resources = [f"arn:aws:s3:::{_BUCKET}", f"arn:aws:s3:::{_BUCKET}/*"]
        shared = _policy("s3:*", **_of(_OTHER), Resource=resources)
        self.s3.put_bucket_policy(Bucket=_BUCKET, Policy=shared)
        key_policy = _policy("kms:*", **_of(_OWNER, *with_key))
        self.kms.put_key_policy(KeyId=self.key_arn, PolicyName="default", Policy=key_policy)
        yield
        self.s3.delete_bucket_policy(Bucket=_BUCKET)


@pytest.fixture(scope="module")
def world(account: Account) -> Iterator[World]:
    with account.circumstances(accounts=[_OWNER, _OTHER]):
        yield World(account)


def _code(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("operation", "more", "refused", "unknown"),
    [
        ("head_bucket", {}, "403", "404"),
        ("list_objects_v2", {}, "AccessDenied", "NoSuchBucket"),
        ("get_bucket_location", {}, "AccessDenied", "NoSuchBucket"),
        ("head_object", {"Key": "none"}, "403", "404"),
        ("get_object", {"Key": "secret"}, "AccessDenied", "NoSuchBucket"),
        ("put_object", {"Key": "new", "Body": b""}, "AccessDenied", "NoSuchBucket"),
        ("delete_bucket", {}, "AccessDenied", "NoSuchBucket"),
    ],
)
def test_another_account_s_bucket_is_refused_and_only_one_that_nobody_has_is_not_found(
    world: World, operation: str, more: dict[str, Any], refused: str, unknown: str
) -> None:
    call = getattr(world.stranger("s3"), operation)
    assert _code(call, Bucket=_BUCKET, **more) == refused
    assert _code(call, Bucket="of-nobody", **more) == unknown


def test_the_name_of_another_account_s_bucket_is_taken(world: World) -> None:
    assert _code(world.stranger("s3").create_bucket, Bucket=_BUCKET) == "BucketAlreadyExists"


def test_a_shared_bucket_s_objects_also_want_the_right_to_its_key(world: World) -> None:
    read = {"Bucket": _BUCKET, "Key": "secret"}
    with world.shared():
        assert _code(world.stranger("s3").get_object, **read) == "AccessDenied"
        asked = _code(world.stranger("kms").describe_key, KeyId=world.key_arn)
        assert asked.startswith("AccessDenied")
    with world.shared(_OTHER):
        assert _code(world.stranger("s3", may="s3:*").get_object, **read) == "AccessDenied"
        assert _code(world.stranger("s3", may="s3:*").put_object, **read) == "AccessDenied"
        assert world.stranger("s3").get_object(**read)["Body"].read() == b"x"
