"""AutoGen's agents, which send their names with every message."""

import asyncio
from typing import Any

import openai
import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core.models import (
    ModelFamily,
    UserMessage,
)
from autogen_ext.models.openai import OpenAIChatCompletionClient

from tests.clients.stage import (
    BASE_URL,
    KEY,
    MODEL,
    REFUSED,
    TOO_LONG,
    WRONG_KEY,
    WRONG_KEY_WORDS,
)

ABILITIES = {
    "vision": False,
    "function_calling": False,
    "json_output": False,
    "structured_output": False,
    "family": ModelFamily.UNKNOWN,
}
HI = [UserMessage(content="Say hi.", source="user")]


def client(**settings: Any) -> OpenAIChatCompletionClient:
    given = {
        "model": MODEL,
        "base_url": BASE_URL,
        "api_key": KEY,
        "model_info": ABILITIES,
        "max_tokens": 4,
        "temperature": 0,
        "max_retries": 0,
    }
    return OpenAIChatCompletionClient(**{**given, **settings})


def agent(name: str, **settings: Any) -> AssistantAgent:
    return AssistantAgent(name, client(), system_message=f"You are {name}.", **settings)


def test_agent_answers_whole_and_streamed() -> None:
    whole = asyncio.run(agent("teacher").run(task="Say hi."))
    streamed = asyncio.run(agent("teacher", model_client_stream=True).run(task="Say hi."))

    assert whole.messages[-1].source == "teacher"
    assert whole.messages[-1].to_text() == streamed.messages[-1].to_text() != ""


def test_team_takes_turns() -> None:
    async def talk() -> list[str]:
        team = RoundRobinGroupChat(
            [agent("teacher"), agent("pupil")],
            termination_condition=MaxMessageTermination(4),
        )
        result = await team.run(task="What is the sea?")
        return [message.source for message in result.messages]

    assert asyncio.run(talk()) == ["user", "teacher", "pupil", "teacher"]


def test_prompt_too_long_is_a_bad_request_with_the_code() -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        asyncio.run(client().create([UserMessage(content=TOO_LONG, source="user")]))
    assert refused.value.code == "context_length_exceeded"


def test_wrong_key_is_an_authentication_error() -> None:
    with pytest.raises(openai.AuthenticationError, match=WRONG_KEY_WORDS):
        asyncio.run(client(api_key=WRONG_KEY).create(HI))


def test_refused_parameter_is_a_bad_request() -> None:
    with pytest.raises(openai.BadRequestError, match=REFUSED):
        asyncio.run(client(frequency_penalty=0.5).create(HI))
