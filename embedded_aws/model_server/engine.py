"""llama.cpp in this process, asked over its own HTTP, on a socket that only this user opens."""

import secrets
import tempfile
from pathlib import Path

import httpx
import xllamacpp

from embedded_aws.model_server.errors import SettingsError

# A prompt is read by so many tokens (0.5 s), so that other generations go on beside it and a client
# that disconnects is noticed; larger batches are no faster on one thread.
BATCH_TOKENS = 64


def parameters(model: Path, *adapters: Path) -> xllamacpp.CommonParams:
    """Return llama.cpp's parameters for a model on a machine that has other work too.

    All adapters apply, unless a request chooses among them by their places.
    """
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    if adapters:
        infos = [xllamacpp.CommonAdapterLoraInfo(str(path), 1.0) for path in adapters]
        params.lora_adapters = infos
    params.ui = False
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    # a second thread makes all of it far slower as soon as anything else runs on the machine
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    # on a CPU, flash attention costs a fifth of the speed at 1,000 tokens of context
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_ram_mib = 0  # copies of old prompts could grow to 8 GiB
    params.fit_params = False  # there is no GPU to fit the model into, and looking takes 0.3 s
    params.verbosity = 1  # errors
    return params


def unused_socket() -> str:
    """Return a short path for a socket, which ends as llama.cpp wants it.

    SIGTERM ends this process before it could delete the socket: its owner does, with the other
    temporary files, and until then no other may have its name.
    """
    while True:
        path = Path(tempfile.gettempdir(), f"{secrets.token_urlsafe(2)}.sock")
        if not path.exists():
            return str(path)


class Engine:
    """Owns llama.cpp's server; `http` asks it."""

    def __init__(self, params: xllamacpp.CommonParams, connections: int) -> None:
        params.n_threads_http = connections
        # it answers any web page that finds its port: give it none
        socket = unused_socket()
        params.hostnames = [socket]
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            adapters = [adapter.path for adapter in params.lora_adapters]
            files = " with ".join([params.model.path, *adapters])
            raise SettingsError(f"llama.cpp cannot load {files}") from error
        # each connection keeps one of llama.cpp's threads, an idle one too
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=0)
        self.http = httpx.AsyncClient(
            base_url="http://localhost",
            transport=httpx.AsyncHTTPTransport(uds=socket, limits=limits),
            timeout=httpx.Timeout(None),
        )
