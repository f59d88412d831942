"""What the pipeline, its jobs and the release may do, and what they may not."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infrastructure.assembly import Assembly, Template

_ROLE = "AWS::IAM::Role"
_PUBLIC_BUCKET = "arn:aws:s3:::jumpstart-cache-prod-ap-southeast-3"
_WEIGHTS = (
    f"{_PUBLIC_BUCKET}/huggingface-llm/"
    "huggingface-llm-mistral-7b-instruct/artifacts/inference-prepack/v1.0.0/*"
)
_ENDPOINT = (
    "<SsmParameterValueProdServingPublishedEndpointArnC96584B6F00A464EAD1953AFF4B05118Parameter>"
)
_STEPS = ("Prepare", "FineTune", "Evaluate")
_SAGEMAKER = "arn:aws:sagemaker:ap-southeast-3:333333333333"
_PACKAGES = (
    f"{_SAGEMAKER}:model-package/prod-training-<part of the stack's id>-mistral-7b-instruct/*"
)


@pytest.fixture(name="template", scope="module")
def _template(assembly: Assembly) -> Template:
    return assembly.template("Prod/Training")


def _written(value: Any) -> str:
    """Write an ARN with references as `<LogicalId>`."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(_written(part) for part in value["Fn::Join"][1])
    if "Fn::Select" in value:
        return "<part of the stack's id>"
    (target,) = value.values()
    return f"<{target if isinstance(target, str) else target[0]}>"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(template: Template, role: str) -> Iterator[dict[str, Any]]:
    (policy,) = template.only(_ROLE, role)["Policies"]
    yield from policy["PolicyDocument"]["Statement"]


def _reach(statements: Iterator[dict[str, Any]], action: str) -> set[str]:
    return {
        _written(resource)
        for statement in statements
        if action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }


def _id(template: Template, resource_type: str, containing: str) -> str:
    (found,) = (key for key in template.resources(resource_type) if containing in key)
    return found


@pytest.fixture(name="places")
def _places(template: Template) -> dict[str, str]:
    data = _id(template, "AWS::S3::Bucket", "Data")
    artifacts = _id(template, "AWS::S3::Bucket", "Artifacts")
    own = {
        name: f"<{artifacts}>/{name}/*"
        for name in (
            "prepared",
            "checkpoints",
            "candidates",
            "models",
            "inventories",
            "evaluations",
        )
    }
    return {**own, "data": f"<{data}>/data/*", "base": f"<{data}>/base-models/*"}


@pytest.mark.parametrize(
    ("step", "reads", "writes"),
    [
        ("Prepare", ("data",), ("prepared",)),
        ("FineTune", ("prepared", "base", "checkpoints"), ("candidates", "checkpoints")),
        ("Evaluate", ("prepared", "base", "models"), ("evaluations",)),
    ],
)
def test_each_job_reaches_only_its_prefixes(
    template: Template,
    places: dict[str, str],
    step: str,
    reads: tuple[str, ...],
    writes: tuple[str, ...],
) -> None:
    role = f"Roles{step}"
    read = _reach(_statements(template, role), "s3:GetObject")
    (code,) = (arn for arn in read if "cdk-llmprod-assets" in arn)
    assert code.endswith(".zip")
    published = set() if step == "Prepare" else {_WEIGHTS}
    assert read - {code} == {places[name] for name in reads} | published
    assert _reach(_statements(template, role), "s3:PutObject") == {places[n] for n in writes}


@pytest.mark.parametrize(
    ("step", "deletes"), [("Prepare", ()), ("FineTune", ("checkpoints",)), ("Evaluate", ())]
)
def test_no_job_deletes_anything_but_checkpoints(
    template: Template, places: dict[str, str], step: str, deletes: tuple[str, ...]
) -> None:
    reach = _reach(_statements(template, f"Roles{step}"), "s3:DeleteObject")
    assert reach == {places[name] for name in deletes}


