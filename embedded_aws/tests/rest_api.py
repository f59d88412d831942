"""REST APIs of mock integrations, for tests."""

from typing import Any

import httpx

from embedded_aws.tests.account import Account


class Api:
    """A REST API without a function, whose routes answer with their name."""

    def __init__(self, account: Account) -> None:
        self.gateway: Any = account.aws.client("apigateway")
        self.id = self.gateway.create_rest_api(name=account.name("api"))["id"]
        (self._root,) = self.gateway.get_resources(restApiId=self.id)["items"]
        self._url = f"http://127.0.0.1:{account.aws.port}/_aws/execute-api/{self.id}/live"

    def add(self, name: str, method: str = "GET", **more: Any) -> None:
        resource = self.gateway.create_resource(
            restApiId=self.id, parentId=self._root["id"], pathPart=name
        )
        where = {"restApiId": self.id, "resourceId": resource["id"], "httpMethod": method}
        self.gateway.put_method(**where, **{"authorizationType": "NONE", **more})
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

    def serve(self) -> None:
        """Create the stage, of a deployment of what there is."""
        self.gateway.create_stage(restApiId=self.id, stageName="live", deploymentId=self.deploy())

    def change(self, kind: str, path: str, value: str, **which: str) -> None:
        patch = {"op": "replace", "path": path, "value": value}
        update = getattr(self.gateway, f"update_{kind}")
        update(restApiId=self.id, **which, patchOperations=[patch])

    def status(self, name: str, **more: Any) -> int:
        method = "POST" if "json" in more else "GET"
        return httpx.request(method, f"{self._url}/{name}", timeout=300, **more).status_code
