"""`GET /v1/models`, `GET /v1/models/{model}` and `GET /health`."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from invoke_proxy.http.errors import RequestError
from invoke_proxy.model import Model
from invoke_proxy.openai.answers import ModelCard, ModelList


async def list_models(request: Request) -> Response:
    """Answer the list of the one model that is served."""
    return _json(ModelList(data=[_card(Model.of(request))]))


async def get_model(request: Request) -> Response:
    """Answer the card of the model, if it is this one."""
    card = _card(Model.of(request))
    if request.path_params["model"] != card.id:
        raise RequestError("model_not_found", f"this API serves the model {card.id}", "model")
    return _json(card)


async def health(request: Request) -> Response:
    """Answer that the proxy is ready, without asking the endpoint."""
    del request
    return Response(b'{"status":"ok"}', media_type="application/json")


def _card(model: Model) -> ModelCard:
    settings = model.settings
    return ModelCard(
        id=settings.model_id,
        created=0,  # A deployed model has no date.
        owned_by="sagemaker",
        max_input_tokens=settings.max_input_length,
        max_total_tokens=settings.max_total_tokens,
    )


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
