"""The JSON schemas (draft 4) that API Gateway checks bodies against, made from the wire types.

They ask for the required fields only. The proxy checks everything else, and says what is wrong and
where: API Gateway's refusal names no field.
"""

from typing import Any

import msgspec

from invoke_proxy.openai.requests import ChatRequest, CompletionRequest
from invoke_proxy.tgi_types import GenerateRequest

REQUEST_TYPES: dict[str, type[msgspec.Struct]] = {
    "ChatRequest": ChatRequest,
    "CompletionRequest": CompletionRequest,
    "GenerateRequest": GenerateRequest,
}

DRAFT_4 = "http://json-schema.org/draft-04/schema#"


def request_schema(name: str) -> dict[str, Any]:
    """Return the draft-4 schema of one of `REQUEST_TYPES`: an object with its required fields."""
    fields = msgspec.structs.fields(REQUEST_TYPES[name])
    return {
        "$schema": DRAFT_4,
        "title": name,
        "type": "object",
        "required": [field.encode_name for field in fields if field.required],
    }
