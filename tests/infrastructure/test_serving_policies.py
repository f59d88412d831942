"""What the endpoint's instances may do, statement by statement."""

from typing import Any

from tests.infrastructure.assembly import Assembly, Template

_ROLE = "AWS::IAM::Role"
_IMAGE = "repository/huggingface-pytorch-tgi-inference"
_WEIGHTS = (
    "huggingface-llm/huggingface-llm-mistral-7b-instruct/artifacts/inference-prepack/v1.0.0/*"
)


def _statements(template: Template) -> list[dict[str, Any]]:
    role = template.only(_ROLE)
    assert "ManagedPolicyArns" not in role
    assert not template.resources("AWS::IAM::Policy")
    (policy,) = role["Policies"]
    return list(policy["PolicyDocument"]["Statement"])


def _common(template: Template, region: str, account: str, registry: str) -> list[dict[str, Any]]:
    start, stack_part = template.only("AWS::Logs::LogGroup")["LogGroupName"]["Fn::Join"][1]
    log_group = [f"arn:aws:logs:{region}:{account}:log-group:{start}", stack_part]
    return [
        {
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            "Effect": "Allow",
            "Resource": f"arn:aws:ecr:{region}:{registry}:{_IMAGE}",
        },
        {"Action": "ecr:GetAuthorizationToken", "Effect": "Allow", "Resource": "*"},
        {
            "Action": [
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            "Effect": "Allow",
            "Resource": {"Fn::Join": ["", [*log_group, ":*"]]},
        },
        {
            "Action": "cloudwatch:PutMetricData",
            "Condition": {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}},
            "Effect": "Allow",
            "Resource": "*",
        },
    ]


def _watching(template: Template) -> dict[str, Any]:
    names = template.resources("AWS::CloudWatch::Alarm")
    return {
        "Action": "cloudwatch:DescribeAlarms",
        "Effect": "Allow",
        "Resource": [{"Fn::GetAtt": [name, "Arn"]} for name in names],
    }


def test_role_reaches_image_weights_logs_and_metrics_only(assembly: Assembly) -> None:
    bucket = "arn:aws:s3:::jumpstart-cache-prod-ap-southeast-3"
    template = assembly.template("Prod/Serving")
    assert _statements(template) == [
        *_common(template, "ap-southeast-3", "333333333333", "907027046896"),
        {"Action": "s3:GetObject", "Effect": "Allow", "Resource": f"{bucket}/{_WEIGHTS}"},
        {
            # Without a prefix: anyone may list the bucket, and SageMaker may leave the slash out.
            "Action": "s3:ListBucket",
            "Effect": "Allow",
            "Resource": bucket,
        },
        _watching(template),
    ]


def test_role_reads_no_bucket_when_weights_are_in_the_container(assembly: Assembly) -> None:
    template = assembly.template("Local/Serving")
    common = _common(template, "us-east-1", "000000000000", "763104351884")
    assert _statements(template) == [*common, _watching(template)]


def test_role_is_for_sagemaker_in_this_account_only(assembly: Assembly) -> None:
    role = assembly.template("Prod/Serving").only(_ROLE)
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "333333333333"}},
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
        }
    ]


def test_policy_exists_before_the_model(serving: Template) -> None:
    # It is part of the role, so whatever refers to the role comes after it.
    (role_id,) = serving.resources(_ROLE)
    model = serving.only("AWS::SageMaker::Model")
    assert model["ExecutionRoleArn"] == {"Fn::GetAtt": [role_id, "Arn"]}