@pytest.mark.parametrize("step", _STEPS)
def test_jobs_list_nothing_beyond_their_prefixes(template: Template, step: str) -> None:
    for statement in _statements(template, f"Roles{step}"):
        if "s3:ListBucket" in _list(statement["Action"]):
            if statement["Resource"] == _PUBLIC_BUCKET:
                assert "Condition" not in statement
                continue
            (condition,) = statement["Condition"].values()
            assert condition["s3:prefix"].endswith(("/*", ".zip"))


@pytest.mark.parametrize("step", _STEPS)
def test_jobs_have_one_image_one_key_and_their_own_logs(template: Template, step: str) -> None:
    role = f"Roles{step}"
    image = "arn:aws:ecr:ap-southeast-3:907027046896:repository/huggingface-pytorch-training"
    assert _reach(_statements(template, role), "ecr:BatchGetImage") == {image}
    key = _id(template, "AWS::KMS::Key", "Storage")
    assert _reach(_statements(template, role), "kms:Decrypt") == {f"<{key}>"}
    kind = "TrainingJobs" if step == "FineTune" else "ProcessingJobs"
    group = f"arn:aws:logs:ap-southeast-3:333333333333:log-group:/aws/sagemaker/{kind}"
    streams = f"{group}:log-stream:pipelines-*-{step}-*"
    assert _reach(_statements(template, role), "logs:PutLogEvents") == {streams}
    assert _reach(_statements(template, role), "logs:CreateLogGroup") == {f"{group}:*"}
    assert _reach(_statements(template, role), "kms:Encrypt") == {f"<{key}>"}
    actions = {a for s in _statements(template, role) for a in _list(s["Action"])}
    assert not {a for a in actions if a.startswith(("sagemaker:", "iam:", "cloudformation:"))}


@pytest.mark.parametrize(
    "role", ["RolesPrepare", "RolesFineTune", "RolesEvaluate", "FineTuningRole4"]
)
def test_roles_are_for_sagemaker_in_this_account_only(template: Template, role: str) -> None:
    (trust,) = template.only(_ROLE, role)["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "333333333333"}}


def _policy(template: Template, containing: str) -> list[dict[str, Any]]:
    policy = template.only("AWS::IAM::Policy", containing)
    statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return statements


def test_store_alone_writes_models_and_reads_nothing_but_candidates_beside_them(
    template: Template, places: dict[str, str]
) -> None:
    store = _policy(template, "StoreRole")
    kept = {places["models"], places["inventories"]}
    assert _reach(iter(store), "s3:PutObject") == kept
    assert _reach(iter(store), "s3:GetObject") == {*kept, places["candidates"]}
    assert not _reach(iter(store), "s3:DeleteObject")
    for policy in template.resources("AWS::IAM::Policy"):
        if "StoreRole" not in policy:
            assert not _reach(iter(_policy(template, policy)), "s3:PutObject")


def test_bucket_refuses_models_of_anybody_but_the_store(
    template: Template, places: dict[str, str]
) -> None:
    policy = template.only("AWS::S3::BucketPolicy", "Artifacts")["PolicyDocument"]["Statement"]
    (lock,) = (s for s in policy if s["Action"] == "s3:PutObject")
    assert (lock["Effect"], lock["Principal"]) == ("Deny", {"AWS": "*"})
    assert {_written(r) for r in lock["Resource"]} == {places["models"], places["inventories"]}
    role = _id(template, _ROLE, "StoreRole")
    assert lock["Condition"] == {
        "ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": [role, "Arn"]}}
    }


