"""What a mutant shows on AWS only, each with its reason and with where AWS says so."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

_EXECUTION_ROLES = "SageMaker AI Developer Guide, How to use SageMaker AI execution roles"


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What a mutant takes away: these actions on these resources."""

    owner: str
    effect: str
    actions: list[str]
    resources: list[str]


@dataclass(frozen=True)
class Explanation:
    """Why the loss of some actions, or of a denial, shows nothing on this machine."""

    actions: str
    reason: str
    source: str
    owners: str = "*"
    resources: str = "*"
    effect: str = "Allow"

    def covers(self, loss: Loss) -> bool:
        """Return whether it is about all that is lost."""
        return (
            loss.effect == self.effect
            and fnmatchcase(loss.owner, self.owners)
            and all(fnmatchcase(action, self.actions) for action in loss.actions)
            and all(fnmatchcase(resource, self.resources) for resource in loss.resources)
        )


EXPLANATIONS = (
    Explanation(
        "xray:*",
        "the embedded AWS has no X-Ray, which Lambda sends traces to with the function's role",
        "Lambda Developer Guide, Visualize Lambda function invocations using AWS X-Ray",
    ),
    Explanation(
        "cloudwatch:PutMetricData",
        "the embedded SageMaker measures no instances",
        _EXECUTION_ROLES,
    ),
    Explanation(
        "logs:DescribeLogStreams",
        "AWS asks for it, and does not say when SageMaker calls it",
        _EXECUTION_ROLES,
    ),
    Explanation(
        "ssm:GetParameters",
        "the embedded CloudFormation reads parameters as the role that is passed, not its caller",
        "CloudFormation User Guide, Specify existing resources with SSM parameter types",
        owners="Training ReleaseRole",
    ),
    Explanation(
        "sagemaker:AddTags",
        "whether SageMaker tags a package that a pipeline registers is seen on AWS only",
        "Service Authorization Reference, CreateModelPackage's dependent actions",
        resources="*model-package*",
    ),
    Explanation(
        "sagemaker:*",
        "the embedded SageMaker asks about the package, AWS about its group too",
        "Service Authorization Reference, CreateModelPackage's resource types",
        resources="*model-package-group/*",
    ),
    Explanation(
        "s3:*",
        "the embedded registry does not read the model, whose checksums AWS keeps as ModelDataETag",
        "SageMaker API Reference, ModelPackageContainerDefinition",
        owners="Training FineTuningRole",
        resources="*storageartifacts*/models/*",
    ),
    Explanation(
        "s3:ListBucket",
        "the embedded registry does not list the model, which S3Prefix data are found by",
        "SageMaker API Reference, S3ModelDataSource",
        owners="Training FineTuningRole",
    ),
    Explanation(
        "sts:AssumeRole",
        "the embedded API Gateway writes its logs without a role",
        "API Gateway Developer Guide, Set up CloudWatch logging for REST APIs",
        owners="Api InvokeRestApiCloudWatchRole",
    ),
    Explanation(
        "s3:PutObject",
        "it denies what no other role's policy allows: a second lock, which a test holds",
        "docs/decisions/0017, and tests/unit and tests/embedded of the store",
        owners="Training StorageArtifacts",
        effect="Deny",
    ),
    Explanation(
        "*",
        "it denies plain HTTP, and loopback stands for TLS here",
        "Security Hub controls S3.5 and SQS; a test of the templates holds each denial",
        owners="Training [SR]*",
        effect="Deny",
    ),
    Explanation(
        "sagemaker:*",
        "the embedded SageMaker asks about the package, AWS about its group too",
        "Service Authorization Reference, CreateModelPackage's resource types",
        owners="Training Duties*",
        resources="*model-package-group/*",
        effect="Deny",
    ),
    Explanation(
        "sagemaker:UpdatePipelineVersion",
        "the embedded SageMaker keeps one version of a pipeline",
        "Service Authorization Reference, UpdatePipelineVersion",
        effect="Deny",
    ),
    Explanation(
        "sagemaker:*",
        "which spelling of the name IAM compares is seen on the first release; this machine takes"
        " the one in lower case",
        "no page of AWS says it: the construct asks to look at CloudTrail",
        owners="Training Release*Role",
        resources="*/Llm*",
    ),
    Explanation(
        "sagemaker:ListTags",
        "the embedded CloudFormation reads no tags back",
        "the handlers' permissions in the schemas of AWS::SageMaker::Model and EndpointConfig",
        owners="Training ReleaseServiceRole",
    ),
    Explanation(
        "sagemaker:*Tags",
        "the embedded CloudFormation does not tag an endpoint that it updates",
        "the handlers' permissions in the schema of AWS::SageMaker::Endpoint",
        owners="Training ReleaseServiceRole",
        resources="*:endpoint/*",
    ),
)


def explanation(loss: Loss) -> Explanation | None:
    """Return the first one that covers a loss."""
    return next((found for found in EXPLANATIONS if found.covers(loss)), None)
