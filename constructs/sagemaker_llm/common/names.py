"""Names of resources that CloudFormation cannot name, or names too late."""

import aws_cdk as cdk
from constructs import Construct

from allowed_values.rules import Pattern, check, refused

_NAME = Pattern(
    r"[a-z0-9]+(-+[a-z0-9]+)*", "lower-case letters and digits, with hyphens between them"
)


def stack_part(stack: cdk.Stack) -> str:
    """Return eight characters of the stack's id: a stack that is created again has others."""
    uuid = cdk.Fn.select(2, cdk.Fn.split("/", stack.stack_id))
    return cdk.Fn.select(0, cdk.Fn.split("-", uuid))


def lower_prefix(construct: Construct, given: str | None, *, max_length: int) -> str:
    """Return what the names of the construct's resources begin with; by default, from its path.

    In lower case, as SageMaker writes names in ARNs.
    """
    if given is None:
        unique = cdk.Names.unique_resource_name(construct, max_length=max_length, separator="-")
        return unique.lower()
    check("name_prefix", given, str, [_NAME])
    if len(given) > max_length:
        raise refused("name_prefix", f"of at most {max_length} characters", given)
    return given


def endpoint_name(construct: Construct) -> str:
    """Return the endpoint's name, which stays the same for the life of its stack.

    In lower case, as SageMaker writes names in ARNs; with the part of the stack's id at most 59 of
    SageMaker's 63 characters.
    """
    path = cdk.Names.unique_resource_name(construct, max_length=50, separator="-")
    return f"{path.lower()}-{stack_part(cdk.Stack.of(construct))}"


def component_endpoint_name(construct: Construct) -> str:
    """Return the name of an endpoint for inference components: at most 32 characters.

    It ends the names of the components. It is another than that of an endpoint with a model: one
    cannot become the other, so that CloudFormation must replace it.
    """
    path = cdk.Names.unique_resource_name(construct, max_length=20, separator="-")
    return f"{path.lower()}-ic-{stack_part(cdk.Stack.of(construct))}"
