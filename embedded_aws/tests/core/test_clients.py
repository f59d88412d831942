"""The emulator's own clients, against a server that closes a kept connection as it is used again.

The server's keep-alive ends after 75 seconds: a training of that length had its first upload on a
connection that was just being closed. What a step calls is as far apart as its jobs take.
"""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from embedded_aws.core import clients

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_LAST = _ANSWER.replace(b"OK", b"OK\r\nConnection: close")  # or the client would keep it


@dataclass
class Closing:
    """A server that answers few requests of its first connection, and closes at the next."""

    listener: socket.socket
    answered: int = 1  # of the first connection
    requests: list[int] = field(default_factory=list)  # by connection

    def serve(self) -> None:
        """Serve each connection until the listener is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.requests.append(0)
            first = len(self.requests) == 1
            threading.Thread(target=self._answer, args=(connection, first), daemon=True).start()

    def _answer(self, connection: socket.socket, first: bool) -> None:  # noqa: FBT001 - of this file
        with connection:
            number = len(self.requests) - 1
            while request := connection.recv(65_536):
                self.requests[number] += 1
                if first and self.requests[number] > self.answered:
                    return
                is_last = b"\r\nConnection: close\r\n" in request
                connection.sendall(_LAST if is_last else _ANSWER)
                if is_last:
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65_536):  # closed before, it would be reset
                        pass
                    return


@pytest.fixture
def closing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Closing]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        clients._made.cache_clear()
        server = Closing(listener)
        threading.Thread(target=server.serve, daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
    clients._made.cache_clear()


def _client(service: str) -> Any:
    return clients.client(
        service, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )


def test_a_transfer_is_repeated_on_another_connection(closing: Closing) -> None:
    s3 = _client("s3")
    for part in range(2):
        s3.head_object(Bucket="bucket", Key=str(part))
    assert closing.requests == [2, 1]


def test_each_call_of_a_step_has_a_connection_of_its_own(closing: Closing) -> None:
    for service in ("lambda", "sagemaker"):
        client = _client(service)
        for _ in range(2):
            _call(client)
    assert closing.requests == [1, 1, 1, 1]


def test_a_call_of_a_step_is_left_to_the_pipeline_to_repeat(closing: Closing) -> None:
    closing.answered = 0
    with pytest.raises(ConnectionClosedError):
        _call(_client("lambda"))
    assert closing.requests == [1]


def _call(client: Any) -> None:
    if client.meta.service_model.service_name == "lambda":
        client.invoke(FunctionName="release")["Payload"].read()
    else:
        client.list_endpoints()
