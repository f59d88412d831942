"""A stage answers as its deployment was made."""

import json

import pytest

from embedded_aws.tests.account import Account
from embedded_aws.tests.rest_api import Api


@pytest.fixture
def api(account: Account) -> Api:
    return Api(account)


def test_a_stage_has_what_its_deployment_had(api: Api) -> None:
    api.add("old")
    api.serve()
    first = api.gateway.get_stage(restApiId=api.id, stageName="live")["deploymentId"]
    api.add("new")
    assert (api.status("old"), api.status("new")) == (200, 403)
    second = api.deploy()
    assert api.status("new") == 403  # no stage has it
    api.point(second)
    assert (api.status("old"), api.status("new")) == (200, 200)
    api.point(first)
    assert api.status("new") == 403


def test_an_authorizer_is_as_it_was_deployed(api: Api) -> None:
    # What it does not match is refused without asking its function, which there is not.
    authorizer = api.gateway.create_authorizer(
        restApiId=api.id,
        name="keys",
        type="TOKEN",
        authorizerUri="arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        "arn:aws:lambda:us-east-1:000000000000:function:none/invocations",
        identitySource="method.request.header.Authorization",
        identityValidationExpression="^old$",
    )["id"]
    api.add("guarded", authorizationType="CUSTOM", authorizerId=authorizer)
    api.serve()
    headers = {"Authorization": "new"}
    assert api.status("guarded", headers=headers) == 401
    api.change("authorizer", "/identityValidationExpression", "^new$", authorizerId=authorizer)
    assert api.status("guarded", headers=headers) == 401
    api.point(api.deploy())
    assert api.status("guarded", headers=headers) == 500


def test_a_model_and_a_validator_are_as_they_were_deployed(api: Api) -> None:
    def schema(required: str) -> str:
        return json.dumps({"type": "object", "required": [required]})

    api.gateway.create_model(
        restApiId=api.id, name="Body", contentType="application/json", schema=schema("old")
    )
    validator = api.gateway.create_request_validator(
        restApiId=api.id, name="bodies", validateRequestBody=True
    )["id"]
    models = {"application/json": "Body"}
    api.add("body", "POST", requestModels=models, requestValidatorId=validator)
    api.serve()
    api.change("model", "/schema", schema("new"), modelName="Body")
    assert (api.status("body", json={"old": 1}), api.status("body", json={"new": 1})) == (200, 400)
    api.point(api.deploy())
    assert (api.status("body", json={"old": 1}), api.status("body", json={"new": 1})) == (400, 200)
    where = {"requestValidatorId": validator}
    api.change("request_validator", "/validateRequestBody", "false", **where)
    assert api.status("body", json={"old": 1}) == 400
    api.gateway.delete_model(restApiId=api.id, modelName="Body")
    assert api.status("body", json={"old": 1}) == 400
