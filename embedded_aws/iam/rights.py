"""What services ask before they act, and ministack does not.

Lambda assumes the function's role to log and to poll a queue; EventBridge needs the queue's own
policy, API Gateway the function's. S3 encrypts with the key that a stack gave the bucket.
"""

from collections.abc import Iterator
from typing import Any

from ministack.services import eventbridge, s3, sqs

from embedded_aws.cloudformation.provisioning import after_provisioning
from embedded_aws.core.emulator import Json, arn, functions, gateway, scope
from embedded_aws.iam.permissions import can_assume, role_may, service_may

_LAMBDA = "lambda.amazonaws.com"
_POLLING = ("sqs:ReceiveMessage", "sqs:GetQueueAttributes")


def install() -> None:
    """Ask."""
    _ask_for_logs()
    _ask_for_trust()
    _ask_for_polling()
    _ask_queues()
    _ask_functions()
    after_provisioning("AWS::S3::Bucket", _keep_encryption)


def _keep_encryption(bucket: str, props: Json) -> None:
    for rule in props.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", []):
        given = rule["ServerSideEncryptionByDefault"]
        if "KMSMasterKeyID" not in given:
            continue  # a key of AWS's own, which ministack does not have
        members = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
        s3._bucket_encryption[bucket] = (
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
            f"{members}</ApplyServerSideEncryptionByDefault></Rule>"
            "</ServerSideEncryptionConfiguration>"
        )


def may_log(role_arn: str, group: str, stream: str) -> bool:
    """Return whether a function's role may write to a stream of its group."""
    stream_arn = arn("logs", f"log-group:{group}:log-stream:{stream}")
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    return all(role_may(role_arn, action, stream_arn) for action in actions)


def _ask_for_logs() -> None:
    emit = functions._emit_lambda_logs

    def emit_if_allowed(func: Json, request_id: str, *args: Any, **more: Any) -> None:
        config = func.get("config") or func
        group = (config.get("LoggingConfig") or {}).get("LogGroup")
        group = group or f"/aws/lambda/{config['FunctionName']}"
        if may_log(config["Role"], group, request_id):
            emit(func, request_id, *args, **more)

    functions._emit_lambda_logs = emit_if_allowed


def _ask_for_trust() -> None:
    execute = functions._execute_function

    def execute_if_trusted(func: Json, event: Json) -> Json:
        role = (func.get("config") or func)["Role"]
        if can_assume(role, _LAMBDA):
            result: Json = execute(func, event)
            return result
        message = f"The role defined for the function cannot be assumed by Lambda: {role}"
        return {"error": True, "body": {"errorType": "AccessDenied", "errorMessage": message}}

    functions._execute_function = execute_if_trusted


def _ask_for_polling() -> None:
    mappings, delete = functions._iter_all_esms, sqs._delete_messages_for_esm

    def allowed_mappings() -> Iterator[tuple[str, str, Json]]:
        for account, region_name, mapping in mappings():
            with scope(account, region_name):
                if _may(mapping, *_POLLING):
                    yield account, region_name, mapping
                else:
                    mapping["LastProcessingResult"] = "PROBLEM: Lambda may not read the queue."

    def delete_if_allowed(queue_url: str, handles: set[str]) -> None:
        queue = queue_url.rpartition("/")[2]
        for _account, _region, mapping in mappings():
            if mapping.get("EventSourceArn", "").endswith(f":{queue}"):
                if _may(mapping, "sqs:DeleteMessage"):
                    delete(queue_url, handles)
                return

    functions._iter_all_esms = allowed_mappings
    sqs._delete_messages_for_esm = delete_if_allowed


def _may(mapping: Json, *actions: str) -> bool:
    source = mapping.get("EventSourceArn", "")
    if not source.startswith("arn:aws:sqs:"):
        return True
    function, config = functions._get_func_record_for_qualifier(
        mapping["FunctionName"], mapping.get("Qualifier")
    )
    if function is None:
        return True  # ministack answers for a function that is gone
    return all(role_may(config["Role"], action, source) for action in actions)


def _ask_queues() -> None:
    invoke = eventbridge._invoke_target

    def invoke_if_allowed(target: Json, event: Json, rule: Json, *more: Any) -> None:
        queue = target.get("Arn", "")
        if queue.startswith("arn:aws:sqs:"):
            policy = (sqs.queue_policy_for_arn(queue) or ("",))[0]
            if not service_may(
                "events.amazonaws.com", "sqs:SendMessage", queue, policy, rule["Arn"]
            ):
                return
        invoke(target, event, rule, *more)

    eventbridge._invoke_target = invoke_if_allowed


def _ask_functions() -> None:
    authorize = gateway._invoke_authorizer_lambda

    async def authorize_if_allowed(
        authorizer: Json, event: Json, account: str, region_name: str
    ) -> Any:
        function = authorizer["authorizerUri"].partition("/functions/")[2]
        function = function.removesuffix("/invocations")
        api = event["methodArn"].split("/")[0]
        with scope(account, region_name):
            allowed = may_invoke(function, f"{api}/authorizers/{authorizer['id']}")
        return await authorize(authorizer, event, account, region_name) if allowed else None

    gateway._invoke_authorizer_lambda = authorize_if_allowed


def may_invoke(function_arn: str, source_arn: str) -> bool:
    """Return whether API Gateway may invoke a function for this method or authorizer."""
    policy: Json = (functions.function_policy_for_arn(function_arn) or ({},))[0]
    return service_may(
        "apigateway.amazonaws.com", "lambda:InvokeFunction", function_arn, policy, source_arn
    )
