"""The change of the instance type, which takes two deployments."""

import re

import aws_cdk as cdk
from constructs import Construct

_ON, _OFF = "on", "off"


class InstanceTypeChange(Construct):
    """Owns the two parameters that a change of the instance type sets.

    SageMaker refuses another type while Application Auto Scaling knows the variant, and an update
    takes nothing away before it has changed the rest. So the deployed template is updated first,
    with `scaling` off; then the new template is deployed, with its `instance_type` and `scaling`
    on. Any other deployment keeps the deployed type, and a template of another type refuses it
    before anything changes.

    Unverified: that CloudFormation holds a value it keeps against the new template's pattern. If it
    did not, the endpoint would keep its type. Look at a plain deployment of another type.
    """

    def __init__(self, scope: Construct, construct_id: str, *, instance_type: str) -> None:
        super().__init__(scope, construct_id)
        self.instance_type = cdk.CfnParameter(
            self,
            "InstanceType",
            type="String",
            default=instance_type,
            allowed_pattern=f"^{re.escape(instance_type)}$",
            constraint_description=(
                f"must be {instance_type}, as in this template: another type is changed by two"
                f" deployments, the first of them with {_OFF} for the scaling"
            ),
            description="The type of the endpoint's instances, as it is deployed",
        )
        self.scaling = cdk.CfnParameter(
            self,
            "Scaling",
            type="String",
            default=_ON,
            allowed_values=[_ON, _OFF],
            description="Whether the instance count follows the load; off to change the type",
        )
        self.is_scaled = cdk.CfnCondition(
            self,
            "IsScaled",
            expression=cdk.Fn.condition_equals(self.scaling.value_as_string, _ON),
        )
