"""The answers that TGI cannot stream: with `best_of`, or with the prompt's own tokens."""

import msgspec

from invoke_proxy.http.errors import EndpointError
from invoke_proxy.http.logs import Record
from invoke_proxy.http.unreadable import GARBAGE, UNREADABLE
from invoke_proxy.model import Model
from invoke_proxy.tgi_types import (
    DEFAULT_MAX_NEW_TOKENS,
    GenerateParameters,
    GenerateRequest,
    GenerateResponse,
)


async def generate_whole(
    model: Model, inputs: str, asked: GenerateParameters, record: Record
) -> GenerateResponse:
    """Return TGI's whole answer: always with details, and no default left to the server."""
    parameters = msgspec.structs.replace(
        asked,
        details=True,
        max_new_tokens=asked.max_new_tokens or DEFAULT_MAX_NEW_TOKENS,
        return_full_text=bool(asked.return_full_text),
    )
    request = GenerateRequest(inputs=inputs, parameters=parameters, stream=False)
    body = await model.invoke_whole(msgspec.json.encode(request))
    try:
        (answer,) = msgspec.json.decode(body, type=tuple[GenerateResponse])
    except UNREADABLE:
        raise EndpointError("model_error", GARBAGE) from None
    if answer.details:
        record.completion_tokens = answer.details.generated_tokens
    return answer
