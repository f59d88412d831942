"""The playground page: whole in itself, and there only where the settings say so."""

import re
from base64 import b64encode
from hashlib import sha256

import msgspec

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
