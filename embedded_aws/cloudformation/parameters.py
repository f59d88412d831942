"""Parameters that CloudFormation reads from Parameter Store: as the role that an operation has."""

from ministack.services import ssm

from embedded_aws.cloudformation import stacks
from embedded_aws.core.emulator import arn


def install() -> None:
    """Refuse values that the stack's role may not read; without a role, the caller is not asked."""
    resolve = ssm.resolve_parameter_value

    def resolve_if_allowed(
        name: str, version: str | None = None, *, decrypt: bool = False
    ) -> str | None:
        resource = name if name.startswith("arn:") else arn("ssm", f"parameter/{name.lstrip('/')}")
        if refused := stacks.refusal("ssm:GetParameters", resource):
            raise ValueError(f"AccessDenied. {refused}")
        value: str | None = resolve(name, version, decrypt=decrypt)
        return value

    ssm.resolve_parameter_value = resolve_if_allowed
