"""The server of one model, on loopback or a Unix socket, until a signal or its parent's end."""

import contextlib
import os
import sys
import time

import uvicorn

from embedded_aws.model_server.app import App
from embedded_aws.model_server.generator import Generator
from embedded_aws.model_server.llama import Llama
from embedded_aws.model_server.settings import SettingsError, read_settings
from embedded_aws.model_server.weights import find_weights

REFUSED = 2

# llama.cpp logs from a thread of its own; ours is to be the last line, which SageMaker reports.
_LLAMA_LOG_SECONDS = 0.3


def main() -> int:
    """Serve; the exit status says whether the settings were accepted."""
    parent = os.getppid()
    try:
        settings = read_settings(os.environ)
        llama = Llama(find_weights(settings), settings.max_total_tokens)
    except SettingsError as error:
        time.sleep(_LLAMA_LOG_SECONDS)
        sys.stderr.write(f"{error}\n")
        return REFUSED
    # The log line with which TGI, too, says that the weights are loaded.
    sys.stdout.write(
        f"serves {settings.hf_model_id}, up to {settings.max_input_length} input tokens "
        f"and {settings.max_total_tokens} in all\n"
    )
    sys.stdout.flush()

    async def stop_without_parent() -> None:
        server.should_exit |= os.getppid() != parent

    server = uvicorn.Server(
        uvicorn.Config(
            App(Generator(llama, settings), settings).asgi(),
            host="127.0.0.1",
            port=settings.port,
            uds=settings.uvicorn_uds,
            log_level="warning",
            timeout_graceful_shutdown=1,
            callback_notify=stop_without_parent,
            timeout_notify=1,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
