"""What we use of ministack's IAM: whether a call is allowed, and acting as a role."""

import json
import logging
import secrets

from ministack import app as ministack
from ministack.core import iam_evaluator, lambda_runtime, responses
from ministack.services import iam, lambda_svc, sts

from embedded_aws.cloudformation.provisioning import after_provisioning, before_provisioning
from embedded_aws.core.emulator import Json, Response, account_id, region

_log = logging.getLogger(__name__)
_sessions: dict[tuple[str, str], dict[str, str]] = {}


def log_refusal(principal: str, action: str, resource: str) -> None:
    """Write down what was refused, to whom."""
    _log.warning("denied: %s may not %s on %s", principal, action, resource)


def role_may(role_arn: str, action: str, resource: str, context: Json | None = None) -> bool:
    """Return whether a service that acts as the role may do `action`."""
    return role_refusal(role_arn, action, resource, context) is None


def service_may(
    service: str, action: str, resource: str, policy: str | Json | None, source_arn: str
) -> bool:
    """Return whether a resource's own policy lets a service act on it for `source_arn`."""
    asked = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=region(),
        secure_transport=True,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": account_id()},
    )
    decision = iam_evaluator.evaluate_resource_policy(policy, asked, service=service).decision
    if decision != "Allow":
        log_refusal(service, action, resource)
    return bool(decision == "Allow")


def treat_loopback_as_tls() -> None:
    """Let policies that demand TLS hold: loopback stands for it, as nothing can listen in."""
    pin = ministack.pin_request_origin
    ministack.pin_request_origin = lambda address, _secure: pin(address, secure_transport=True)


def bound_roles_of_stacks() -> None:
    """Give roles the boundary that their template names, which ministack leaves out."""
    before_provisioning("AWS::IAM::Role", _check_boundary)
    after_provisioning("AWS::IAM::Role", _bind)


def _check_boundary(_role: str | None, props: Json) -> None:
    arn = props.get("PermissionsBoundary")
    if arn and iam._boundary_policy_error(arn):
        raise ValueError(f"Scope ARN: {arn} does not exist or is not attachable.")


def _bind(role: str, props: Json) -> None:
    iam._roles[role]["PermissionsBoundary"] = props.get("PermissionsBoundary")


def name_sessions_by_their_role() -> None:
    """Let `aws:PrincipalArn` be the role's ARN for a session of it, as on AWS."""
    resolve = iam_evaluator._resolve_condition_key

    def resolved(key: str, context: iam_evaluator.EvalContext) -> object:
        value = resolve(key, context)
        if key.lower() == "aws:principalarn" and ":assumed-role/" in value:
            role = iam._roles.get(value.split("/")[1])
            return role["Arn"] if role else value
        return value

    iam_evaluator._resolve_condition_key = resolved


def deny(
    action: str,
    resource_arn: str,
    headers: dict[str, str],
    query: Json,
    *,
    service: str = "",
    context: Json | None = None,
) -> Response | None:
    """Return the refusal of `action` by IAM, when it is enforced and the caller may not; else None.

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
    """Return the environment in which a program acts as the role that it was given by `service`.

    Raises PermissionError when there is no such role, or when it does not trust `service`.
    """
    if not can_assume(role_arn, service):
        raise PermissionError(f"{service} may not assume {role_arn}")
    return _session(role_arn, "SageMaker")


def use_random_function_credentials() -> None:
    """Let functions sign with secrets that nobody can work out: ministack hashes their names."""
    lambda_runtime.execution_credentials = function_credentials
    lambda_svc.execution_credentials = function_credentials


def function_credentials(config: Json) -> dict[str, str]:
    """Return the environment in which a function acts as its execution role."""
    return _session(config["Role"], config["FunctionName"][:64])


def _session(role_arn: str, name: str) -> dict[str, str]:
    """Return the credentials of a session of the role, which last while this process does."""
    if (role_arn, name) not in _sessions:
        _sessions[role_arn, name] = _new_session(role_arn, name)
    return dict(_sessions[role_arn, name])


def _new_session(role_arn: str, name: str) -> dict[str, str]:
    role = role_arn.rpartition("/")[2]
    key, secret = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30)
    token = secrets.token_urlsafe(48)
    session = {
        "Arn": f"arn:aws:sts::{role_arn.split(':')[4]}:assumed-role/{role}/{name}",
        "UserId": f"{role}:{name}",
        "SecretAccessKey": secret,
        "SessionToken": token,
    }
    sts.register_session(key, session)
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
    }


def user_context() -> Json:
    """Who makes the current request, as SageMaker keeps it with what they create."""
    return {"IamIdentity": {"Arn": iam_evaluator.caller_arn()}}


def can_assume(role_arn: str, service: str) -> bool:
    """Return whether there is such a role, and it trusts the service; a refusal is logged."""
    role = iam._roles.get(role_arn.rpartition("/")[2])
    trusted = role is not None and _trusts(role["AssumeRolePolicyDocument"], service)
    if not trusted:
        log_refusal(service, "sts:AssumeRole", role_arn)
    return trusted


def role_refusal(role_arn: str, action: str, resource: str, context: Json | None) -> str | None:
    """Return IAM's refusal of `action` to a service that acts as the role, and log it."""
    name = role_arn.rpartition("/")[2]
    call = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account_id()}:assumed-role/{name}/service",
        principal_type="AssumedRole",
        principal_account=account_id(),
        action=action,
        resource_arn=resource,
        region=region(),
        secure_transport=True,  # the service's own call
        service_context={key.lower(): value for key, value in (context or {}).items()},
    )
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account_id())
    result = iam_evaluator.evaluate(call, _role_policies(role_arn), *limits)
    service = action.partition(":")[0]
    if found := iam_evaluator._resource_policy(service, resource):
        result = iam_evaluator.combine_resource_policy(
            result, call, *found, required=service == "kms", limits=limits
        )
    if result.decision == "Allow":
        return None
    log_refusal(call.principal_arn, action, resource)
    return f"User: {call.principal_arn} is not authorized to perform: {action} on: {resource}"


def role_allows_somewhere(role_arn: str, action: str) -> bool:
    """Return whether a policy of the role allows `action` on any resource, under any condition."""
    statements = (found for policy in _role_policies(role_arn) for found in policy)
    return any(
        found.effect == "Allow"
        and iam_evaluator._action_matches(action, found.actions, found.not_actions)
        for found in statements
    )


def _role_policies(role_arn: str) -> list[list[iam_evaluator.ParsedStatement]]:
    name = role_arn.rpartition("/")[2]
    found: list[list[iam_evaluator.ParsedStatement]] = iam_evaluator._gather_role_policies(
        name, account_id()
    )
    return found


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
