"""`GET /v1/models`, `GET /v1/models/{model}` and `GET /health`."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from invoke_proxy.model import Model, unknown_model
from invoke_proxy.openai.answers import ModelCard, ModelList
from invoke_proxy.settings import Settings


async def list_models(request: Request) -> Response:
    """Answer the list of what is served: a model, and the adapters beside it."""
    settings = Model.of(request).settings
    return _json(ModelList(data=[_card(settings, name) for name in settings.models]))


async def get_model(request: Request) -> Response:
    """Answer the card of a model that is served."""
    settings, name = Model.of(request).settings, request.path_params["model"]
    if name in settings.aliases:
        name = settings.model_id
    if name not in settings.models:
        raise unknown_model(settings.models)
    return _json(_card(settings, name))


async def health(request: Request) -> Response:
    """Answer that the proxy is ready, without asking the endpoint."""
    del request
    return Response(b'{"status":"ok"}', media_type="application/json")


def _card(settings: Settings, name: str) -> ModelCard:
    return ModelCard(
        id=name,
        created=0,  # A deployed model has no date.
        owned_by="sagemaker",
        max_input_tokens=settings.max_input_length,
        max_total_tokens=settings.max_total_tokens,
    )


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
