"""A stack's values that other stacks read anew with each of their deployments."""

import aws_cdk as cdk
import aws_cdk.aws_ssm as ssm
from constructs import Construct


class Published(Construct):
    """Owns a parameter with one value; CloudFormation reads it whenever a reader is deployed.

    So readers follow a stack that was created again, without a change of their templates, and it
    can be deleted before them: a weak reference lacks the one, an export the other.
    """

    def __init__(self, scope: Construct, construct_id: str, *, value: str) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        # Named after its place, so that the readers' templates can name it too.
        self._name = f"/{stack.stack_name}{self.node.path.removeprefix(stack.node.path)}"
        ssm.StringParameter(self, "Default", parameter_name=self._name, string_value=value)

    def read_by(self, stack: cdk.Stack) -> str:
        """Return the value for the template of another stack, which then is deployed after this."""
        stack.add_stack_dependency(cdk.Stack.of(self))
        return ssm.StringParameter.value_for_string_parameter(stack, self._name)
