"""The server of one model: `python -m embedded_aws.model_server tgi`."""

import os
import sys
import time
from importlib import import_module

from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.serving import Room, serve
from embedded_aws.model_server.stand_in import STOOD_IN_FOR

REFUSED = 2

# Each server's module, which is imported only where it serves.
_ROOMS = {
    **{
        name: f"embedded_aws.model_server.{name.replace('-', '_')}.room"
        for name in ("tgi", "vllm", "llama-cpp")
    },
    **{f"stand-in-{name}": f"embedded_aws.model_server.stand_in.{name}" for name in STOOD_IN_FOR},
}

# llama.cpp logs from a thread of its own; ours is to be the last line, which SageMaker reports.
_LLAMA_LOG_SECONDS = 0.3


def main(server: str) -> int:
    """Serve; the exit status says whether the settings were accepted."""
    parent = os.getppid()
    try:
        room: Room = import_module(_ROOMS[server]).furnish(os.environ)
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
