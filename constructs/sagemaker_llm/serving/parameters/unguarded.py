"""An update that no alarm undoes: the way back from what makes the alarms ring."""

import hashlib
import json
from collections.abc import Sequence

import aws_cdk as cdk
import aws_cdk.aws_cloudwatch as cloudwatch
import jsii
from constructs import Construct


class UnguardedUpdate(Construct):
    """Owns the parameter that names what is deployed without rollback alarms.

    The alarms see both fleets of an update: the old one, which makes them ring, would undo the
    update that replaces it. So a return is deployed with the parameter at `digest`, of what the
    template deploys. Any other template has another digest, and is guarded by itself; only a
    release, which changes the package alone, has to empty the parameter. The alarms never change
    without the fleet: SageMaker may refuse such an update, or replace the instances for it.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._resources: Sequence[cdk.CfnResource] = ()
        self._instance_type = ""
        self.digest = cdk.Lazy.string(_Digest(self))
        self.parameter = cdk.CfnParameter(
            self,
            "Digest",
            type="String",
            default="",
            description="The digest of an endpoint to deploy even while alarms ring; empty: none",
        )
        self.is_unguarded = cdk.CfnCondition(
            self,
            "IsUnguarded",
            expression=cdk.Fn.condition_equals(self.parameter.value_as_string, self.digest),
        )

    def cover(self, *resources: cdk.CfnResource, instance_type: str = "") -> None:
        """Take the digest of these: of all whose changes update what the alarms guard.

        `instance_type` is the one of this template where a parameter holds the deployed one.
        """
        self._resources, self._instance_type = resources, instance_type

    def alarms_of(self, alarms: Sequence[cloudwatch.Alarm]) -> cdk.IResolvable:
        """Return the configuration of the rollback: these alarms, or none."""
        names = [{"AlarmName": each.alarm_name} for each in alarms]
        return cdk.Fn.condition_if(
            self.is_unguarded.logical_id, cdk.Aws.NO_VALUE, {"Alarms": names}
        )

    def computed(self) -> str:
        """Return the digest of the properties as they are in the template, but for the tags."""
        stack = cdk.Stack.of(self)
        properties = [
            # As the template has them, not as this version of the CDK names them.
            resource._render_properties(stack.resolve(resource._cfn_properties))  # noqa: SLF001 - jsii's protected members, for subclasses
            for resource in self._resources
        ]
        properties = [{k: v for k, v in each.items() if k != "Tags"} for each in properties]
        text = json.dumps([self._instance_type, *properties], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@jsii.implements(cdk.IStableStringProducer)
class _Digest:
    """The digest once all properties are known, whatever else the app changes in them."""

    def __init__(self, update: UnguardedUpdate) -> None:
        self._update = update

    def produce(self) -> str:
        return self._update.computed()
