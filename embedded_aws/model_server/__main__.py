"""The server of one model: `python -m embedded_aws.model_server tgi`."""

import os
import sys
import time
from collections.abc import Callable, Mapping

from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.llama_cpp import room as llama_cpp
from embedded_aws.model_server.serving import Room, serve
from embedded_aws.model_server.stand_in import room as stand_in
from embedded_aws.model_server.tgi import room as tgi
from embedded_aws.model_server.vllm import room as vllm

REFUSED = 2

ROOMS: dict[str, Callable[[Mapping[str, str]], Room]] = {
    "tgi": tgi.furnish,
    "vllm": vllm.furnish,
    "llama-cpp": llama_cpp.furnish,
    "stand-in": stand_in.furnish,
}

# llama.cpp logs from a thread of its own; ours is to be the last line, which SageMaker reports.
_LLAMA_LOG_SECONDS = 0.3


def main(server: str) -> int:
    """Serve; the exit status says whether the settings were accepted."""
    parent = os.getppid()
    try:
        room = ROOMS[server](os.environ)
    except SettingsError as error:
        time.sleep(_LLAMA_LOG_SECONDS)
        sys.stderr.write(f"{error}\n")
        return REFUSED
    sys.stdout.write(f"{room.loaded}\n")
    sys.stdout.flush()
    serve(room, os.environ, parent)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
