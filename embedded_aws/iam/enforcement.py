"""What ministack's IAM does not ask: the caller's right to an object's key, and a log's stream."""

import json
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import kms, s3

from embedded_aws.core.emulator import Json, region, scope
from embedded_aws.iam.permissions import log_refusal

# What S3 asks of KMS for a caller that reads or writes an object under a key.
_KEY_ACTIONS = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}


def complete_enforcement() -> None:
    """Let S3 ask for the caller's right to the key, whosever account it is in, and log refusals."""
    enforce, find_resource = iam_evaluator.enforce, iam_actions.extract_resource_arn

    def resource_with_stream(service: str, *request: Any) -> str:
        found: str = find_resource(service, *request)
        if service != "logs" or ":log-group:" not in found:
            return found
        # AWS asks about a stream of the group, with no name where the call has none.
        stream = json.loads(request[3] or b"{}").get("logStreamName", "")
        return f"{found}:log-stream:{stream}"

    def enforce_completely(
        access_key: str,
        action: str,
        service: str,
        region_name: str,
        resource_arn: str = "*",
        service_context: Json | None = None,
    ) -> Any:
        asked = [(action, service, resource_arn, service_context)]
        if action in _KEY_ACTIONS and (key_arn := _object_key(action, resource_arn)):
            asked.append((_KEY_ACTIONS[action], "kms", key_arn, None))
        for each, owner, resource, context in asked:
            refusal = enforce(access_key, each, owner, region_name, resource, context)
            if isinstance(refusal, iam_evaluator.EvalResult):
                log_refusal(refusal.principal_arn, each, resource)
            if refusal:
                return refusal
        return None

    iam_evaluator.enforce = enforce_completely
    iam_actions.extract_resource_arn = resource_with_stream
    _judge_keys_of_other_accounts()


def _judge_keys_of_other_accounts() -> None:
    """Let the policy of another account's key decide; ministack knows those of the caller's."""
    find_policy = kms.key_policy_for_arn

    def policy_of_any(key_arn: str) -> Any:
        _, _, _, key_region, owner, *_ = key_arn.split(":")
        with scope(owner, key_region):
            return find_policy(key_arn)

    kms.key_policy_for_arn = policy_of_any


def _object_key(action: str, object_arn: str) -> str | None:
    """Return the ARN of the key that an object, or its bucket's default, is encrypted with."""
    bucket, _, name = object_arn.removeprefix("arn:aws:s3:::").partition("/")
    if (owner := s3._bucket_owner_account(bucket)) is None:
        return None
    with scope(owner, region()):
        record = s3._buckets[bucket]["objects"].get(name, {})
        headers = (
            s3._stored_sse_headers(record)
            if action == "s3:GetObject"
            else s3._bucket_default_sse_headers(bucket)
        )
        key = kms._resolve_key(headers.get("x-amz-server-side-encryption-aws-kms-key-id"))
        return key["Arn"] if key else None
