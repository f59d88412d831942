"""What we use of ministack's IAM: whether a call is allowed, and acting as a role."""

import hashlib
import json

from ministack import app as ministack
from ministack.core import iam_evaluator, responses
from ministack.services import iam, sts

from local.emulator import Json, Response, account_id, region


def treat_loopback_as_tls() -> None:
    """Let policies that demand TLS hold: loopback stands for it, as nothing can listen in."""
    pin = ministack.pin_request_origin
    ministack.pin_request_origin = lambda address, _secure: pin(address, secure_transport=True)


def deny(
    action: str,
    resource_arn: str,
    headers: dict[str, str],
    query: Json,
    *,
    service: str = "",
    context: Json | None = None,
) -> Response | None:
    """The refusal of `action` by IAM, when it is enforced and the caller may not; else None.

    `service` words the refusal: the one that is called, if it is not the action's own.
    """
    refusal: Response | None = ministack._enforce_data_plane(
        service or action.partition(":")[0],
        action,
        headers,
        query,
        responses.new_uuid(),
        resource_arn=resource_arn,
        service_context=context,
    )
    return refusal


def assume_role(role_arn: str, service: str) -> dict[str, str]:
    """The environment in which a program acts as the role that it was given by `service`.

    Raises PermissionError when there is no such role, or when it does not trust `service`.
    """
    name = role_arn.rpartition("/")[2]
    role = iam._roles.get(name)
    if role is None or not _trusts(role["AssumeRolePolicyDocument"], service):
        raise PermissionError(f"{service} may not assume {role_arn}")
    digest = hashlib.sha256(f"{service}:{role_arn}".encode()).hexdigest()
    session_arn = f"arn:aws:sts::{account_id()}:assumed-role/{name}/SageMaker"
    key, secret, token = f"ASIA{digest[:16].upper()}", f"secret-{digest}", f"token-{digest}"
    sts.register_session(
        key,
        {
            "Arn": session_arn,
            "UserId": f"{name}:SageMaker",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
    }


def _trusts(policy: str | Json, service: str) -> bool:
    document = json.loads(policy) if isinstance(policy, str) else policy
    given = document["Statement"]
    # ministack lets every statement about any service pass: look at those about this one only
    statements = [
        statement
        for statement in (given if isinstance(given, list) else [given])
        if iam_evaluator._service_principal_matches(statement.get("Principal"), service)
    ]
    caller = f"arn:aws:iam::{account_id()}:root"
    context = iam_evaluator.EvalContext(
        principal_arn=caller,
        principal_type="Root",
        principal_account=account_id(),
        action="sts:AssumeRole",
        resource_arn="*",
        region=region(),
        service_context={"aws:sourceaccount": account_id()},
    )
    trusted: bool = iam_evaluator.evaluate_trust_policy({"Statement": statements}, caller, context)
    return trusted