def test_pipeline_passes_its_jobs_roles_to_sagemaker_and_no_other(template: Template) -> None:
    statements = list(_statements(template, "FineTuningRole4"))
    passed = _reach(iter(statements), "iam:PassRole")
    assert passed == {f"<{_id(template, _ROLE, f'Roles{step}')}>" for step in _STEPS}
    (statement,) = (s for s in statements if s["Action"] == "iam:PassRole")
    assert statement["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }


def test_pipeline_starts_only_what_it_names_and_registers_in_one_group(template: Template) -> None:
    statements = list(_statements(template, "FineTuningRole4"))
    for kind, operation in (("training", "TrainingJob"), ("processing", "ProcessingJob")):
        assert _reach(iter(statements), f"sagemaker:Create{operation}") == {
            f"{_SAGEMAKER}:{kind}-job/pipelines-*"
        }
    group = _id(template, "AWS::SageMaker::ModelPackageGroup", "")
    assert _reach(iter(statements), "sagemaker:CreateModelPackage") == {
        f"<{group}>",
        _PACKAGES,
    }
    queue = _id(template, "AWS::SQS::Queue", "ReleaseQueue")
    assert _reach(iter(statements), "sqs:SendMessage") == {f"<{queue}>"}
    store = _id(template, "AWS::Lambda::Function", "Store")
    assert _reach(iter(statements), "lambda:InvokeFunction") == {f"<{store}>"}


def _release_policy(template: Template) -> list[dict[str, Any]]:
    (policy,) = (
        found["Properties"]["PolicyDocument"]["Statement"]
        for key, found in template.resources("AWS::IAM::Policy").items()
        if "Release" in key
    )
    return list(policy)


def _conditions(statements: list[dict[str, Any]], action: str) -> Any:
    (found,) = (s for s in statements if action in _list(s["Action"]))
    return found.get("Condition")


def test_release_updates_one_stack_under_one_role(template: Template) -> None:
    policy = _release_policy(template)
    role = {"Fn::GetAtt": [_id(template, _ROLE, "ReleaseServiceRole"), "Arn"]}
    assert _conditions(policy, "cloudformation:UpdateStack") == {
        "ArnEquals": {"cloudformation:RoleArn": role},
        "Null": {
            "cloudformation:StackPolicyUrl": "true",
            "cloudformation:TemplateUrl": "true",
        },
    }
    assert _conditions(policy, "iam:PassRole") == {
        "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
    }
    assert [s["Resource"] for s in policy if s["Action"] == "iam:PassRole"] == [role]


def _names(assembly: Assembly, kind: str) -> Iterator[str]:
    """Yield how the names of the serving stack's one such resource begin."""
    (name,) = assembly.template("Prod/Serving").resources(f"AWS::SageMaker::{kind}")
    yield from (name, name.lower())


def test_release_reaches_one_stack_one_group_and_its_pipeline(
    template: Template, assembly: Assembly
) -> None:
    policy = _release_policy(template)
    reach = {
        action: {_written(r) for r in _list(statement["Resource"])}
        for statement in policy
        for action in _list(statement["Action"])
    }
    stack = "arn:aws:cloudformation:ap-southeast-3:333333333333:stack/Prod-Serving/*"
    executions = f"{_SAGEMAKER}:pipeline/prod-training-fine-tune/execution/*"
    assert {action: where for action, where in reach.items() if action.startswith("cloud")} == {
        "cloudformation:DescribeStackEvents": {stack},
        "cloudformation:DescribeStacks": {stack},
        "cloudformation:UpdateStack": {stack},
    }
    assert {action: where for action, where in reach.items() if action.startswith("sage")} == {
        "sagemaker:DescribeEndpoint": {_ENDPOINT},
        "sagemaker:DescribeEndpointConfig": {
            f"{_SAGEMAKER}:endpoint-config/{name}-*" for name in _names(assembly, "EndpointConfig")
        },
        "sagemaker:DescribeModel": {
            f"{_SAGEMAKER}:model/{name}-*" for name in _names(assembly, "Model")
        },
        "sagemaker:DescribeModelPackage": {_PACKAGES},
        "sagemaker:UpdateModelPackage": {_PACKAGES},
        "sagemaker:DescribePipelineExecution": {executions},
        "sagemaker:SendPipelineExecutionStepFailure": {executions},
        "sagemaker:SendPipelineExecutionStepSuccess": {executions},
    }
    assert reach["ssm:GetParameters"] == {
        "arn:aws:ssm:ap-southeast-3:333333333333:parameter/cdk-bootstrap/llmprod/version"
    }
    artifacts = _id(template, "AWS::S3::Bucket", "Artifacts")
    assert {action: where for action, where in reach.items() if action.startswith("s3:")} == {
        "s3:GetObject": {f"<{artifacts}>/inventories/*"},
        "s3:ListBucket": {f"<{artifacts}>"},
    }
    assert reach["kms:Decrypt"] == {f"<{_id(template, 'AWS::KMS::Key', 'Storage')}>"}


def test_release_changes_the_model_behind_one_endpoint_and_nothing_else(
    template: Template,
) -> None:
    statements = list(_statements(template, "ReleaseServiceRole"))
    (trust,) = template.only(_ROLE, "ReleaseServiceRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    actions = {action for s in statements for action in _list(s["Action"])}
    assert not {a for a in actions if a.endswith("*")}
    assert {a.partition(":")[0] for a in actions} == {"iam", "sagemaker", "ssm"}
    (version,) = _reach(iter(statements), "ssm:GetParameters")
    assert version.endswith(":parameter/cdk-bootstrap/llmprod/version")
    assert "sagemaker:CreateEndpoint" not in actions
    assert "sagemaker:DeleteEndpoint" not in actions
    for action, kind in (("CreateModel", "model"), ("CreateEndpointConfig", "endpoint-config")):
        assert all(
            arn.startswith(f"{_SAGEMAKER}:{kind}/llm") and arn.endswith("-*")
            for arn in map(str.lower, _reach(iter(statements), f"sagemaker:{action}"))
        )
    isolated = {"Bool": {"sagemaker:NetworkIsolation": "true"}}
    assert _conditions(statements, "sagemaker:CreateModel") == isolated
    on = _conditions(statements, "sagemaker:CreateEndpointConfig")
    assert on["ForAllValues:StringEquals"] == {"sagemaker:InstanceTypes": "ml.g5.2xlarge"}
    assert on["Null"] == {"sagemaker:InstanceTypes": "false"}
    assert "ArnEquals" not in on  # no key: the instances encrypt their own disks
    (passed,) = (s for s in statements if s["Action"] == "iam:PassRole")
    assert passed["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }
    assert "RoleArn" in passed["Resource"]["Ref"]


def test_endpoint_reads_models_and_nothing_else_of_the_artefacts(
    template: Template, places: dict[str, str]
) -> None:
    policy = template.only("AWS::S3::BucketPolicy", "Artifacts")["PolicyDocument"]
    statements = [s for s in policy["Statement"] if s["Effect"] == "Allow"]
    assert _reach(iter(statements), "s3:GetObject") == {places["models"]}
    assert _reach(iter(statements), "s3:ListBucket") == {places["models"].removesuffix("/models/*")}
    assert _conditions(statements, "s3:ListBucket") == {"StringLike": {"s3:prefix": "models/*"}}
    key = template.only("AWS::KMS::Key", "Storage")["KeyPolicy"]["Statement"]
    (decrypt,) = (s for s in key if s["Action"] == "kms:Decrypt")
    for statement in (*statements, decrypt):
        assert "RoleArn" in statement["Principal"]["AWS"]["Ref"]
    assert len(statements) == 2


@pytest.mark.parametrize("environment", ["Dev", "Staging", "Prod"])
def test_what_lets_the_endpoint_read_models_outlives_the_stack_as_they_do(
    assembly: Assembly, environment: str
) -> None:
    template = assembly.template(f"{environment}/Training")
    for kind in ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key"):
        for resource in template.resources(kind).values():
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert "PublishedRoleArn" not in str(template.resources("AWS::IAM::Policy"))


def test_serving_stack_knows_nothing_of_the_training_stack(assembly: Assembly) -> None:
    for stack in ("Serving", "Api"):
        assert "Training" not in str(assembly.template(f"Prod/{stack}").body)
