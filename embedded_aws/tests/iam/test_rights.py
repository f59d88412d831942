"""What a service does for a role or with a resource: refused where AWS would refuse it."""

import io
import json
import time
import zipfile
from typing import Any

import pytest

from embedded_aws.tests.account import (
    BUCKET,
    Account,
    allow,
    read_write,
    s3_input,
    s3_output,
    until,
)

_LAMBDA = "lambda.amazonaws.com"
_LOGS = allow(["logs:CreateLogStream", "logs:PutLogEvents", "logs:CreateLogGroup"])
_PULL = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
]
_HANDLER = "def handle(event, context):\n    print('handled')\n    return {'ok': True}\n"


@pytest.mark.parametrize("missing", _PULL)
def test_a_job_does_not_start_when_its_role_may_not_pull_the_image(
    account: Account, missing: str
) -> None:
    kept = [action for action in _PULL if action != missing]
    role = account.bare_role(allow(kept), *read_write(""), service="sagemaker.amazonaws.com")
    ended = account.process(account.processing("print('ran')", role))
    assert ended["ProcessingJobStatus"] == "Failed"
    action = missing.removeprefix("ecr:")
    assert f"does not have {action} permission for the image" in ended["FailureReason"]


@pytest.fixture(name="key")
def _key(account: Account) -> str:
    return str(account.aws.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture(name="bucket")
def _bucket(account: Account, key: str) -> str:
    """A bucket of a stack whose objects are encrypted under the key."""
    name, cloudformation = account.name("encrypted"), account.aws.client("cloudformation")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = [{"ServerSideEncryptionByDefault": default}]
    encryption = {"ServerSideEncryptionConfiguration": rules}
    properties = {"BucketName": name, "BucketEncryption": encryption}
    template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    account.s3.put_object(Bucket=name, Key="object", Body=b"content")
    return name


@pytest.mark.parametrize(
    ("missing", "call"), [("kms:Decrypt", "get_object"), ("kms:GenerateDataKey", "put_object")]
)
def test_an_object_under_a_key_is_read_and_written_by_who_may_use_the_key(
    account: Account, key: str, bucket: str, missing: str, call: str
) -> None:
    objects = allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*")
    others = {"kms:Decrypt", "kms:GenerateDataKey"} - {missing}
    content = {"Body": b"new"} if call == "put_object" else {}
    request = {"Bucket": bucket, "Key": "object", **content}
    refused = account.caller(objects, allow(list(others), key), service="s3")
    with pytest.raises(refused.exceptions.ClientError, match="AccessDenied"):
        getattr(refused, call)(**request)
    getattr(account.caller(objects, allow([missing], key), service="s3"), call)(**request)


def test_a_job_with_an_output_key_needs_to_encrypt_with_it(account: Account, key: str) -> None:
    output = s3_output("out", f"s3://{BUCKET}/out", "/opt/ml/processing/output")
    request = account.processing(
        "print('ran')",
        account.role(*read_write(""), allow(["kms:GenerateDataKey", "kms:Decrypt"], key)),
        ProcessingOutputConfig={"KmsKeyId": key, "Outputs": [output]},
    )
    assert "kms:Encrypt" in account.process(request)["FailureReason"]


_CODE = allow(["s3:GetObject", "s3:ListBucket"], f"arn:aws:s3:::{BUCKET}*")  # of the job
_READING = ("s3:GetObject", "s3:ListBucket", "kms:Decrypt")


def _let_read(account: Account, role: str, bucket: str, key: str, *actions: str) -> None:
    """Let a role do this by the policies of a bucket and of its key."""
    by, arn = {"Principal": {"AWS": role}}, f"arn:aws:s3:::{bucket}"
    where = {"s3:GetObject": f"{arn}/*", "s3:ListBucket": arn}
    statements = [{**allow(a, where[a]), **by} for a in actions if a in where]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    account.s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    root = {**allow("kms:*"), "Principal": {"AWS": "arn:aws:iam::000000000000:root"}}
    own = [{**allow(a), **by} for a in actions if a.startswith("kms:")]
    account.aws.client("kms").put_key_policy(
        KeyId=key,
        PolicyName="default",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [root, *own]}),
    )


@pytest.mark.parametrize("missing", ["nothing", *_READING])
def test_a_role_reads_what_the_policies_of_a_bucket_and_its_key_let_it_read(
    account: Account, key: str, bucket: str, missing: str
) -> None:
    role = account.role(_CODE)
    _let_read(account, role, bucket, key, *(a for a in _READING if a != missing))
    read = s3_input("data", f"s3://{bucket}/object", "/opt/ml/processing/input/data")
    request = account.processing("print('ran')", role, ProcessingInputs=[read])
    ended = account.process(request)
    assert (ended["ProcessingJobStatus"] == "Completed") == (missing == "nothing"), ended


