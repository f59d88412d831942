"""The permissions boundary: the most that any role of a stage can do, whoever writes its policies.

It is no grant. It holds the actions that the stage's roles have today, on the stage's own resources
and on the few of AWS's that they read; IAM itself only to pass such roles to the same services.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from typing import Any

from bootstrap.stage import Stage

Json = dict[str, Any]

_ARN = "arn:${AWS::Partition}:"
_PASSED_TO = "iam:PassedToService"
_ASSET = re.compile(r"(?:[0-9a-f]{64}|<asset>)\.\w+")
_ACCOUNT = re.compile(r"\b\d{12}\b")
_REGION = re.compile(r"\b(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-[a-z]+)+-\d\b")
_KIND = re.compile(r"^[a-z-]+/")  # as in `subnet/*`; a bucket's ARN ends with its name alone
_PARTITION = re.compile(r"^arn:[a-z-]+:")
# AWS's public weights: another version of them needs no other boundary, which the fleet that still
# serves the version before would have, too.
_PUBLIC_WEIGHTS = re.compile(r"(?<=:s3:::jumpstart-cache-prod-)([^/]+)/.*")
# A server's image, another server's too: until an endpoint's update has ended, both may have to
# start instances, and the boundary is deployed before it.
_SERVER_IMAGES = ("huggingface-pytorch-tgi-inference", "llama-cpp", "llama-cpp-arm64", "vllm")

# What the managed policy allows that API Gateway's logging role must have.
_MANAGED: Mapping[str, tuple[str, ...]] = {
    "AmazonAPIGatewayPushToCloudWatchLogs": (
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "logs:GetLogEvents",
        "logs:FilterLogEvents",
    )
}


def arn(stage: Stage) -> str:
    """Return the ARN that each role of the stage carries; raises ValueError when one does not."""
    found = {
        arn
        for stack, _, resource in stage.resources()
        if resource["Type"] == "AWS::IAM::Role"
        for arn in _arns(stage, stack, resource["Properties"].get("PermissionsBoundary"))
    }
    if len(found) != 1 or found == {"*"}:
        raise ValueError(f"every role of {stage.name} must carry the boundary, got {sorted(found)}")
    return _anywhere(found.pop())


def statements(stage: Stage) -> list[Json]:
    """Return one statement for each service, and one for those of its actions that need `*`."""
    found: dict[tuple[str, bool, str], tuple[set[str], set[str]]] = defaultdict(
        lambda: (set(), set())
    )
    for action, resources, passed_to in grants(stage):
        actions, together = found[action.partition(":")[0], resources == ["*"], passed_to]
        actions.add(action)
        together.update(resources)
    return [
        {
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": _widest(resources),
            **({"Condition": {"StringEquals": {_PASSED_TO: passed_to}}} if passed_to else {}),
        }
        for (_, _, passed_to), (actions, resources) in sorted(found.items())
    ]


def _widest(resources: set[str]) -> list[str]:
    """Return the patterns that no other covers."""
    return sorted(
        one
        for one in resources
        if not any(other != one and fnmatch(one, other) for other in resources)
    )


def grants(stage: Stage) -> Iterator[tuple[str, list[str], str]]:
    """Yield each action that a role is allowed, on which ARNs, and to whom it passes these."""
    for stack, document in role_policies(stage):
        for statement in listed(document["Statement"]):
            if statement["Effect"] == "Allow":
                named = [a for r in listed(statement["Resource"]) for a in _arns(stage, stack, r)]
                resources = [each for found in named for each in _exchangeable(_anywhere(found))]
                for action in listed(statement["Action"]):
                    yield action, resources, _passed_to(action, statement)
    yield from _resource_grants(stage)
    for role in stage.of_type("AWS::IAM::Role"):
        for name, actions in _MANAGED.items():
            if name in str(role.get("ManagedPolicyArns", "")):
                for action in actions:
                    yield action, [f"{_ARN}logs:${{AWS::Region}}:${{AWS::AccountId}}:*"], ""


def _resource_grants(stage: Stage) -> Iterator[tuple[str, list[str], str]]:
    """Yield what the policies of keys and buckets let roles do: a boundary limits that too."""
    for stack, logical_id, resource in stage.resources():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::KMS::Key":
            document, named = properties["KeyPolicy"], stage.arns_of(stack, logical_id)
        elif resource["Type"] == "AWS::S3::BucketPolicy":
            document, named = properties["PolicyDocument"], []
        else:
            continue
        for statement in (s for s in listed(document["Statement"]) if _allows_role(s)):
            found = named or [
                a for r in listed(statement["Resource"]) for a in _arns(stage, stack, r)
            ]
            for action in listed(statement["Action"]):
                yield action, [_anywhere(each) for each in found], ""


def _allows_role(statement: Json) -> bool:
    principal = statement["Principal"].get("AWS")
    is_reference = isinstance(principal, dict) and bool({"Fn::GetAtt", "Ref"} & principal.keys())
    return statement["Effect"] == "Allow" and is_reference


def _passed_to(action: str, statement: Json) -> str:
    """Return the service that a role is passed to; raises KeyError when it is any."""
    if action != "iam:PassRole":
        return ""
    return str(statement["Condition"]["StringEquals"][_PASSED_TO])


def role_policies(stage: Stage) -> Iterator[tuple[str, Json]]:
    """Yield the documents of the roles' policies, with the stack that each stands in."""
    for stack, _, resource in stage.resources():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", []):
                yield stack, policy["PolicyDocument"]
        elif resource["Type"] == "AWS::IAM::Policy" or (
            resource["Type"] == "AWS::IAM::ManagedPolicy" and "Roles" in properties
        ):
            yield stack, properties["PolicyDocument"]


