"""SageMaker's routes of vLLM are those of model-hosting-container-standards."""

from pathlib import Path

from embedded_aws.tests.model_server.conftest import ModelServer
from embedded_aws.tests.model_server.test_adapter import write_model
from embedded_aws.tests.model_server.vllm.standard_requests import REQUESTS


def test_each_request_is_answered_as_the_standards_say(vllm: ModelServer, tmp_path: Path) -> None:
    write_model(tmp_path, scale=0.2)
    for asked in REQUESTS:
        content = asked.content(tmp_path / "adapter")
        answer = vllm.http.request(asked.method, asked.path, content=content, headers=asked.headers)
        found = (answer.status_code, asked.text in answer.text)
        assert found == (asked.status, True), (asked, answer.text)