def test_a_role_is_held_to_its_boundary_where_a_bucket_lets_it_read(
    account: Account, bucket: str, key: str
) -> None:
    role, iam = account.role(_CODE), account.aws.client("iam")
    _let_read(account, role, bucket, key, *_READING)
    document = {
        "Version": "2012-10-17",
        "Statement": [
            allow(["ecr:*", "logs:*", "kms:*"]),
            allow("s3:*", f"arn:aws:s3:::{BUCKET}*"),
        ],
    }
    boundary = iam.create_policy(
        PolicyName=account.name("boundary"), PolicyDocument=json.dumps(document)
    )["Policy"]["Arn"]
    iam.put_role_permissions_boundary(
        RoleName=role.rpartition("/")[2], PermissionsBoundary=boundary
    )
    read = s3_input("data", f"s3://{bucket}/object", "/opt/ml/processing/input/data")
    ended = account.process(account.processing("print('ran')", role, ProcessingInputs=[read]))
    assert f"s3://{bucket}/object" in ended["FailureReason"]


def _function(account: Account, role: str) -> str:
    name, code = account.name("function"), io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", _HANDLER)
    account.aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="handler.handle",
        Code={"ZipFile": code.getvalue()},
        Timeout=60,
    )
    return name


def _invoke(account: Account, function: str) -> dict[str, Any]:
    answer = account.aws.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    return {**json.load(answer["Payload"]), "error": answer.get("FunctionError")}


def _logged(account: Account, function: str) -> bool:
    logs, group = account.aws.client("logs"), f"/aws/lambda/{function}"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return False
    return bool(logs.filter_log_events(logGroupName=group)["events"])


def test_a_function_logs_with_its_role_and_runs_without_logs(account: Account) -> None:
    logging = _function(account, account.bare_role(_LOGS, service=_LAMBDA))
    silent = _function(account, account.bare_role(allow("logs:CreateLogStream"), service=_LAMBDA))
    assert _invoke(account, logging)["ok"]
    assert _invoke(account, silent)["ok"]
    until(lambda: _logged(account, logging))
    assert not _logged(account, silent)


def test_a_function_does_not_run_when_lambda_may_not_assume_its_role(account: Account) -> None:
    function = _function(account, account.bare_role(_LOGS, service="sagemaker.amazonaws.com"))
    assert "cannot be assumed by Lambda" in _invoke(account, function)["errorMessage"]


def _mapped(account: Account, *actions: str) -> tuple[str, str]:
    """A queue, and the function that a mapping with these rights on it feeds."""
    url, sqs = account.queue(), account.aws.client("sqs")
    queue = f"arn:aws:sqs:us-east-1:000000000000:{url.rpartition('/')[2]}"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "3"})
    role = account.bare_role(_LOGS, allow(list(actions), queue), service=_LAMBDA)
    function = _function(account, role)
    account.aws.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=queue
    )
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    return url, function


def _waiting(account: Account, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = account.aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(count) for count in found["Attributes"].values())


def test_a_mapping_reads_and_deletes_with_the_functions_role(account: Account) -> None:
    polling = ("sqs:ReceiveMessage", "sqs:GetQueueAttributes")
    handled, _ = _mapped(account, *polling, "sqs:DeleteMessage")
    kept, keeping = _mapped(account, *polling)
    unread = [
        _mapped(account, *({*polling, "sqs:DeleteMessage"} - {missing})) for missing in polling
    ]
    until(lambda: not _waiting(account, handled))
    until(lambda: _logged(account, keeping))
    assert _waiting(account, kept)
    time.sleep(1)  # what would have been read by now
    for url, function in unread:
        assert _waiting(account, url)
        assert not _logged(account, function)


def test_a_rule_delivers_to_a_queue_whose_policy_lets_it(account: Account) -> None:
    pattern = {"source": ["tests"]}
    closed, open_ = account.events(pattern), account.events(pattern)
    account.aws.client("sqs").set_queue_attributes(QueueUrl=closed, Attributes={"Policy": ""})
    entry = {"Source": "tests", "DetailType": "t", "Detail": "{}"}
    account.aws.client("events").put_events(Entries=[entry])
    assert account.messages(open_, 1)
    assert not _waiting(account, closed)