def _arns(stage: Stage, stack: str, resource: Any) -> list[str]:  # noqa: ANN401, PLR0911 - any JSON
    """Return patterns of what a policy names, `*` for what only a deployment knows."""
    match resource:
        case {"Fn::GetAtt": [str(logical_id), *_]} | {"Ref": str(logical_id)} if (
            logical_id in stage.stacks[stack]["Resources"]
        ):
            return stage.arns_of(stack, logical_id)
        case {"Ref": str(name)} if published := stage.published(stack, name):
            return _arns(stage, *published)
        case {"Fn::GetStackOutput": {"StackName": str(other), "OutputName": str(output)}}:
            value = stage.stacks[other]["Outputs"][output]["Value"]
            return _arns(stage, other, value)
        case {"Fn::Join": [str(separator), list(parts)]}:
            texts = [""]
            for index, part in enumerate(parts):
                ends = _arns(stage, stack, part)
                between = separator if index else ""
                texts = [_joined(t + between, end) for t in texts for end in ends]
            return [re.sub(r"\*+", "*", text) for text in texts]
        case {"Fn::If": [_, one, other]}:
            return [*_arns(stage, stack, one), *_arns(stage, stack, other)]
        case {"Ref": "AWS::Partition" | "AWS::Region" | "AWS::AccountId" as name}:
            return [f"${{{name}}}"]
        case str() | {"Fn::Sub": str()}:
            return [resource if isinstance(resource, str) else resource["Fn::Sub"]]
    return ["*"]


def _joined(beginning: str, end: str) -> str:
    """Join what may be an ARN's beginning and the ARN of what only ends it with its name."""
    if not (beginning.startswith("arn:") and end.startswith("arn:")):
        return beginning + end
    return beginning + _KIND.sub("", end.rpartition(":")[2])


def _anywhere(arn: str) -> str:
    """Write an ARN of a placed stage as one of any place, and of whatever assets there will be."""
    # Another account is that of an image: it differs between regions.
    account = "*" if arn.split(":")[2:3] == ["ecr"] else "${AWS::AccountId}"
    for found, written in (
        (_ASSET, "*"),
        (_ACCOUNT, account),
        (_REGION, "${AWS::Region}"),
        (_PARTITION, _ARN),
        (_PUBLIC_WEIGHTS, r"\1/*"),
    ):
        arn = found.sub(written, arn)
    return arn


def _exchangeable(arn: str) -> list[str]:
    """Return the ARNs of what an update may bring in its place, itself among them."""
    registry, _, repository = arn.partition(":repository/")
    if repository not in _SERVER_IMAGES:
        return [arn]
    return [f"{registry}:repository/{each}" for each in _SERVER_IMAGES]


def listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Return what a policy lists: it may be one without a list."""
    return value if isinstance(value, list) else [value]
