"""A stack of one web function behind a streaming API, as a template that needs no CDK.

jsii starts in seconds, in each process that imports the CDK.
"""

import json
from typing import Any

_LAYER = "arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerArm64:30"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}
_LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_API = {"Ref": "Api"}
_ALIASED = {
    "Version": {
        "Type": "AWS::Lambda::Version",
        "Properties": {"FunctionName": {"Ref": "Function"}},
    },
    "Live": {
        "Type": "AWS::Lambda::Alias",
        "Properties": {
            "Name": "live",
            "FunctionName": {"Ref": "Function"},
            "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
        },
    },
}


def template(script: str, *routes: tuple[str, str], snapshot: bool = False, **settings: Any) -> str:
    """Return the template: `script` is the shell script that the adapter runs.

    `routes`: methods and paths of one segment. `settings`: further properties of the function.
    With a `snapshot` the API calls a version that has one, by an alias.
    """
    called = "${Live}" if snapshot else "${Function.Arn}"
    methods = {f"Method{path.title()}": _method(method, path, called) for method, path in routes}
    if snapshot:
        settings |= {"SnapStart": {"ApplyOn": "PublishedVersions"}}
    resources = {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": _TRUST, "ManagedPolicyArns": [_LOGS]},
        },
        "Function": {"Type": "AWS::Lambda::Function", "Properties": _function(script, settings)},
        **(_ALIASED if snapshot else {}),
        "Permission": {"Type": "AWS::Lambda::Permission", "Properties": _permission(called)},
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "Api"}},
        **{f"Path{path.title()}": _path(path) for _, path in routes},
        **methods,
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "DependsOn": list(methods),
            "Properties": {"RestApiId": _API},
        },
        "Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {
                "RestApiId": _API,
                "DeploymentId": {"Ref": "Deployment"},
                "StageName": "prod",
            },
        },
    }
    outputs = {"ApiId": {"Value": _API}, "FunctionName": {"Value": {"Ref": "Function"}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def _function(script: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "Runtime": "python3.13",
        # Inline code is always in `index.py`; the web adapter runs it as a shell script.
        "Handler": "index.py",
        "Code": {"ZipFile": script},
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Layers": [_LAYER],
        **settings,
    }


def _permission(function: str) -> dict[str, Any]:
    called = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*/*"
    return {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::Sub": function},
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": {"Fn::Sub": called},
    }


def _path(path: str) -> dict[str, Any]:
    parent = {"Fn::GetAtt": ["Api", "RootResourceId"]}
    return {
        "Type": "AWS::ApiGateway::Resource",
        "Properties": {"RestApiId": _API, "ParentId": parent, "PathPart": path},
    }


def _method(method: str, path: str, function: str) -> dict[str, Any]:
    uri = (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2021-11-15/functions/"
        f"{function}/response-streaming-invocations"
    )
    return {
        "Type": "AWS::ApiGateway::Method",
        "Properties": {
            "RestApiId": _API,
            "ResourceId": {"Ref": f"Path{path.title()}"},
            "HttpMethod": method,
            "AuthorizationType": "NONE",
            "Integration": {
                "Type": "AWS_PROXY",
                "IntegrationHttpMethod": "POST",
                "ResponseTransferMode": "STREAM",
                "Uri": {"Fn::Sub": uri},
            },
        },
    }
