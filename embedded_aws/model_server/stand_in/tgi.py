"""TGI's wire over the stand-in's batches: what they have no room for is refused."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from embedded_aws.model_server.serving import Room
from embedded_aws.model_server.stand_in.instances import Instances, room
from embedded_aws.model_server.tgi.app import App
from embedded_aws.model_server.tgi.settings import Settings, read_settings
from embedded_aws.model_server.tgi.validation import check_request
from embedded_aws.model_server.tgi.wire import (
    GenerateRequest,
    GenerateResponse,
    StreamDetails,
    StreamResponse,
    TgiError,
    Token,
)

_TOKEN = Token(id=272, text=" word", logprob=-1.0, special=False)


class StandIn:
    """Answers as many tokens as a request asks for at most; each instance admits its own."""

    def __init__(self, settings: Settings, instances: Instances) -> None:
        self._settings = settings
        self._instances = instances

    async def stream(self, request: GenerateRequest) -> AsyncGenerator[StreamResponse]:
        """Yield an event for each token; raises TgiError."""
        batch = self._instances.batch()
        if len(batch) >= self._settings.max_concurrent_requests:
            raise TgiError("overloaded", "Model is overloaded")
        check_request(request, self._settings)
        limit, come = request.parameters.max_new_tokens, 0
        async with aclosing(batch.generate(len(request.inputs.split()), limit)) as tokens:
            async for _ in tokens:
                come += 1
                event = StreamResponse(token=_TOKEN)
                if come == limit:
                    event.generated_text = limit * _TOKEN.text
                    if request.parameters.details:
                        event.details = StreamDetails("length", come, None)
                yield event

    async def answer(self, request: GenerateRequest) -> GenerateResponse:
        """Return a whole answer; raises TgiError."""
        async with aclosing(self.stream(request)) as events:
            texts = [event.generated_text async for event in events]
        return GenerateResponse(texts[-1] or "")


def furnish(environment: Mapping[str, str]) -> Room:
    """Take what the environment says; raises SettingsError."""
    settings = read_settings(environment)
    stand_in = StandIn(settings, Instances(environment))
    return room(App(stand_in, settings).asgi(), settings.hf_model_id)
