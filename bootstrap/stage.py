"""A stage's templates, as far as they tell the ARNs of what they deploy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PLACE = "${AWS::Region}:${AWS::AccountId}"

# The ARN of each type's resources after `arn:<partition>:`, with the kind that IAM's reference
# knows them by. A `*` for a name that nobody can foresee.
_ARNS: Mapping[str, tuple[str, str]] = {
    "AWS::CloudWatch::Alarm": ("cloudwatch:alarm", f"cloudwatch:{_PLACE}:alarm:{{name}}"),
    "AWS::EC2::SecurityGroup": ("ec2:security-group", f"ec2:{_PLACE}:security-group/*"),
    "AWS::EC2::Subnet": ("ec2:subnet", f"ec2:{_PLACE}:subnet/*"),
    "AWS::EC2::VPC": ("ec2:vpc", f"ec2:{_PLACE}:vpc/*"),
    "AWS::EC2::VPCEndpoint": ("ec2:vpc-endpoint", f"ec2:{_PLACE}:vpc-endpoint/*"),
    "AWS::Events::Rule": ("events:rule-on-default-event-bus", f"events:{_PLACE}:rule/{{name}}"),
    "AWS::IAM::ManagedPolicy": ("iam:policy", "iam::${AWS::AccountId}:policy/{name}"),
    "AWS::IAM::Role": ("iam:role", "iam::${AWS::AccountId}:role/{name}"),
    "AWS::KMS::Key": ("kms:key", f"kms:{_PLACE}:key/*"),
    # Of the function whose names it shares: IAM asks about it with its qualifier, or without.
    "AWS::Lambda::Alias": ("lambda:functionalias", f"lambda:{_PLACE}:function:{{name}}"),
    "AWS::Lambda::CapacityProvider": (
        "lambda:capacityprovider",
        f"lambda:{_PLACE}:capacity-provider:*",
    ),
    "AWS::Lambda::EventSourceMapping": (
        "lambda:eventsourcemapping",
        f"lambda:{_PLACE}:event-source-mapping:*",
    ),
    "AWS::Lambda::Function": ("lambda:function", f"lambda:{_PLACE}:function:{{name}}"),
    "AWS::Lambda::Version": ("lambda:functionversion", f"lambda:{_PLACE}:function:{{name}}"),
    "AWS::Logs::LogGroup": ("logs:log-group", f"logs:{_PLACE}:log-group:{{name}}"),
    "AWS::S3::Bucket": ("s3:bucket", "s3:::{name}"),
    "AWS::SSM::Parameter": ("ssm:parameter", f"ssm:{_PLACE}:parameter{{name}}"),
    "AWS::SQS::Queue": ("sqs:queue", f"sqs:{_PLACE}:{{name}}"),
    "AWS::SageMaker::Endpoint": ("sagemaker:endpoint", f"sagemaker:{_PLACE}:endpoint/{{name}}"),
    "AWS::SageMaker::EndpointConfig": (
        "sagemaker:endpoint-config",
        f"sagemaker:{_PLACE}:endpoint-config/{{name}}",
    ),
    "AWS::SageMaker::InferenceComponent": (
        "sagemaker:inference-component",
        f"sagemaker:{_PLACE}:inference-component/{{name}}",
    ),
    "AWS::SageMaker::Model": ("sagemaker:model", f"sagemaker:{_PLACE}:model/{{name}}"),
    "AWS::SageMaker::ModelPackageGroup": (
        "sagemaker:model-package-group",
        f"sagemaker:{_PLACE}:model-package-group/{{name}}",
    ),
    "AWS::SageMaker::Pipeline": ("sagemaker:pipeline", f"sagemaker:{_PLACE}:pipeline/{{name}}"),
    "AWS::WAFv2::WebACL": ("wafv2:webacl", f"wafv2:{_PLACE}:regional/webacl/*"),
}
_NAMES = (
    "InferenceComponentName",
    "EndpointName",
    "LogGroupName",
    "ManagedPolicyName",
    "ModelPackageGroupName",
    "Name",
    "PipelineName",
    "RoleName",
)


@dataclass(frozen=True)
class Stage:
    """The templates of one environment, by stack name."""

    name: str
    stacks: Mapping[str, Mapping[str, Any]]

    def resources(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield each resource with its stack's name and its logical id."""
        for stack, template in self.stacks.items():
            for logical_id, resource in template["Resources"].items():
                yield stack, logical_id, resource

    def of_type(self, resource_type: str) -> list[Mapping[str, Any]]:
        """Return the properties of all resources of a type."""
        return [
            r.get("Properties", {}) for _, _, r in self.resources() if r["Type"] == resource_type
        ]

    def types(self) -> list[str]:
        """Return the types that it deploys."""
        return sorted({resource["Type"] for _, _, resource in self.resources()})

    def arns(self, kind: str) -> list[str]:
        """Return patterns of the ARNs of all its resources of a kind, such as `lambda:function`."""
        return sorted(
            {
                arn
                for stack, logical_id, resource in self.resources()
                if _ARNS.get(resource["Type"], ("",))[0] == kind
                for arn in self.arns_of(stack, logical_id)
            }
        )

    def published(self, stack: str, parameter: str) -> tuple[str, Any] | None:
        """Return which stack publishes the value of another one's parameter, and the value."""
        read = self.stacks[stack].get("Parameters", {}).get(parameter, {})
        for publisher, _, resource in self.resources():
            is_parameter = resource["Type"] == "AWS::SSM::Parameter"
            if is_parameter and resource["Properties"]["Name"] == read.get("Default"):
                return publisher, resource["Properties"]["Value"]
        return None

    def arns_of(self, stack: str, logical_id: str) -> list[str]:
        """Return patterns of one resource's ARN; none for a type that is not in the table."""
        resource = self.stacks[stack]["Resources"][logical_id]
        if resource["Type"] not in _ARNS:
            return []
        kind, arn = _ARNS[resource["Type"]]
        names = [_name(stack, logical_id, resource)]
        if kind == "s3:bucket":
            names = [names[0].lower()]
        elif kind.startswith("sagemaker:"):
            # It writes names in ARNs in lower case; whether IAM is asked so, no document says.
            names = sorted({names[0], names[0].lower()})
        return ["arn:${AWS::Partition}:" + arn.replace("{name}", name) for name in names]


def kind_of(resource_type: str) -> str | None:
    """Return what IAM's reference calls the resources of a type."""
    return _ARNS[resource_type][0] if resource_type in _ARNS else None


def _name(stack: str, logical_id: str, resource: Mapping[str, Any]) -> str:
    properties = resource.get("Properties", {})
    if resource["Type"] in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}:
        return f"{stack}-*"  # as its function
    for given in (properties[name] for name in _NAMES if name in properties):
        return f"{literal_beginning(given)}*"
    if resource["Type"].startswith("AWS::SageMaker::"):
        # CloudFormation begins these with the logical id alone. Unverified: look at the first ones.
        return f"{logical_id[:-8]}*"
    return f"{stack}-*"


def literal_beginning(value: object) -> str:
    """Return what a name begins with; raises ValueError where only a deployment knows it."""
    match value:
        case str():
            return value
        case {"Fn::Join": [_, [str(first), *_]]}:
            return first
    raise ValueError(f"a name must begin with a literal, so that a policy can name it, got {value}")
