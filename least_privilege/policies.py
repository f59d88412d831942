"""Every policy that the stacks own, as the account has it: read, written and put back."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from least_privilege.mutants import Json, statements

Client = Callable[[str], Any]

# What the CDK and CloudFormation add to a logical id.
_HASH = re.compile(r"[0-9A-F]{8}$")


@dataclass(frozen=True)
class Policy:
    """One document, and the resource that it lies at."""

    owner: str  # the stack, and the resource's logical id without its hash
    name: str
    document: Json
    put: Callable[[Json], None]
    principal: str = ""  # the name of the role whose policy it is

    @contextmanager
    def replaced(self, document: Json) -> Iterator[None]:
        """Hold another document in its place, and put it back."""
        try:
            self.put(document)
            yield
        finally:
            self.put(self.document)


def policies(client: Client, stacks: list[str]) -> Iterator[Policy]:
    """Yield every policy of the stacks' resources."""
    for stack in stacks:
        for resource in _resources(client, stack):
            read = _READERS.get(resource["ResourceType"])
            if read:
                stem = _HASH.sub("", resource["LogicalResourceId"])
                owner = f"{stack.partition('-')[2]} {stem}"
                yield from read(client, owner, resource["PhysicalResourceId"])


def _resources(client: Client, stack: str) -> Iterator[Json]:
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    for page in pages:
        yield from page["StackResourceSummaries"]


def _of_role(client: Client, owner: str, role: str) -> Iterator[Policy]:
    iam = client("iam")
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]

    def put_trust(document: Json) -> None:
        given = document if document["Statement"] else _nobody("sts:AssumeRole", resource=None)
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(given))

    yield Policy(owner, "trust", _parsed(trust), put_trust, role)
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        found = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        put = partial(_put_role_policy, iam, role, name)
        yield Policy(owner, _HASH.sub("", name), _parsed(found), put, role)


def _put_role_policy(iam: Any, role: str, name: str, document: Json) -> None:
    if document["Statement"]:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    else:
        iam.delete_role_policy(RoleName=role, PolicyName=name)


def _of_managed_policy(client: Client, owner: str, arn: str) -> Iterator[Policy]:
    iam = client("iam")
    kept = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=kept)["PolicyVersion"]
    document = _parsed(version["Document"])

    def put(wanted: Json) -> None:
        inert = {"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}
        given = {**wanted, "Statement": wanted["Statement"] or [inert]}
        iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=json.dumps(given), SetAsDefault=True
        )
        for found in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not found["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=found["VersionId"])

    yield Policy(owner, "managed", document, put, arn.rpartition("/")[2])


def _of_queue(client: Client, owner: str, url: str) -> Iterator[Policy]:
    sqs = client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})

    def put(document: Json) -> None:
        text = json.dumps(document) if document["Statement"] else ""
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})

    if "Policy" in found:
        yield Policy(owner, "queue policy", _parsed(found["Policy"]), put)


def _of_key(client: Client, owner: str, key: str) -> Iterator[Policy]:
    kms = client("kms")
    found = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]

    def put(document: Json) -> None:
        given = document if document["Statement"] else _nobody("kms:*", resource="*")
        kms.put_key_policy(
            KeyId=key,
            PolicyName="default",
            Policy=json.dumps(given),
            BypassPolicyLockoutSafetyCheck=True,
        )

    yield Policy(owner, "key policy", _parsed(found), put)


def _of_bucket(client: Client, owner: str, bucket: str) -> Iterator[Policy]:
    s3 = client("s3")
    try:
        found = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    except s3.exceptions.ClientError:
        return

    def put(document: Json) -> None:
        if document["Statement"]:
            s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
        else:
            s3.delete_bucket_policy(Bucket=bucket)

    yield Policy(owner, "bucket policy", _parsed(found), put)


def _of_function(client: Client, owner: str, function: str) -> Iterator[Policy]:
    lambda_ = client("lambda")

    def get() -> Json:
        try:
            return _parsed(lambda_.get_policy(FunctionName=function)["Policy"])
        except (
            lambda_.exceptions.ResourceNotFoundException
        ):  # without a statement, or with none left
            return {"Statement": []}

    found = get()
    if not statements(found):
        return

    def put(document: Json) -> None:
        for statement in statements(get()):
            lambda_.remove_permission(FunctionName=function, StatementId=statement["Sid"])
        for statement in statements(document):
            lambda_.add_permission(FunctionName=function, **_permission(statement))

    yield Policy(owner, "function policy", found, put)


def _permission(statement: Json) -> Json:
    """Return what AddPermission takes, of the statement that it makes."""
    principal = statement["Principal"]
    source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn")
    return {
        "StatementId": statement["Sid"],
        "Action": statement["Action"],
        "Principal": principal["Service"] if isinstance(principal, dict) else principal,
        **({"SourceArn": source} if source else {}),
    }


def _nobody(action: str, *, resource: str | None) -> Json:
    """Return a document that allows nobody anything, where AWS wants a statement."""
    statement = {"Effect": "Deny", "Principal": {"Service": "nobody.amazonaws.com"}}
    where = {"Resource": resource} if resource else {}
    return {"Version": "2012-10-17", "Statement": [{**statement, "Action": action, **where}]}


def _parsed(document: Any) -> Json:
    found: Json = json.loads(document) if isinstance(document, str) else document
    return {**found, "Statement": statements(found)}


_READERS: dict[str, Callable[[Client, str, str], Iterator[Policy]]] = {
    "AWS::IAM::Role": _of_role,
    "AWS::IAM::ManagedPolicy": _of_managed_policy,
    "AWS::KMS::Key": _of_key,
    "AWS::Lambda::Alias": _of_function,
    "AWS::Lambda::Function": _of_function,
    "AWS::S3::Bucket": _of_bucket,
    "AWS::SQS::Queue": _of_queue,
}
