"""The REST API's probes: an answer, whole and streamed, and the line that its function logs."""

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx

from least_privilege.account import Account, client
from least_privilege.waiting import Patience, ProbeError

_OK = 200
_DRAINING = "version_draining.handler.handle"


class Rest:
    """Asks the deployed model as a client does."""

    def __init__(self, account: Account, patience: Patience) -> None:
        self._account = account
        self._patience = patience

    def answer_and_log(self) -> None:
        """Ask with a key that API Gateway has not met, so that the authorizer is asked too."""
        _restart_proxy()
        began = int(time.time() * 1000)
        plan, key = self._new_key()
        try:
            ids = [self._ask(key["value"], stream=stream) for stream in (False, True)]
        finally:
            self._delete(plan, key)
        for request_id in ids:
            self._expect_line("run.sh", began, request_id)
        self._expect_line("api_authorizer.handler.handle", began, "END RequestId")
        _end_draining()
        self._expect_line(_DRAINING, began, "END RequestId")

    def answer_by_every_model(self) -> None:
        """Ask each model that the API names."""
        plan, key = self._new_key()
        try:
            for model in self._models(key["value"]):
                self._ask(key["value"], stream=False, model=model)
        finally:
            self._delete(plan, key)

    def _models(self, key: str) -> list[str]:
        answer = httpx.get(
            f"{self._account.base_url}/v1/models",
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
            trust_env=False,
        )
        return [each["id"] for each in answer.json()["data"]]

    def _new_key(self) -> tuple[str, dict[str, Any]]:
        gateway = client("apigateway")
        plan = str(gateway.get_usage_plans()["items"][0]["id"])
        key: dict[str, Any] = gateway.create_api_key(name=f"probe-{uuid.uuid4().hex}", enabled=True)
        gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
        return plan, key

    def _delete(self, plan: str, key: dict[str, Any]) -> None:
        client("apigateway").delete_usage_plan_key(usagePlanId=plan, keyId=key["id"])
        client("apigateway").delete_api_key(apiKey=key["id"])

    def _ask(self, key: str, *, stream: bool, model: str | None = None) -> str:
        body = {"model": model or self._account.model, "max_tokens": 2, "stream": stream}
        answer = httpx.post(
            f"{self._account.base_url}/v1/chat/completions",
            headers={"Authorization": f"Bearer {key}"},
            json={**body, "messages": [{"role": "user", "content": "Hi"}]},
            timeout=60,
            trust_env=False,
        )
        complete = "[DONE]" in answer.text if stream else "choices" in answer.text
        if answer.status_code != _OK or not complete:
            raise ProbeError(f"the API answers {answer.status_code}", answer.text[:200])
        return answer.headers["x-request-id"]

    def _expect_line(self, handler: str, began: int, text: str) -> None:
        functions = client("lambda").list_functions()["Functions"]
        group = next(f["LoggingConfig"]["LogGroup"] for f in functions if f["Handler"] == handler)
        self._patience.until(
            f"no log line of {handler.partition('.')[0]}",
            lambda: _is_logged(group, began, text),
            grace=1,
        )


def _restart_proxy() -> None:
    """Publish the proxy with another MiB of memory: a new environment begins a new log stream."""
    lambda_ = client("lambda")
    functions = lambda_.list_functions()["Functions"]
    proxy = next(f for f in functions if f["Handler"] == "run.sh")
    name = proxy["FunctionName"]
    lambda_.update_function_configuration(FunctionName=name, MemorySize=proxy["MemorySize"] ^ 1)
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name)
    version = lambda_.publish_version(FunctionName=name)["Version"]
    lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=version)


class _CloudFormation(BaseHTTPRequestHandler):
    """Takes the answer of a custom resource's function."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(_OK)
        self.end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Log nothing."""


def _end_draining() -> None:
    """Tell the function that waits that its resource goes: then it answers at once."""
    functions = client("lambda").list_functions()["Functions"]
    name = next(f["FunctionName"] for f in functions if f["Handler"] == _DRAINING)
    with HTTPServer(("127.0.0.1", 0), _CloudFormation) as server:
        server.timeout = 30
        taking = threading.Thread(target=server.handle_request)
        taking.start()
        event = {
            "RequestType": "Delete",
            "ResourceProperties": {"Version": "1", "Seconds": "1"},
            "ResponseURL": f"http://127.0.0.1:{server.server_port}/",
            **dict.fromkeys(("StackId", "RequestId", "LogicalResourceId"), "probe"),
        }
        answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        if "FunctionError" in answer:
            raise ProbeError("an update waits for ever", answer["Payload"].read().decode()[:200])
        taking.join()


def _is_logged(group: str, began: int, text: str) -> bool:
    found = client("logs").filter_log_events(logGroupName=group, startTime=began)["events"]
    return any(text in event["message"] for event in found)
