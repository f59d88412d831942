"""A stage answers as its deployment was made."""

from typing import Any

import httpx
import pytest

from embedded_aws.tests.account import Account


class Api:
    """A REST API without a function, whose routes answer with their name."""

    def __init__(self, account: Account) -> None:
        self.gateway: Any = account.aws.client("apigateway")
        self.id = self.gateway.create_rest_api(name=account.name("api"))["id"]
        (self._root,) = self.gateway.get_resources(restApiId=self.id)["items"]
        self._url = f"http://127.0.0.1:{account.aws.port}/_aws/execute-api/{self.id}/live"

    def add(self, name: str) -> None:
        resource = self.gateway.create_resource(
            restApiId=self.id, parentId=self._root["id"], pathPart=name
        )
        where = {"restApiId": self.id, "resourceId": resource["id"], "httpMethod": "GET"}
        self.gateway.put_method(**where, authorizationType="NONE")
        self.gateway.put_method_response(**where, statusCode="200")
        self.gateway.put_integration(
            **where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
        )
        self.gateway.put_integration_response(
            **where, statusCode="200", responseTemplates={"application/json": f'"{name}"'}
        )

    def deploy(self) -> str:
        return str(self.gateway.create_deployment(restApiId=self.id)["id"])

    def point(self, deployment: str) -> None:
        patch = {"op": "replace", "path": "/deploymentId", "value": deployment}
        self.gateway.update_stage(restApiId=self.id, stageName="live", patchOperations=[patch])

    def status(self, name: str) -> int:
        return httpx.get(f"{self._url}/{name}", timeout=30).status_code


@pytest.fixture
def api(account: Account) -> Api:
    return Api(account)


def test_a_stage_has_what_its_deployment_had(api: Api) -> None:
    api.add("old")
    first = api.deploy()
    api.gateway.create_stage(restApiId=api.id, stageName="live", deploymentId=first)
    api.add("new")
    assert (api.status("old"), api.status("new")) == (200, 403)
    second = api.deploy()
    assert api.status("new") == 403  # no stage has it
    api.point(second)
    assert (api.status("old"), api.status("new")) == (200, 200)
    api.point(first)
    assert api.status("new") == 403
